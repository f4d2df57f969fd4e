"""How prompt and text become a row, and what BERT says of them."""

from dataclasses import replace

import numpy as np
import pytest
from reference_model import Sentence, Span, model, sentence, voice
from reference_t2s import close, ids
from reference_weights import case

from mlx_voice.device import mx
from mlx_voice.errors import ModelError, TextError
from mlx_voice.generate.features import joined, text_features
from mlx_voice.generate.layout import durations, laid_out, rounded
from mlx_voice.generate.sampling import Sampling


def test_features_equal_the_reference_one_by_one_and_together() -> None:
    tiny, names = model(), ["prompt", "text0", "text1", "text2"]
    together = text_features(tiny, [sentence(name) for name in names])
    for name, features in zip(names, together, strict=True):
        want = case("03_bert")[f"{name}_feature"].T
        assert features is not None
        close(features, want)
        (alone,) = text_features(tiny, [sentence(name)])
        assert alone is not None
        close(alone, want)


def test_other_languages_have_zeros() -> None:
    tiny = model()
    mixed, english = text_features(tiny, [sentence("en", "text0"), sentence("en")])
    assert english is None and mixed is not None
    words = case("03_bert")["en_phones"].size
    assert not np.array(mixed[:words]).any()
    close(mixed[words:], case("03_bert")["text0_feature"].T)


def test_an_unknown_character_is_read_as_unknown() -> None:
    tiny = model()
    (features,) = text_features(tiny, [Sentence((Span("zh", "你\U0001f600", (5, 6, 7), (2, 1)),))])
    assert features is not None and features.shape == (3, 1024)


def test_without_bert_there_are_no_features() -> None:
    assert text_features(model(bert=False), [sentence("text0")]) == [None]
    assert joined([None, None], [3, 4]) is None


def test_features_of_a_half_known_sequence() -> None:
    part = mx.ones((2, 4))
    both = joined([None, part], [3, 2])
    assert both is not None and both.sum(axis=1).tolist() == [0, 0, 0, 4, 4]


def test_plain_is_prompt_then_text() -> None:
    tiny, said, speaker = model(), sentence("text0"), voice()
    row, timing = laid_out(tiny, speaker, None, said, None, Sampling(), 3)
    assert timing is None
    want = case("06_t2s_greedy")
    assert row.phones == ids(want["eos_phones"]) and row.codes == ids(want["prompt"])
    assert row.bert is None and row.seed == 3 and row.minimum == 11
    assert row.limit == 100  # 4 s; three times the prompt's pace would be 142
    long = replace(tiny.config, max_seconds=57)
    tiny.config = long
    assert laid_out(tiny, speaker, None, said, None, Sampling(), 3)[0].limit == 25 + 118
    alone, _ = laid_out(tiny, voice(prompt=False), None, said, None, Sampling(), 3)
    assert alone.phones == said.ids and alone.codes == ()


def test_timed_repeats_phones_for_their_codes() -> None:
    tiny, said, speaker = model("timed"), sentence("text0"), voice()
    features = mx.arange(len(said.ids), dtype=mx.float32)[:, None]
    row, timing = laid_out(tiny, speaker, None, said, features, Sampling(), 0)
    lasts = durations(tiny, speaker, said.ids)
    assert timing == tuple(lasts)
    assert speaker.timing is not None
    assert row.phones == tuple(
        phone
        for phones, timing in ((speaker.phones, speaker.timing), (said.ids, lasts))
        for phone, n in zip(phones, timing, strict=True)
        for _ in range(n)
    )
    assert len(row.phones) == len(row.codes) + row.limit and row.minimum == row.limit == sum(lasts)
    assert row.bert is not None
    assert row.bert[len(row.codes) :, 0].tolist() == np.repeat(np.arange(len(said.ids)), lasts).tolist()
    assert laid_out(tiny, voice(prompt=False), None, said, None, Sampling(), 0)[0].codes == ()


def test_the_prompt_sets_the_pace() -> None:
    tiny, said = model("timed"), sentence("text2")
    tiny.duration.head.weight *= 0
    tiny.duration.head.bias = mx.array([np.log(3.0)])
    speaker = voice()
    pace = len(np.array(speaker.codes)) / len(speaker.phones)
    assert abs(sum(durations(tiny, speaker, said.ids)) / len(said.ids) - pace) < 0.1
    assert durations(tiny, voice(prompt=False), said.ids) == [3] * len(said.ids)


def test_a_voice_without_timing_is_told() -> None:
    with pytest.raises(ModelError, match="has no timing"):
        laid_out(model("timed"), replace(voice(), timing=None), None, sentence("text0"), None, Sampling(), 0)


def test_what_is_too_long_is_told() -> None:
    endless = Sentence((Span("zh", "", (5,) * 2000, None),))
    with pytest.raises(TextError, match="too long"):
        laid_out(model(), voice(), None, endless, None, Sampling(), 0)
    tiny = model("timed")
    tiny.duration.head.bias = mx.array([5.0])
    with pytest.raises(TextError, match="longer than 4 s"):
        laid_out(tiny, voice(), None, sentence("text2"), None, Sampling(), 0)


def test_rounding_keeps_the_running_sum() -> None:
    assert rounded(np.array([1.5] * 6)) == [2, 1, 1, 2, 2, 1] or sum(rounded(np.array([1.5] * 6))) == 9
    assert rounded(np.array([0.1, 0.1, 2.9])) == [1, 1, 1]
    lengths = np.random.default_rng(1).uniform(1, 9, 200)
    assert np.abs(np.cumsum(rounded(lengths)) - np.cumsum(lengths)).max() < 1
