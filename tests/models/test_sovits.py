"""SoVITS against the reference's numbers, stage by stage."""

import numpy as np
import pytest
from reference_sovits import batch, build, reference
from reference_weights import case, config, state

from mlx_voice.device import mx
from mlx_voice.models.sovits import Prior, SoVITS

Arrays = dict[str, np.ndarray]


def close(ours: mx.array, theirs: np.ndarray, tolerance: float = 1e-4) -> None:
    """Within `tolerance` of the largest value; the reference's layout is [B, C, T]."""
    got = np.array(ours.astype(mx.float32))
    got = got.transpose(0, 2, 1) if theirs.ndim == 3 else got[0]
    assert got.shape == theirs.shape
    error = np.abs(got - theirs).max() / np.abs(theirs).max()
    assert error < tolerance, f"off by {error:.1e} of the largest value"


def condition(model: SoVITS, spec: str, speaker: np.ndarray | None = None) -> mx.array:
    vector = None if speaker is None else mx.array(speaker)
    return model.condition(batch(case("01_spectrogram")[spec]), vector)


def demand_decode(
    model: SoVITS, arrays: Arrays, run: str, ge: mx.array, count: int | None = None, speed: float = 1.0
) -> Prior:
    """From codes to sound, each stage from our own previous one."""
    codes, phones = batch(arrays["codes"][:count]), batch(arrays["phones"])
    prior = model.encode(codes, phones, ge, speed)
    noise = batch(arrays[f"{run}_noise"])
    z_p = prior.sample(noise, 0.5)
    z = model.flow(z_p, ge)
    stages = {"y": prior.y, "m_p": prior.m_p, "logs_p": prior.logs_p, "z_p": z_p, "z": z}
    for name, ours in stages.items():
        if f"{run}_{name}" in arrays:
            close(ours, arrays[f"{run}_{name}"])
    close(model.generator(z, ge), arrays[f"{run}_wave"], 1e-3)
    close(model.decode(codes, phones, ge, noise, 0.5, speed), arrays[f"{run}_wave"], 1e-3)
    return prior


def test_the_condition() -> None:
    model, arrays = reference("s2_v2"), case("10_timbre")
    specs = {"ref32k": "spec_ref32k", "aux1_32k": "spec704_aux1_32k", "aux2_32k": "spec704_aux2_32k"}
    each = {name: condition(model, spec) for name, spec in specs.items()}
    for name, ge in each.items():
        close(ge, arrays[f"ge_{name}"])
    close(mx.stack(list(each.values())).mean(axis=0), arrays["ge_mean3"])


@pytest.mark.parametrize(
    ("run", "count", "speed"),
    [("s100", None, 1.0), ("s125", None, 1.25), ("s080", None, 0.8), ("refs3", 13, 1.0)],
)
def test_v2(run: str, count: int | None, speed: float) -> None:
    ge = "ge_mean3" if run == "refs3" else "ge_ref32k"
    demand_decode(reference("s2_v2"), case("11_decode"), run, batch(case("10_timbre")[ge]), count, speed)


def test_v2_inside() -> None:
    model, arrays = reference("s2_v2"), case("11_decode")
    encoder, generator = model.enc_p, model.generator
    ge, codes, phones = batch(arrays["ge"]), batch(arrays["codes"]), batch(arrays["phones"])
    quantized = model.codebook(codes)
    close(quantized, arrays["quantized"])
    content = mx.repeat(encoder.ssl_proj(quantized), 2, axis=1)
    close(content, arrays["s100_enc.ssl_proj"])
    close(encoder.encoder_ssl.attn_layers[0](content, None), arrays["s100_enc.encoder_ssl.attn_layers.0"])
    content = encoder.encoder_ssl(content)
    close(content, arrays["s100_enc.encoder_ssl"])
    text = encoder.text(phones)
    close(text, arrays["s100_enc.encoder_text"])
    met, _ = encoder.mrte(content, text, None, ge)
    close(met, arrays["s100_enc.mrte"])
    close(encoder.encoder2(met), arrays["s100_enc.encoder2"])
    z = batch(arrays["s100_z"])
    close(generator.conv_pre(z), arrays["s100_dec_pre"])
    close(generator.cond(ge), arrays["s100_dec_cond"])


def test_v1() -> None:
    model, arrays = reference("s2_v1"), case("14_v1")
    ge = condition(model, "spec_ref32k")
    close(ge, arrays["ge"])
    demand_decode(model, arrays, "s100", ge)


def test_v2pro_hears_the_speaker_vector_too() -> None:
    model, arrays = reference("s2_v2pro"), case("13_v2pro")
    one = condition(model, "spec_ref32k", arrays["sv0"])
    close(one, arrays["one_ge"])
    close(model.ge_to512(one), arrays["one_ge512"])
    demand_decode(model, arrays, "one", one)
    two = (one + condition(model, "spec704_aux1_32k", arrays["sv1"])) / 2
    close(two, arrays["two_ge"])
    demand_decode(model, arrays, "two", two, speed=1.1)
    with pytest.raises(ValueError, match="speaker vector"):
        condition(model, "spec_ref32k")


def test_what_the_token_loop_said() -> None:
    model, arrays = reference("s2_v2"), case("16_e2e")
    ge, phones = batch(case("10_timbre")["ge_ref32k"]), batch(case("03_bert")["text0_phones"])
    wave = model.decode(batch(arrays["single_codes"]), phones, ge, batch(arrays["single_noise0"]))
    close(wave, arrays["single_wave0"], 1e-3)


@pytest.mark.parametrize("name", ["s2_v2", "s2_v2Pro"])
def test_full_size(name: str) -> None:
    model, arrays = reference(name, "full"), case(f"full_{name}")
    speaker = mx.array(arrays["sv"]) if "sv" in arrays else None
    ge = model.condition(batch(arrays["spec"]), speaker)
    close(ge, arrays["ge"])
    demand_decode(model, arrays, "s100", ge)
    assert np.array(model.codes(batch(arrays["ssl"])))[0].tolist() == arrays["ssl_codes"].tolist()
    assert (model.flow_context, model.generator_context) == (32, 11)


def test_half_precision_is_near() -> None:
    model, arrays = build(config("s2_v2"), state("s2_v2")), case("11_decode")
    model.set_dtype(mx.float16)
    ge, noise = (batch(arrays[name]).astype(mx.float16) for name in ("ge", "s100_noise"))
    wave = model.decode(batch(arrays["codes"]), batch(arrays["phones"]), ge, noise)
    assert wave.dtype == mx.float16
    close(wave, arrays["s100_wave"], 0.05)
