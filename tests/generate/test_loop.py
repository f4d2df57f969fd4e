"""The token loop: the reference's sequences, exactly, and rows that neither wait nor mix."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from reference_t2s import bert_of, ids, reference
from reference_weights import case

from mlx_voice.device import mx
from mlx_voice.generate.loop import Row, Token, TokenLoop
from mlx_voice.generate.sampling import Sampling

GREEDY = Sampling(top_k=1)
TEXTS = {"eos": "text0", "rp1": "text0", "early": "text0", "text1": "text1", "text2": "text2", "en": "en"}


def row(name: str, limit: int = 1500, sampling: Sampling = GREEDY) -> Row:
    """A row of case 06; "noprompt" reads text1 alone."""
    want = case("06_t2s_greedy")
    phones = ids(want[f"{name}_phones"])
    if name == "noprompt":
        return Row(phones, bert_of("text1"), (), sampling, limit=limit)
    prompt = bert_of("prompt")
    text = TEXTS[name]
    zeros = mx.zeros((len(phones) - len(prompt), 1024))
    bert = mx.concatenate([prompt, zeros if text == "en" else bert_of(text)])
    return Row(phones, bert, ids(want["prompt"]), sampling, limit=limit)


def finish(loop: TokenLoop) -> dict[int, list[Token]]:
    tokens: dict[int, list[Token]] = defaultdict(list)
    while loop.rows:
        for token in loop.step():
            tokens[token.row].append(token)
    return tokens


def spoken(rows: Sequence[Row]) -> list[list[Token]]:
    loop = TokenLoop(reference())
    entered = loop.add(rows)
    tokens = finish(loop)
    return [tokens[i] for i in entered]


def codes(tokens: list[Token]) -> list[int]:
    return [t.code for t in tokens if t.reason != "end"]


@pytest.mark.parametrize("name", ["eos", "rp1", "early", "text1", "text2", "en", "noprompt"])
def test_greedy_sequences_equal_the_reference(name: str) -> None:
    want = case("06_t2s_greedy")
    penalty, stop = want[f"{name}_args"]
    early = 0 <= stop < 1500  # the reference notices an early stop with one code more than it asked for
    limit = int(stop) + 1 if early else 1500
    (tokens,) = spoken([row(name, limit, Sampling(top_k=1, repetition_penalty=float(penalty)))])
    assert [t.code for t in tokens] == want[f"{name}_sampled"].tolist()
    generated = want[f"{name}_y"][0 if name == "noprompt" else len(want["prompt"]) :].tolist()
    assert codes(tokens) == generated[: len(codes(tokens))]
    assert [t.reason for t in tokens[:-1]] == [None] * (len(tokens) - 1)


@pytest.mark.parametrize("name", ["am", "sm", "p"])
def test_given_noise_draws_the_reference_s_codes(name: str) -> None:
    want = case("08_t2s_sampled")
    sampling = Sampling(5, 0.8, 0.7) if name == "p" else Sampling()
    given = replace(row("text1" if name == "p" else "eos", 26, sampling), noise=mx.array(want[f"{name}_q"]))
    (tokens,) = spoken([given])
    assert [t.code for t in tokens] == want[f"{name}_sampled"].tolist()
    assert codes(tokens) == want[f"{name}_pred"].tolist()


@pytest.mark.parametrize("batch", ["a", "b"])
def test_batches_equal_the_reference(batch: str) -> None:
    want, prompt = case("07_t2s_batch"), len(case("06_t2s_greedy")["prompt"])
    limit = int(want[f"{batch}_early_stop"])
    together = spoken([row(name, limit) for name in ("eos", "text1", "text2")])
    for i, tokens in enumerate(together):
        assert codes(tokens) == want[f"{batch}_y{i}"][prompt:].tolist()[:limit]


def test_the_limit_keeps_the_first_codes() -> None:
    (full,) = spoken([row("eos")])
    (first,) = spoken([row("eos", limit=15)])
    assert codes(first) == codes(full)[:15] and first[-1].reason == "limit"
    (one,) = spoken([row("eos", limit=1)])
    assert codes(one) == codes(full)[:1]


def test_a_row_whose_length_is_known_never_ends_by_itself() -> None:
    (tokens,) = spoken([replace(row("eos", limit=60), minimum=60)])
    assert len(codes(tokens)) == 60 and tokens[-1].reason == "limit"


def test_rows_do_not_depend_on_their_neighbours(count) -> None:
    random = np.random.default_rng(5)
    names = ["eos", "text1", "text2", "en", "noprompt"]
    rows = [replace(row(n, 40, Sampling()), seed=i) for i, n in enumerate(names)]
    alone = [codes(spoken([r])[0]) for r in rows]
    for _ in range(count(3, 20)):
        order = random.permutation(len(rows))[: random.integers(2, 6)]
        assert [codes(t) for t in spoken([rows[i] for i in order])] == [alone[i] for i in order]


def test_rows_enter_and_leave_at_any_time(count) -> None:
    random = np.random.default_rng(6)
    names = ["eos", "text1", "text2", "en", "noprompt"]
    rows = [replace(row(names[i % 5], 30 + i, Sampling()), seed=i) for i in range(8)]
    alone = [codes(spoken([r])[0]) for r in rows]
    for _ in range(count(2, 20)):
        loop, tokens, waiting, which = TokenLoop(reference()), defaultdict(list), list(range(8)), {}
        cancelled = set(random.choice(8, 2, replace=False).tolist())
        while waiting or loop.rows:
            if waiting and random.random() < 0.2:
                entering = [waiting.pop() for _ in range(min(len(waiting), random.integers(1, 3)))]
                which |= dict(zip(loop.add([rows[i] for i in entering]), entering, strict=True))
            for token in loop.step():
                tokens[which[token.row]].append(token)
            loop.cancel(i for i, r in which.items() if r in cancelled and len(tokens[r]) >= 5)
        for i in range(8):
            assert codes(tokens[i]) == alone[i][: 5 if i in cancelled else None]


def test_takes_share_a_prefill() -> None:
    one = row("eos", 30, Sampling())
    takes = [replace(one, seed=seed) for seed in range(3)]
    together = [codes(t) for t in spoken([takes[0], row("text1", 30), *takes[1:]])]
    assert [together[i] for i in (0, 2, 3)] == [codes(spoken([take])[0]) for take in takes]
    assert len({tuple(t) for t in together}) == 4


def test_the_next_step_is_under_way_when_a_code_is_read() -> None:
    loop = TokenLoop(reference())
    loop.add([row("eos")])
    assert loop.rows and loop.nbytes > 0
    tokens = loop.step()
    assert len(tokens) == 1 and loop._batch is not None and loop._batch.running[0].issued == 2
    loop.cancel(loop.rows)
    assert loop.step() == [] and loop.rows == [] and loop.nbytes == 0
