"""T2S against the reference: prefill, teacher-forced steps, padded batches, and the files' keys."""

import numpy as np
import pytest
from reference_t2s import Array, bert_of, build, close, ids, reference
from reference_weights import case, config, manifest, state

from mlx_voice.device import mx
from mlx_voice.generate.kv import KVCache
from mlx_voice.generate.loop import Row, assembled
from mlx_voice.models.t2s import T2S, T2SConfig, config_from_checkpoint, prefill_mask, renames, sinusoids


def prompted(model: T2S, phones: np.ndarray, bert: mx.array, codes: np.ndarray) -> tuple[mx.array, mx.array]:
    """The input of an unpadded prefill, and its mask."""
    parts = [model.embed_text(mx.array(phones)[None], bert[None])]
    if len(codes):
        parts.append(model.embed_codes(mx.array(codes)[None]))
    x = mx.concatenate(parts, axis=1)
    return x, prefill_mask(mx.array([0]), mx.array([len(phones)]), x.shape[1])


def forced(
    model: T2S, x: mx.array, mask: mx.array, codes: int, tokens: np.ndarray
) -> tuple[mx.array, mx.array]:
    """Hidden states and logits of the prefill and after each token."""
    cache = KVCache()
    hidden = [model(x, cache, mask)[:, -1]]
    cache.advance(x.shape[1])
    for i, token in enumerate(tokens.tolist()):
        cache.reserve()
        hidden.append(model(model.embed_codes(mx.array([[token]]), codes + i), cache, cache.mask())[:, -1])
        cache.advance()
    h = mx.concatenate(hidden)
    return h, model.logits(h)


def test_prefill_and_steps_equal_the_reference() -> None:
    model, want = reference(), case("05_t2s_prefill")
    x, mask = prompted(model, want["phones"], mx.array(want["bert"].T), want["prompt"])
    close(x, want["xy_in"])
    assert np.array_equal(~np.array(mask[0, 0]), want["mask"].astype(bool))
    h, cache = x, KVCache()
    for i, layer in enumerate(model.layers):
        h = layer(h, i, cache, mask)
        close(h, want[f"layer{i}"])
    tokens, n = want["teacher_tokens"], len(want["prompt"])
    hidden, logits = forced(model, x, mask, n, tokens[:5])
    close(hidden[:1], want["hidden_last"])
    close(logits[:1], want["logits"])
    close(hidden[1:], want["teacher_hidden"])
    close(logits[1:], want["teacher_logits"])
    close(model.embed_codes(mx.array(tokens[:5])[:, None], mx.arange(n, n + 5)), want["teacher_in"])


def test_without_a_prompt_the_last_phone_speaks() -> None:
    model, want = reference(), case("05_t2s_prefill")
    x, mask = prompted(model, want["noprompt_phones"], mx.array(want["noprompt_bert"].T), np.array([], int))
    close(forced(model, x, mask, 0, np.array([], int))[1], want["noprompt_logits"])


def test_full_size_equals_the_reference() -> None:
    model, want = reference("full"), case("full_s1")
    x, mask = prompted(model, want["phones"], mx.array(want["bert"].T), want["prompt"])
    hidden, logits = forced(model, x, mask, len(want["prompt"]), want["teacher_tokens"][:5])
    close(hidden, want["hidden"])
    close(logits, want["logits"])


def test_a_padded_batch_equals_the_reference() -> None:
    model, want, texts = reference(), case("07_t2s_batch"), case("06_t2s_greedy")
    names = ("eos", "text1", "text2")
    rows = [
        Row(ids(texts[f"{name}_phones"]), bert_of("prompt", f"text{i}"), ids(texts["prompt"]))
        for i, name in enumerate(names)
    ]
    x, starts, ends = assembled(model, rows)
    extra = x.shape[1] - want["xy_in"].shape[1]  # our columns come in buckets
    close(x[:, extra:], want["xy_in"])
    mask = prefill_mask(mx.array(starts), mx.array(ends), x.shape[1])
    seen = np.array(mask)[:, 0, extra:, extra:]
    for b, start in enumerate(starts):  # the reference's padded queries are arbitrary
        real = start - extra
        assert np.array_equal(~seen[b, real:], want["mask"][b, real:].astype(bool))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_key_of_the_official_files_is_used(version: str) -> None:
    tensors = {k: Array(np.broadcast_to(np.float16(0), s)) for k, (s, _) in manifest(f"s1_{version}").items()}
    sizes = config_from_checkpoint(config("s1", "full"), tensors)
    assert (sizes.layers, sizes.width, sizes.heads, sizes.ffn, sizes.codes) == (24, 512, 16, 2048, 1025)
    assert sizes.phones == {"v1": 512, "v2": 732}[version]
    plan = renames(tensors, sizes)
    from mlx.utils import tree_flatten

    ours = dict(tree_flatten(T2S(sizes).parameters()))
    assert len(plan) == len(tensors) == len(ours)
    assert {name: weight.shape for name, weight in plan.items()} == {k: v.shape for k, v in ours.items()}


def test_half_precision_stays_near() -> None:
    want = case("05_t2s_prefill")
    model = build(config("s1"), state("s1"))
    model.set_dtype(mx.float16)
    x, mask = prompted(model, want["phones"], mx.array(want["bert"].T).astype(mx.float16), want["prompt"])
    assert x.dtype == mx.float16
    logits = forced(model, x, mask, len(want["prompt"]), want["teacher_tokens"][:5])[1]
    assert logits.dtype == mx.float16
    close(logits[1:].astype(mx.float32), want["teacher_logits"], 2e-2)


def test_a_model_without_text_features() -> None:
    sizes = T2SConfig(layers=1, width=16, heads=2, ffn=24, phones=9, codes=12, end=11, bert=0)
    model = T2S(T2SConfig.from_dict(vars(sizes)))
    assert model.embed_text(mx.array([[1, 2, 3]])).shape == (1, 3, 16)
    assert not [name for name in model if "bert" in name]


def test_zeros_and_no_features_are_the_same() -> None:
    model = reference()
    phones = mx.array([[3, 4, 5]])
    close(model.embed_text(phones), np.array(model.embed_text(phones, mx.zeros((1, 3, 1024)))), 1e-6)


def test_positions_beyond_the_table() -> None:
    model = T2S(T2SConfig(layers=1, width=8, heads=2, ffn=8, phones=9, codes=12, end=11, bert=0))
    codes = mx.zeros((1, 3000), mx.int32)
    x = model.embed_codes(codes) - model.code_embedding(codes)
    close(x[0], sinusoids(3000, 8), 1e-5)
    model.reserve(9000)
    far = model.embed_codes(codes[:, :1], mx.array([8999])) - model.code_embedding(codes[:, :1])
    close(far[0], sinusoids(9000, 8)[8999:], 1e-5)
