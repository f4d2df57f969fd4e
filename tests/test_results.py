"""Answers: sound that can be saved, joined and read by others, with its account."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mlx_voice.errors import AudioError
from mlx_voice.results import Audio, Stats, Word


def tone(seconds: float, **more: object) -> Audio:
    time = np.arange(int(16000 * seconds), dtype=np.float32) / 16000
    return Audio((0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), 16000, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
def test_sound_is_saved_by_extension(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"out.{extension}"
    tone(0.5).save(path)
    samples, rate = soundfile.read(path)
    assert rate == 16000
    assert len(samples) >= 8000
    assert (
        soundfile.info(path).format == {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3"}[extension]
    )


def test_an_unknown_format_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="doc"):
        tone(0.1).save(tmp_path / "out.doc")
    assert not list(tmp_path.iterdir())


def test_chunks_join_and_their_words_move() -> None:
    first, second = tone(0.5, words=(Word("a", 0.1, 0.2),)), tone(0.25, words=(Word("b", 0.0, 0.1),))
    joined = Audio.joined([first, second])
    assert joined.seconds == 0.75
    assert joined.words == (Word("a", 0.1, 0.2), Word("b", 0.5, 0.6))


def test_the_account_is_numbers() -> None:
    stats = Stats(total=2.0, audio=4.0, tokens=0.5, token_count=50, hits={"state": 1})
    as_json = json.loads(json.dumps(stats.as_dict()))
    assert as_json["real_time_factor"] == 0.5
    assert as_json["tokens_per_second"] == 100
    assert as_json["hits"] == {"state": 1}
    assert Stats().real_time_factor == 0
