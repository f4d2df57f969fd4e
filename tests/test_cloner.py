"""VoiceCloner: the same sound from every tier and thread, and everything that can be wrong with a call."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlx_voice
from mlx_voice import Audio, Recording, VoiceCloner
from mlx_voice.errors import AudioError, CancelledError, InputError, TextError, UnknownVoiceError

SAID = "今天天气很好，我们去公园。"
TEXT = "你好，世界。语音合成真有趣。"


@pytest.fixture
def cloner(tiny_model: Path) -> Iterator[VoiceCloner]:
    with VoiceCloner(tiny_model) as cloner:
        yield cloner


def test_one_sound_from_every_tier(
    cloner: VoiceCloner, tiny_model: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = cloner.speak(TEXT, cloner.clone(recording, SAID), seed=7)
    warm = cloner.speak(TEXT, cloner.clone(recording, SAID), seed=7)
    cloner.voices.add("anna", Recording(recording, SAID))
    stored = cloner.speak(TEXT, "anna", seed=7)
    monkeypatch.setattr("mlx_voice.checkpoints.model._opened", {})
    with VoiceCloner(tiny_model) as another:
        again = another.speak(TEXT, another.clone(recording, SAID), seed=7)
        assert "content" not in another._engine.call(lambda: another._engine.model.loaded())
    assert cold.samples.dtype == np.float32
    assert cold.seconds > 0.5
    unstored = {"use_precomputed_codes": False, "use_precomputed_mel": False, "use_gpu_mel": True}
    with VoiceCloner(tiny_model, **unstored) as third:
        anew = third.speak(TEXT, third.clone(recording, SAID), seed=7)
    for other in (warm, stored, again, anew):
        assert np.array_equal(cold.samples, other.samples)


def test_seeds_decide(cloner: VoiceCloner, recording: Path) -> None:
    voice = cloner.clone(recording, SAID)
    one, two = (cloner.speak(TEXT, voice, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.samples, two.samples)
    free = cloner.speak(TEXT, voice)
    assert np.array_equal(free.samples, cloner.speak(TEXT, voice, seed=free.stats.seed).samples)


def test_a_stream_joined_is_the_whole(cloner: VoiceCloner, recording: Path) -> None:
    voice = cloner.clone(recording, SAID)
    chunks = list(cloner.stream(TEXT, voice, seed=3))
    assert len(chunks) >= 2
    assert chunks[0].stats.first_audio < chunks[-1].stats.total
    whole = cloner.speak(TEXT, voice, seed=3).samples
    streamed = Audio.joined(chunks).samples
    assert len(streamed) == len(whole)


def test_the_account_is_full(cloner: VoiceCloner, recording: Path) -> None:
    voice = cloner.clone(recording, SAID)
    stats = cloner.speak(TEXT, voice, seed=0).stats
    assert stats.hits["voice"] == 1
    assert "voice" not in stats.misses
    assert stats.token_count > 20
    assert 0 < stats.first_audio <= stats.total
    assert min(stats.text, stats.prefill, stats.tokens, stats.decode) > 0
    assert stats.peak_memory > 1 << 20


def test_speed_and_a_voices_own_speed(cloner: VoiceCloner, recording: Path) -> None:
    slow, _ = cloner.voices.add("slow", Recording(recording, SAID, speed_factor=0.5))
    usual = cloner.speak("你好，世界。", cloner.clone(recording, SAID), seed=1)
    for other in (
        cloner.speak("你好，世界。", slow, seed=1),
        cloner.speak("你好，世界。", slow, seed=1, speed=1.0),
    ):
        assert other.seconds > 1.3 * usual.seconds
    same = cloner.speak("你好，世界。", slow, seed=1, speed=2.0)
    assert abs(same.seconds - usual.seconds) < 0.05


def test_ways_to_name_a_voice(cloner: VoiceCloner, recording: Path) -> None:
    for name, alias in (("anna", "zh"), ("ben", "Benjamin")):
        cloner.voices.add(name, Recording(recording, SAID, aliases=(alias,)))
    assert [voice.name for voice in cloner.voices if voice.name in ("anna", "ben")] == ["anna", "ben"]

    def first(voice: object) -> list[tuple[str, float]]:
        from mlx_voice.text import analyse

        blend = cloner.voices.blend(voice, analyse("你好"))  # type: ignore[arg-type]
        return [(v.name, weight) for v, weight in blend]

    assert first(None) == [("anna", 1)]
    assert first("Benjamin") == [("ben", 1)]
    assert first("anna:0.7+ben:0.3") == [("anna", 0.7), ("ben", 0.3)]
    assert first("anna+ben") == first(["anna", cloner.voices["ben"]]) == [("anna", 1), ("ben", 1)]
    assert first({"anna": 3, "ben": 1}) == [("anna", 3), ("ben", 1)]
    for wrong in ("anna:x", "anna:0", "+", "anna:-1", "anna:nan", []):
        with pytest.raises(InputError):
            first(wrong)
    with pytest.raises(UnknownVoiceError, match="anna"):
        first("ana")


def test_voices_come_and_go(cloner: VoiceCloner, recording: Path, tmp_path: Path) -> None:
    before = len(cloner.voices)
    cloner.voices.add("anna", Recording(recording, SAID))
    cloner.voices.export("anna", tmp_path / "anna.voice")
    cloner.voices.remove("anna")
    assert len(cloner.voices) == before
    cloner.voices.install(tmp_path / "anna.voice", "ben")
    assert cloner.voices["ben"].entry.ref_text == SAID


def test_a_request_can_be_taken_back(cloner: VoiceCloner, recording: Path) -> None:
    voice = cloner.clone(recording, SAID)
    cancel = threading.Event()
    with pytest.raises(CancelledError):
        for _ in cloner.stream(TEXT * 5, voice, cancel=cancel):
            cancel.set()
    for chunk in cloner.stream(TEXT * 5, voice):
        assert chunk.seconds > 0
        break  # nobody listens any more
    assert cloner.speak(TEXT, voice).seconds > 0


def test_wrong_calls_are_one_sentence_and_load_no_network(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlx_voice.checkpoints.model._opened", {})
    cloner = VoiceCloner(tiny_model)
    with pytest.raises(TextError):
        cloner.speak("  …  ")
    with pytest.raises(UnknownVoiceError):
        cloner.speak(TEXT, "nobody")
    with pytest.raises(AudioError, match=r"none\.wav"):
        cloner.clone(tmp_path / "none.wav", SAID)
    with pytest.raises(TypeError, match="sped"):
        cloner.speak(TEXT, sped=2)
    assert cloner._engine.call(lambda: cloner._engine.model.loaded()) == []
    cloner.close()


def test_a_closed_cloner_says_so(tiny_model: Path) -> None:
    cloner = VoiceCloner(tiny_model)
    cloner.close()
    with pytest.raises(mlx_voice.VoiceError, match="closed"):
        cloner.speak(TEXT)


def test_a_lexicon_of_the_call_goes_before_the_voice_s_own(cloner: VoiceCloner, recording: Path) -> None:
    heard = cloner.clone(recording, SAID)
    voice = replace(heard, entry=replace(heard.entry, lexicon={"Qwen": "K W EH1 N", "重重": "zhong4 zhong4"}))

    def same(one: str, two: str, **changes: Any) -> bool:
        sounds = [cloner.speak(text, voice, seed=7, **changes).samples for text in (one, two)]
        return np.array_equal(*sounds)

    assert same("Qwen speaks.", "{K W EH1 N} speaks.")
    assert same("重重地说。", "重(zhong4)重(zhong4)地说。")
    assert same("重重地说。", "重(chong2)重(chong2)地说。", lexicon={"重重": "chong2 chong2"})
    with pytest.raises(TextError, match="cannot be used"):
        cloner.speak("Qwen", voice, lexicon={"Qwen": "nothing like a phone"})
