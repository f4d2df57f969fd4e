"""What is written is read back; what cannot be read is one sentence."""

import io
import random
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mlx_voice.audio import FORMATS, Encoder, Samples, encode, read, write
from mlx_voice.errors import AudioError


def tone(seconds: float = 0.5, rate: int = 32000) -> Samples:
    return (0.4 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_comes_back(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"tone.{kind}"
    write(path, tone(), 32000)
    back, rate = read(path)
    assert rate == 32000 and back.dtype == np.float32
    if kind in ("wav", "flac"):
        np.testing.assert_allclose(back, tone(), atol=1 / 32000)
    else:
        assert abs(len(back) - 16000) <= 2304  # mp3 pads to its own frames
        assert 0.35 < np.abs(back).max() < 0.45


def test_from_a_path_bytes_and_a_stream_alike(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(), 24000)
    data = (tmp_path / "a.wav").read_bytes()
    for source in (str(tmp_path / "a.wav"), data, io.BytesIO(data)):
        samples, rate = read(source)
        assert rate == 24000
        np.testing.assert_array_equal(samples, read(tmp_path / "a.wav")[0])


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_stereo_of_any_depth(tmp_path: Path, subtype: str) -> None:
    both = np.stack([tone(), -tone()], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 11025, subtype=subtype)
    samples, rate = read(tmp_path / "a.wav")
    assert samples.shape == both.shape and rate == 11025
    np.testing.assert_allclose(samples, both, atol=0.02)


def test_what_is_too_loud_is_clipped_not_wrapped() -> None:
    samples, _ = read(encode(np.array([2.0, -2.0, 0.5], np.float32), 8000))
    np.testing.assert_allclose(samples, [1, -1, 0.5], atol=1e-4)


def test_long_vorbis_is_written_in_blocks() -> None:
    assert len(read(encode(tone(20), 32000, "ogg"))[0]) == 20 * 32000


def test_too_long_is_refused_before_it_is_decoded() -> None:
    data = encode(tone(2), 32000)
    with pytest.raises(AudioError, match="longer than 1 s"):
        read(data, longest=1)
    assert len(read(data, longest=2)[0]) == 64000


def test_an_empty_recording_is_empty() -> None:
    assert read(encode(np.zeros(0, np.float32), 8000))[0].shape == (0,)


def test_unknown_formats_and_rates_are_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"'aiffz'.*wav, flac, ogg, mp3"):
        write(tmp_path / "a.aiffz", tone(), 32000)
    with pytest.raises(AudioError, match="mp3 cannot hold sound at 1234 Hz"):
        write(tmp_path / "a.mp3", tone(), 1234)
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_or_not_audio(tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("not audio at all")
    for source in (tmp_path, tmp_path / "nowhere.wav", text, b"", b"RIFF", str(text)):
        with pytest.raises(AudioError):
            read(source)


def test_damaged_files_are_errors_or_sound(count) -> None:  # type: ignore[no-untyped-def]
    """Flipped bytes and cut ends never raise anything but AudioError, whatever length the header claims."""
    whole = {kind: encode(tone(0.2), 32000, kind) for kind in FORMATS}
    for seed in range(count(60, 2000)):
        chance = random.Random(seed)
        data = bytearray(whole[chance.choice(list(FORMATS))])
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(min(len(data), 200))] = chance.randrange(256)
        try:
            samples, _ = read(bytes(data[: chance.randint(1, len(data))]))
        except AudioError:
            continue
        assert samples.dtype == np.float32


@pytest.mark.parametrize("kind", FORMATS)
def test_pieces_make_the_bytes_of_the_whole(tmp_path: Path, kind: str) -> None:
    sound, draw = tone(7), random.Random(5)
    path = tmp_path / "pieces"
    with path.open("wb") as out, Encoder(out, 32000, kind) as encoder:
        at = 0
        while at < len(sound):
            size = draw.choice([1, 100, 30000, 100_000])
            encoder.write(sound[at : at + size])
            at += size
            assert encoder._count < 1 << 16  # what is held does not grow
    if kind == "ogg":  # it draws itself a number
        np.testing.assert_array_equal(read(path)[0], read(encode(sound, 32000, kind))[0])
    else:
        assert path.read_bytes() == encode(sound, 32000, kind)


def test_a_wav_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlx_voice.audio.codecs.WAV_BYTES", 32000)
    assert len(encode(tone(0.5), 32000)) == 32044
    with pytest.raises(AudioError, match="4 GB"):
        encode(tone(0.51), 32000)
    assert encode(tone(0.51), 32000, "flac")
