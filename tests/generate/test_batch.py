"""Requests that share the loop, and hear only their own."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from reference_model import model, sentence, voice

from mlx_voice.device import mx
from mlx_voice.errors import TextError
from mlx_voice.generate import Event, Generator, Request, loop, speech
from mlx_voice.generate.align import Verdict
from mlx_voice.generate.layout import durations, laid_out
from mlx_voice.generate.sampling import Sampling
from mlx_voice.settings import SamplingOptions, SpeakOptions, StreamOptions

QUICK = StreamOptions(first_chunk=4, growth=1.5, largest_chunk=16, look_ahead=2, settle=4)
PER_CODE = 24  # samples
OPTIONS = SpeakOptions(streaming=QUICK, pause=0.1)


def request(*names: str, streamed: bool = True, seed: int = 0, who: str = "tiny", **options: Any) -> Request:
    sentences = tuple(sentence(name) for name in names)
    return Request(sentences, voice(who), replace(OPTIONS, **options), seed, streamed)  # type: ignore[arg-type]


def run(generator: Generator, requests: Sequence[Request]) -> list[list[Event]]:
    events: dict[int, list[Event]] = defaultdict(list)
    entered = [generator.add(r) for r in requests]
    while generator.busy:
        for event in generator.step():
            events[event.request].append(event)
    return [events[i] for i in entered]


def sound(events: list[Event]) -> np.ndarray:
    assert [e.done for e in events] == [False] * (len(events) - 1) + [True]
    assert all(e.error is None for e in events)
    return np.concatenate([e.samples for e in events])


def alone(r: Request) -> np.ndarray:
    return sound(run(Generator(model()), [r])[0])


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and float(np.abs(a - b).max()) < 1e-3 * float(np.abs(b).max())


def test_a_streamed_sentence_comes_in_pieces_and_has_the_length_of_the_whole() -> None:
    (pieces,) = run(Generator(model()), [request("text1")])
    (whole,) = run(Generator(model()), [request("text1", streamed=False)])
    assert len(pieces) > 2 and len(whole) == 1
    assert sound(pieces).shape == sound(whole).shape
    assert sum(e.tokens for e in pieces) == sum(e.tokens for e in whole) > 11


def test_sentences_follow_each_other_with_the_wanted_pause() -> None:
    one, two = alone(request("text0")), alone(request("text1"))
    both = alone(request("text0", "text1"))
    assert both.size == one.size + 1600 + two.size
    assert not both[one.size : one.size + 1600].any()
    assert same(both[: one.size], one) and same(both[-two.size :], two)
    wished = replace(request("text0"), sentences=(sentence("text0", pause=0.05),))
    assert alone(wished).size == one.size + 800


def test_batched_sentences_sound_as_alone() -> None:
    names = ["text2", "text0", "text1", "en", "text0"]
    together = alone(request(*names, streamed=False, pause=0.0))
    one_by_one = np.concatenate([alone(request(name, streamed=False)) for name in names])
    assert same(together, one_by_one)


def test_requests_do_not_mix(count: Any) -> None:
    kinds = [("text0",), ("text1", "en"), ("text2",), ("en", "text0", "text1")]
    requests = [
        request(*kinds[i % 4], streamed=i % 3 > 0, seed=i, who=("tiny", "other")[i % 2])
        for i in range(count(6, 24))
    ]
    wanted = [alone(r) for r in requests]
    generator = Generator(model(), slots=3)
    for got, want in zip(run(generator, requests), wanted, strict=True):
        assert same(sound(got), want)
    assert generator.loop.rows == [] and not generator._owners


@pytest.mark.parametrize("pace", [3, 11, 1000])
def test_a_slow_reader_hears_the_same(pace: int) -> None:
    """Held for a while, or until all codes are there: the pieces are those of a quick reader."""
    wanted = [e.samples for e in run(Generator(model()), [request("text1", "text0")])[0]]
    generator, heard, steps = Generator(model()), [], 0
    ident = generator.add(request("text1", "text0"))
    while generator.busy:
        generator.hold(ident, steps % (pace + 1) != pace and steps < 400)
        heard += generator.step()
        steps += 1
    assert [e.samples.size for e in heard] == [samples.size for samples in wanted]
    assert all(np.array_equal(e.samples, samples) for e, samples in zip(heard, wanted, strict=True))


def test_everybody_has_a_turn() -> None:
    generator = Generator(model(), slots=2)
    long = generator.add(request(*["text2"] * 6, streamed=False))
    short = generator.add(request("text0"))
    order = []
    while generator.busy:
        order += [event.request for event in generator.step() if event.done]
    assert order == [short, long]


def test_cancelling_frees_the_loop_at_once() -> None:
    generator = Generator(model())
    first, second = generator.add(request("text2")), generator.add(request("text0", seed=3))
    events = [event for _ in range(6) for event in generator.step()]
    generator.cancel(first)
    assert len(generator.loop.rows) == 1
    while generator.busy:
        events += generator.step()
    assert all(event.request == second for event in events[1:] if event.done)
    assert same(sound([e for e in events if e.request == second]), alone(request("text0", seed=3)))
    generator.cancel(second)
    generator.cancel(99)


def test_a_failure_reaches_its_request_only() -> None:
    generator = Generator(model())
    broken = replace(request("text0"), voice=replace(voice(), condition=voice().condition[..., :5]))
    bad, good = generator.add(broken), generator.add(request("text1"))
    events = defaultdict(list)
    while generator.busy:
        for event in generator.step():
            events[event.request].append(event)
    assert events[bad][-1].done and isinstance(events[bad][-1].error, ValueError)
    assert same(sound(events[good]), alone(request("text1")))


def test_a_failure_in_the_layout_reaches_its_request_only() -> None:
    generator = Generator(model("timed"))
    bad = generator.add(replace(request("text0"), voice=replace(voice(), timing=None)))
    good = generator.add(request("text1"))
    done = {}
    while generator.busy:
        done |= {event.request: event for event in generator.step() if event.done}
    assert "timing" in str(done[bad].error) and done[good].error is None


def test_one_bad_sentence_takes_its_request_out_of_the_loop() -> None:
    generator = Generator(model())
    endless = replace(sentence("text0"), spans=sentence("text0").spans * 300)
    parts = (sentence("text1"), endless)
    generator.add(Request(parts, voice(), OPTIONS, streamed=False))  # type: ignore[arg-type]
    (event,) = generator.step()
    assert event.done and isinstance(event.error, TextError)
    assert not generator.busy and generator.loop.rows == []


def test_a_sentence_that_never_ends_by_itself_is_ended() -> None:
    tiny = model()
    weight = np.array(tiny.t2s.head.weight)
    weight[tiny.t2s.config.end] = 0  # greedy never draws it: some code always has more
    tiny.t2s.head.weight, kept = mx.array(weight), tiny.t2s.head.weight
    try:
        greedy = SamplingOptions(top_k=1)
        (events,) = run(Generator(tiny), [request("text0", streamed=False, sampling=greedy, retries=1)])
    finally:
        tiny.t2s.head.weight = kept
    said = request("text0")
    row, _ = laid_out(tiny, said.voice, None, said.sentences[0], None, Sampling(), 0)
    assert sound(events).size == PER_CODE * row.limit and events[0].misses["check"] == 2


def test_a_timed_text_has_the_length_that_was_foretold() -> None:
    tiny, said = model("timed"), request("text1")
    (events,) = run(Generator(tiny), [said])
    codes = sum(durations(tiny, said.voice, said.sentences[0].ids))
    assert sound(events).size == PER_CODE * codes


def test_in_a_timed_text_words_are_when_they_were_foretold() -> None:
    (events,) = run(Generator(model("timed")), [request("text0", streamed=False, retries=1)])
    lasts = durations(model("timed"), voice(), sentence("text0").ids)
    starts = np.cumsum([0, *lasts]) * 0.04 * PER_CODE / 640  # the small decoder has shorter frames
    assert [round(w.start, 5) for w in events[0].words] == [round(float(starts[i]), 5) for i in (0, 2, 5, 7)]
    assert events[0].hits["check"] == 1


def test_nothing_to_say() -> None:
    with pytest.raises(TextError, match="nothing to say"):
        Generator(model()).add(Request((), voice()))


def test_takes_share_the_prefill_and_prompts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prefilled: list[int] = []
    prefill = loop.prefill
    monkeypatch.setattr(
        loop, "prefill", lambda m, rows, c: prefilled.append(len(rows)) or prefill(m, rows, c)
    )
    takes = run(Generator(model()), [request("text0", seed=seed) for seed in range(3)])
    assert prefilled == [1] and len({sound(take).tobytes() for take in takes}) == 3
    assert sum(take[0].misses.get("bert", 0) for take in takes) == 1
    assert sum(take[0].hits.get("bert", 0) for take in takes) == 2


def test_options_reach_the_loop() -> None:
    greedy = SamplingOptions(top_k=1)
    first, second = (alone(request("text1", seed=s, sampling=greedy, noise_scale=0.0)) for s in (1, 2))
    assert np.array_equal(first, second)
    slow = alone(request("text1", seed=1, sampling=greedy, noise_scale=0.0, speed=0.5))
    assert slow.size == 2 * first.size


def test_words_come_with_the_end_of_their_sentence() -> None:
    events = run(Generator(model()), [request("text1", "en")])[0]
    spoken = [event for event in events if event.words]
    assert [event.sentence for event in spoken] == [1, 2]
    at = np.cumsum([0] + [event.samples.size for event in events]) / 16000
    for event in spoken:
        index = next(i for i, e in enumerate(events) if e is event)
        starts = [at[index] + word.start for word in event.words]
        assert (
            starts == sorted(starts) and starts[0] >= 0 and at[index] + event.words[-1].end <= at[index + 1]
        )
    assert {word.text for word in spoken[1].words} <= {"Hello", "world"}


def test_a_sentence_that_sounds_wrong_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []

    def verdict(attention: np.ndarray, *_: Any) -> Verdict:
        judged.append(len(attention))
        return Verdict(len(judged) == 3, 0.0)

    monkeypatch.setattr(speech, "judged", verdict)
    first = alone(request("text1", streamed=False))
    judged.clear()
    (events,) = run(Generator(model()), [request("text1", streamed=False, retries=4)])
    assert len(judged) == 3 and events[0].hits["check"] == 1 and events[0].misses["check"] == 2
    assert sound(events).size == judged[2] * PER_CODE // 2 and not same(sound(events), first)
    judged.clear()
    monkeypatch.setattr(speech, "judged", lambda a, *_: judged.append(len(a)) or Verdict(False, len(a)))
    (events,) = run(Generator(model()), [request("text1", streamed=False, retries=1)])
    assert len(judged) == 2 and sound(events).size == max(judged) * PER_CODE // 2


def test_what_was_said_before_is_found_again() -> None:
    generator = Generator(model(), spoken=1 << 20)
    for wanted in (request("text0", "text1"), request("text1", streamed=False), request("text0", seed=4)):
        (first,) = run(generator, [wanted])
        (again,) = run(generator, [wanted])
        assert np.array_equal(sound(again), sound(first))
        assert sum(e.tokens for e in first) > 0 == sum(e.tokens for e in again)
        found = [sum(e.hits.get("speech", 0) for e in es) for es in (first, again)]
        assert found == [0, len(wanted.sentences)]
        heard = [[(w.text, round(w.end - w.start, 6)) for e in es for w in e.words] for es in (first, again)]
        assert heard[0] == heard[1]


def test_events_account_for_the_time() -> None:
    events = run(Generator(model()), [request("text2")])[0]
    spent = [event.seconds for event in events]
    assert spent[0]["prefill"] > 0 and all(s["tokens"] > 0 for s in spent[:-1])
    assert all(s["decode"] > 0 for s in spent) and "prefill" not in spent[1]
    assert events[-1].sentence == 1 and events[0].sentence == 0
