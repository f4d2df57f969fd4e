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
    assert {"speech", "bert", "kv"} <= set(stats.bytes)
    assert {"speech", "bert"} <= set(stats.evictions)


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


LONG = "今天很好。" + "".join(f"我们去第{i}个公园看花。" for i in range(1, 11))


def test_a_long_text_comes_sentence_by_sentence(cloner: VoiceCloner, recording: Path) -> None:
    voice = cloner.clone(recording, SAID)
    parts = list(cloner.sentences(LONG, voice, seed=3))
    assert [part.stats.heard for part in parts] == list(range(1, len(parts) + 1))
    assert {part.stats.sentences for part in parts} == {len(parts)}
    assert len(parts) > 8
    assert np.array_equal(Audio.joined(parts).samples, cloner.speak(LONG, voice, seed=3).samples)


def test_words_know_where_they_were_written(cloner: VoiceCloner, recording: Path) -> None:
    text = "今天[pause:200ms]是20%。The year 1984, he said: “the  hat!”"
    words = cloner.speak(text, cloner.clone(recording, SAID), seed=3).words
    written = [text[slice(*word.place)] for word in words]
    assert len(words) > 8
    for word, place in zip(words, written, strict=True):
        assert word.text == place or place in "20% 1984"
    places = [word.place for word in words]
    assert places == sorted(places)


def test_takes_read_once_and_draw_apart(
    cloner: VoiceCloner, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlx_voice.generate import loop

    read: list[int] = []
    prefill = loop.prefill

    def counted(model: Any, rows: Any, *more: Any) -> Any:
        read.append(len(rows))
        return prefill(model, rows, *more)

    monkeypatch.setattr(loop, "prefill", counted)
    voice = cloner.clone(recording, SAID)
    takes: list[list[Audio]] = [[], [], []]
    for take, sentence in cloner.takes(LONG, 3, voice, seed=2**32 - 2):
        takes[take].append(sentence)
    sentences = takes[0][0].stats.sentences
    assert [len(take) for take in takes] == [sentences] * 3
    assert sum(read) == sentences  # and not three times as many
    accounts = [take[-1].stats for take in takes]
    assert [stats.hits.get("prefill", 0) for stats in accounts] == [0, sentences, sentences]
    assert [stats.seed for stats in accounts] == [2**32 - 2, 2**32 - 1, 2**32]
    whole = [Audio.joined(take) for take in takes]
    for seed, take in zip((2**32 - 2, 2**32 - 1, 2**32), whole, strict=True):
        alone = cloner.speak(LONG, voice, seed=seed).samples
        assert len(alone) == len(take.samples)
        assert np.abs(alone - take.samples).max() < 1e-3  # the order of sums differs with the batch
    assert not np.array_equal(whole[0].samples[:9999], whole[1].samples[:9999])


def test_takes_begin_where_they_are_told(cloner: VoiceCloner, recording: Path) -> None:
    from mlx_voice.takes import stretch

    voice = cloner.clone(recording, SAID)
    whole = [part for _, part in cloner.takes(LONG, 1, voice, seed=4)]
    rest = [part for _, part in cloner.takes(LONG, 1, voice, seed=4, first=stretch(1))]
    assert [part.stats.heard for part in rest] == [part.stats.heard for part in whole[stretch(1) :]]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(rest, whole[stretch(1) :], strict=True))
    assert not list(cloner.takes(LONG, 1, voice, first=len(whole)))


def test_what_is_not_shared_is_not_counted(tiny_model: Path, recording: Path) -> None:
    with VoiceCloner(tiny_model, quantized_kv=True) as cloner:
        voice = cloner.clone(recording, SAID)
        last = dict(cloner.takes(TEXT, 2, voice, seed=1, context=25))
        assert all("prefill" not in part.stats.hits for part in last.values())
        assert last[1].stats.heard == last[1].stats.sentences
        plain = cloner.fingerprint(TEXT, voice)
    with VoiceCloner(tiny_model) as cloner:
        assert cloner.fingerprint(TEXT, voice) != plain


def test_takes_are_counted_and_can_be_taken_back(cloner: VoiceCloner, recording: Path) -> None:
    voice = cloner.clone(recording, SAID)
    for wrong in (0, -1, 33):
        with pytest.raises(InputError, match="1 to 32"):
            cloner.takes(TEXT, wrong, voice)
    cancel = threading.Event()
    with pytest.raises(CancelledError):
        for _ in cloner.takes(LONG, 2, voice, cancel=cancel):
            cancel.set()
    assert cloner.speak(TEXT, voice).seconds > 0


def test_a_fingerprint_is_of_all_that_is_heard(cloner: VoiceCloner, recording: Path) -> None:
    from mlx_voice import SpeakOptions

    voice = cloner.clone(recording, SAID)
    print_of = [
        cloner.fingerprint(TEXT, voice),
        cloner.fingerprint(TEXT + " ", voice),
        cloner.fingerprint(TEXT, "cedar"),
        cloner.fingerprint(TEXT, {"cedar": 1.0, "pine": 0.5}),
        cloner.fingerprint(TEXT, voice, SpeakOptions(speed=1.1)),
        cloner.fingerprint(TEXT, voice, SpeakOptions(lexicon={"世界": "shi4 jie4"})),
        cloner.fingerprint(TEXT, voice, SpeakOptions(pause=0.2)),
    ]
    assert len(set(print_of)) == len(print_of)
    assert cloner.fingerprint(TEXT, voice, SpeakOptions(seed=9)) == print_of[0]
