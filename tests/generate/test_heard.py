"""The embedded model's ear: what its codes say, what is missing from them, and when each word is heard."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference_model import model as reference_model

from mlx_voice.audio import read
from mlx_voice.checkpoints import open_model
from mlx_voice.device import mx
from mlx_voice.generate import Generator, Request
from mlx_voice.generate.align import Verdict, away, boundaries, followed, path, told
from mlx_voice.generate.heard import phone_table
from mlx_voice.generate.layout import laid_out
from mlx_voice.generate.loop import Row, TokenLoop
from mlx_voice.generate.sampling import Sampling
from mlx_voice.generate.speech import decided
from mlx_voice.settings import SamplingOptions, SpeakOptions
from mlx_voice.text import Sentence, analyse
from mlx_voice.text.symbols import load
from mlx_voice.voices.registry import Registry
from mlx_voice.voices.state import VoiceState
from mlx_voice.voices.tiers import Tiers

Count = Callable[[int, int], int]
WORDS = {
    "en": """river morning window garden small quiet people yellow street travel summer letter music water
    bread mountain nobody always simple under yesterday carry happy seven open winter paper green""".split(),
    "zh": "今天 天气 公园 我们 朋友 喜欢 学校 老师 晚上 音乐 妈妈 北京 火车 苹果 知道 工作 孩子 河边".split(),
}
Said = tuple[list[int], tuple[int, ...], tuple[int, ...]]  # codes, phones, codes that each phone was given
CODE = 0.04  # seconds


@cache
def mini() -> Any:
    return open_model("mini")


@cache
def ear() -> np.ndarray:
    table = phone_table(mini())
    assert table is not None
    return table


@cache
def voices(language: str) -> list[VoiceState]:
    """Those that ship, in this language."""
    tiers = Tiers(mini(), Registry())
    shipped = [voice for voice in Registry().voices().values() if voice.language == language]
    return [tiers.state([(voice, 1.0)]) for voice in shipped if not voice.entry.slot]


def sentence(language: str, rng: np.random.Generator) -> Sentence:
    words = rng.choice(WORDS[language], rng.integers(5, 11))
    text = " ".join(words) + "." if language == "en" else "".join(words) + "。"
    return analyse(text, language, symbols=mini().config.symbols, role="target")[0]


def utterances(count: int) -> Iterator[Said]:
    """Random sentences said by all voices, eight at a time; their codes only."""
    rng = np.random.default_rng(11)
    sampling: Sampling = decided(SamplingOptions(), mini().config.sampling)
    for first in range(0, count, 8):
        rows: list[Row] = []
        laid: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        for number in range(first, min(first + 8, count)):
            language = "en" if number % 2 else "zh"
            said, known = sentence(language, rng), voices(language)
            row, timing = laid_out(
                mini(), known[number // 2 % len(known)], None, said, None, sampling, number
            )
            assert timing is not None
            rows.append(row)
            laid.append((said.ids, timing))
        loop = TokenLoop(mini().t2s)
        codes: dict[int, list[int]] = {row: [] for row in loop.add(rows)}
        while loop.rows:
            for token in loop.step():
                codes[token.row].append(token.code)
        yield from ((said, *rest) for said, rest in zip(codes.values(), laid, strict=True))


def verdict(codes: list[int], phones: tuple[int, ...], timing: tuple[int, ...]) -> Verdict:
    chances, distance = ear()[codes][:, list(phones)], away(timing, len(codes))
    return followed(chances, told(chances, distance), distance, len(codes) == sum(timing))


def faults(codes: list[int], rng: np.random.Generator) -> dict[str, list[int]]:
    """Each as a text laid out in time would have it: as many codes as foretold."""
    n = len(codes)
    lost, again, end = int(rng.integers(n - 10)), int(rng.integers(n - 30)), round(0.6 * n)
    rest = [codes[-1]] * n
    return {
        "10 codes dropped": (codes[:lost] + codes[lost + 10 :] + rest)[:n],
        "15 codes repeated": (codes[: again + 15] + codes[again:])[:n],
        "cut at 60 %": (codes[:end] + rest)[:n],
    }


def test_faults_are_found_and_good_speech_is_not_blamed(count: Count) -> None:
    rng, total = np.random.default_rng(12), count(16, 200)
    found = {"10 codes dropped": 0, "15 codes repeated": 0, "cut at 60 %": 0}
    alarms = 0
    for codes, phones, timing in utterances(total):
        alarms += not verdict(codes, phones, timing).sound
        assert not verdict(codes[:-1], phones, timing).sound  # too few of them is never right
        for name, damaged in faults(codes, rng).items():
            found[name] += not verdict(damaged, phones, timing).sound
    print(f"{total} utterances: {alarms} false alarms, found {found}")
    assert alarms <= max(0.02 * total, 1)
    assert sum(found.values()) >= 0.9 * 3 * total and min(found.values()) >= 0.8 * total


def test_of_two_takes_the_better_one_ranks_higher() -> None:
    rng, right, trials = np.random.default_rng(13), 0, 0
    for codes, phones, timing in utterances(8):
        for damaged in faults(codes, rng).values():
            right += verdict(codes, phones, timing).rank > verdict(damaged, phones, timing).rank
            trials += 1
    assert right >= 0.95 * trials


def taught(folder: Path) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = json.loads((folder / "mini" / "taught.json").read_text())
    return table


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_begin_when_the_teacher_began_them(language: str, data: Path) -> None:
    errors: list[float] = []
    for row in taught(data):
        if row["sound"].startswith(language):
            samples, _ = read(data / "mini" / row["sound"])
            wave = mx.array(samples[: sum(row["frames"]) * 640])[None]
            codes = np.array(mini().sovits.codes(mini().content(wave)))[0]
            phones = load(mini().config.symbols).ids(row["phones"].split())
            edges = boundaries(path(ear()[codes][:, list(phones)]), len(phones))  # nothing tells their places
            wanted = np.cumsum([0, *row["frames"]])
            errors += np.abs(edges - wanted)[row["words"]].tolist()
    print(f"{language}: {len(errors)} words, mean {CODE * np.mean(errors):.3f} s")
    assert len(errors) > 80 and CODE * np.median(errors) <= 0.06 and CODE * np.mean(errors) <= 0.06


def test_a_row_of_the_table_is_a_distribution() -> None:
    table = ear()
    assert table.shape == (mini().config.networks["sovits"]["codes"], mini().content.config.phones)
    assert np.allclose(table.sum(axis=1), 1) and table.min() >= 0


def test_a_model_without_a_phone_head_has_no_table() -> None:
    assert phone_table(reference_model("timed")) is None


def test_it_is_said_again_by_default_where_the_ear_can_tell() -> None:
    """A first take that lost ten codes is not heard; the second is."""
    said, voice = sentence("en", np.random.default_rng(1)), voices("en")[0]

    def spoken(retries: int | None) -> Any:
        generator = Generator(mini())
        request = Request((said,), voice, SpeakOptions(retries=retries), seed=1, streamed=False)
        ident = generator.add(request)
        speech, losing = generator._speeches[ident], True
        while generator.busy:
            for utterance in speech.under_way:
                if losing and len(utterance.codes) == 30:
                    del utterance.codes[5:15]
                    losing = False
            for event in generator.step():
                last = event
        return last

    kept, again = spoken(0), spoken(None)
    assert (dict(kept.hits), dict(kept.misses)) == ({}, {})
    assert again.misses["check"] == 1 and again.hits["check"] == 1
    assert again.samples.size > kept.samples.size
