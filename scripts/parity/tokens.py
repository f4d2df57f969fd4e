"""Phones to semantic codes: one forward, sequences by every stop rule, batches, and the sampler alone."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.kv import KVCache
from mlx_voice.generate.loop import Row, Token, TokenLoop, assembled
from mlx_voice.generate.sampling import Sampling, Settings, draw, kept, penalised
from mlx_voice.models.t2s import prefill_mask
from scripts.parity.folder import Folder
from scripts.parity.report import Array, Case

PENALTIES = (1.35, 1.0, 1.2, 1.1, 1.5)
CHOICES = tuple(product((15, 5, 10, 20, 50, -1), (1.0, 0.95, 0.9, 0.8, 0.7), (1.0, 0.9, 0.8, 0.7, 0.6)))
NEAR = 1e-3  # of two gaps that may be the same
STEPS = 1500  # at most
MINIMUM = 11  # codes before the end may be drawn


def texts_of(folder: Folder) -> list[str]:
    """The texts to be spoken, text0 first."""
    named = [
        array.removesuffix("_phones") for array in folder.case("03_bert").arrays if array.endswith("_phones")
    ]
    return [name for i in range(len(named)) if (name := f"text{i}") in named]


def closest(folder: Folder, phones: Array) -> tuple[str, bool]:
    """The text of case 03 that these phones say, or nearly so, and whether the prompt stands before it."""
    cases = folder.case("03_bert").arrays
    named = {
        array.removesuffix("_phones"): list(cases[array]) for array in cases if array.endswith("_phones")
    }
    prompt = named.pop("prompt", [])
    found = {
        (name, bool(before)): [*before, *said] for name, said in named.items() for before in ([], prompt)
    }

    def likeness(of: tuple[str, bool]) -> int:
        equal = sum(int(a == b) for a, b in zip(found[of], phones, strict=False))
        return equal - abs(len(found[of]) - len(phones))

    return max(found, key=likeness)


def text_row(
    folder: Folder, text: str, sampling: Sampling, early_stop: int, codes: Array | None = None
) -> Row:
    """A text of case 03 behind the prompt, or alone where `codes` is None.

    The reference notices an early stop with one code more than it asked for.
    """
    texts = folder.case("03_bert")
    names = [text] if codes is None else ["prompt", text]
    rows = folder.t2s.config.phones
    phones = tuple(i for name in names for i in whole(texts.ids(f"{name}_phones", rows)))
    limit = min(STEPS, early_stop + 1) if early_stop >= 0 else STEPS
    prompt = () if codes is None else tuple(codes.tolist())
    return Row(phones, features(folder, names), prompt, sampling, limit=limit)


def whole(ids: mx.array) -> tuple[int, ...]:
    """One batch row as plain numbers."""
    return tuple(np.array(ids[0]).tolist())


def features(folder: Folder, names: Sequence[str]) -> mx.array:
    """[phones, width] of texts one after the other; a text without features has zeros."""
    texts, width = folder.case("03_bert"), folder.t2s.config.bert
    zeros = {name: np.zeros((width, len(texts[f"{name}_phones"])), np.float32) for name in names}
    columns = [texts.arrays.get(f"{name}_feature", zeros[name]) for name in names]
    return mx.array(np.concatenate(columns, axis=1).T)


def prompt_codes(folder: Folder) -> Array:
    codes = folder.case("02_hubert_codes").ids("codes", folder.t2s.config.codes)
    return np.array(codes[0])


def spoken(folder: Folder, rows: Sequence[Row]) -> list[list[Token]]:
    """All tokens of each row, the end included."""
    loop = TokenLoop(folder.t2s)
    ids = loop.add(rows)
    tokens: dict[int, list[Token]] = {i: [] for i in ids}
    while loop.rows:
        for token in loop.step():
            tokens[token.row].append(token)
    return [tokens[i] for i in ids]


def forced(folder: Folder, rows: Sequence[Row], tokens: Array) -> mx.array:
    """Hidden states [B, steps + 1, width]: after the prefill, then after each of `tokens` [B, steps]."""
    net = folder.t2s
    x, starts, ends = assembled(net, rows)
    cache = KVCache(starts)
    hidden = [net(x, cache, prefill_mask(mx.array(starts), mx.array(ends), x.shape[1]))[:, -1:]]
    cache.advance(x.shape[1])
    for i in range(tokens.shape[1]):
        cache.reserve()
        positions = mx.array([len(row.codes) + i for row in rows])
        given = mx.array(tokens[:, i : i + 1].astype(np.int32))
        hidden.append(net(net.embed_codes(given, positions), cache, cache.mask()))
        cache.advance()
    return mx.concatenate(hidden, axis=1)


def sampling(_folder: Folder, case: Case) -> None:
    """Several settings on the same logits."""
    logits, noise, vocabulary = case.tensor("logits"), case["q"], case["logits"].shape[1]
    seen = np.zeros(case["logits"].shape, bool)
    for row, previous in zip(seen, case["prev"], strict=True):
        row[previous[(previous >= 0) & (previous < vocabulary)]] = True
    case.consistent("q", bool((noise > 0).all()), "holds noise that is not positive")
    probabilities, drawn = [], []
    for penalty, top_p, top_k, heat in case["settings"].tolist():
        one = Sampling(int(top_k), top_p, heat, penalty)
        settings = Settings.of([one] * len(seen), vocabulary)
        left = penalised(logits, mx.array(seen), settings.penalty)
        probabilities.append(np.array(mx.softmax(kept(left, settings), axis=-1, precise=True)))
        drawn.append(np.array(draw(left, settings, mx.array(noise))))
    case.check("probs", np.stack(probabilities))
    case.check("drawn", np.stack(drawn))
    for array in case.arrays:
        name, _, penalty = array.partition("_")
        if name == "penalised":
            case.check(array, penalised(logits, mx.array(seen), mx.array(float(penalty))))


def prefill(folder: Folder, case: Case) -> None:
    net, prompt = folder.t2s, prompt_codes(folder)
    row = text_row(folder, closest(folder, case["phones"])[0], Sampling(), -1, prompt)
    assert row.bert is not None
    case.check("phones", row.phones)
    case.check("bert", row.bert.T)
    case.check("prompt", prompt)
    x = mx.concatenate(
        [net.embed_text(mx.array([row.phones]), row.bert[None]), net.embed_codes(mx.array(prompt)[None])],
        axis=1,
    )
    mask = prefill_mask(mx.array([0]), mx.array([len(row.phones)]), x.shape[1])
    case.check("xy_in", x)
    case.check("mask", ~np.array(mask)[0, 0])
    h, cache = x, KVCache()
    for i, layer in enumerate(net.layers):
        h = layer(h, i, cache, mask)
        case.check(f"layer{i}", h)
    case.check("hidden_last", h[:, -1])
    case.check("logits", net.logits(h[:, -1]))
    fed = np.array(case.ids("teacher_tokens", net.config.codes))[:, :-1]
    places = len(prompt) + mx.arange(fed.shape[1])
    case.check("teacher_in", net.embed_codes(mx.array(fed.T), places))
    hidden = forced(folder, [row], fed)[0, 1:]
    case.check("teacher_hidden", hidden)
    case.check("teacher_logits", net.logits(hidden))
    alone = text_row(folder, closest(folder, case["noprompt_phones"])[0], Sampling(), -1)
    assert alone.bert is not None
    case.check("noprompt_phones", alone.phones)
    case.check("noprompt_bert", alone.bert.T)
    case.check("noprompt_logits", net.logits(forced(folder, [alone], fed[:, :0])[:, 0]))


def sequence(folder: Folder, case: Case, name: str, row: Row) -> None:
    """One sequence in all that the reference returns of it."""
    (tokens,) = spoken(folder, [row])
    drawn = [token.code for token in tokens]
    case.check(f"{name}_sampled", drawn)
    generated = drawn[:-1] if tokens[-1].reason == "end" else drawn
    index = len(drawn) - 1 if row.codes else 0
    y = [*row.codes, *generated]
    case.check(f"{name}_phones", row.phones)
    case.check(f"{name}_y", y)
    case.check(f"{name}_idx", index)
    case.check(f"{name}_pred", y[-index:])
    logits = folder.t2s.logits(forced(folder, [row], np.array([drawn[:-1]], np.int32)))[0]
    case.check(f"{name}_logits", logits)
    case.check(f"{name}_gap", gaps(scored(logits, row.codes, drawn, row.sampling.repetition_penalty)))


def scored(logits: mx.array, prompt: Sequence[int], drawn: Sequence[int], penalty: float) -> Array:
    """Each step's logits as the draw sees them: penalised, and at first without the end."""
    seen = np.zeros(logits.shape, bool)
    seen[:, list(prompt)] = True
    for step, code in enumerate(drawn[:-1]):
        seen[step + 1 :, code] = True
    scores = np.array(penalised(logits, mx.array(seen), mx.array(penalty)))
    scores[:MINIMUM, -1] = -np.inf
    return scores


def gaps(scores: Array) -> Array:
    """How far the best score is above the second, at each step."""
    best = np.sort(scores, axis=-1)[:, -2:]
    difference: Array = best[:, 1] - best[:, 0]
    return difference


def greedy(folder: Folder, case: Case) -> None:
    prompt = prompt_codes(folder)
    case.check("prompt", prompt)
    for name in case.named("_args"):
        penalty, early_stop = case[f"{name}_args"].tolist()
        chosen = Sampling(top_k=1, repetition_penalty=penalty)
        text, prompted = closest(folder, case[f"{name}_phones"])
        behind = prompt if prompted else None
        sequence(folder, case, name, text_row(folder, text, chosen, int(early_stop), behind))


def sampled(folder: Folder, case: Case) -> None:
    prompt = prompt_codes(folder)
    for name in case.named("_q"):
        noise = case[f"{name}_q"]
        case.consistent(f"{name}_q", bool((noise > 0).all()), "holds noise that is not positive")
        row = explained(folder, prompt, case, name)
        sequence(folder, case, name, replace(row, limit=len(noise), noise=mx.array(noise)))


def explained(folder: Folder, prompt: Array, case: Case, name: str) -> Row:
    """The text and the usual settings that explain what was drawn: the files tell them in words only."""
    drawn = np.array(case.ids(f"{name}_sampled", folder.t2s.config.codes))[0]
    noise, gap = case.tensor(f"{name}_q"), case[f"{name}_gap"]
    found: list[tuple[float, Row, Array]] = []
    for text in texts_of(folder):
        row = text_row(folder, text, Sampling(), -1, prompt)
        logits = folder.t2s.logits(forced(folder, [row], drawn[None, :-1]))[0]
        for penalty in PENALTIES:
            scores = scored(logits, row.codes, drawn.tolist(), penalty)
            one = replace(row, sampling=Sampling(repetition_penalty=penalty))
            found.append((float(np.abs(gaps(scores) - gap).max()), one, scores))
    nearest = min(distance for distance, _, _ in found)
    likely = [(row, mx.array(scores)) for distance, row, scores in found if distance <= nearest + NEAR]
    for row, logits in likely:
        for top_k, top_p, heat in CHOICES:
            chosen = Sampling(top_k, top_p, heat, row.sampling.repetition_penalty)
            again = draw(logits, Settings.of([chosen] * len(drawn), logits.shape[1]), noise)
            if np.array_equal(np.array(again), drawn):
                return replace(row, sampling=chosen)
    return likely[0][0]


def batch(folder: Folder, case: Case) -> None:
    net, prompt = folder.t2s, prompt_codes(folder)
    for name in case.named("_early_stop"):
        stop = int(case[f"{name}_early_stop"])
        rows = [text_row(folder, text, Sampling(top_k=1), stop, prompt) for text in texts_of(folder)]
        drawn = spoken(folder, rows)
        codes = [[t.code for t in tokens][: min(len(tokens) - 1, stop)] for tokens in drawn]
        for i, row in enumerate(codes):
            case.check(f"{name}_y{i}", [*prompt, *row])
        case.check(f"{name}_idx", [len(row) for row in codes])
        if name == "a":
            steps = max(map(len, drawn))
            case.check("rows_alive", [sum(len(tokens) > t for tokens in drawn) for t in range(steps)])
            first = np.array([[tokens[0].code] for tokens in drawn], np.int32)
            logits = net.logits(forced(folder, rows, first))
            case.check("logits0", logits[:, 0])
            case.check("logits1", logits[:, 1])
            prefilled(folder, case, rows)


def prefilled(folder: Folder, case: Case, rows: Sequence[Row]) -> None:
    """The batch's input and mask, without the columns that our buckets have before the longest row."""
    case.check("lens", [len(row.phones) for row in rows])
    x, starts, ends = assembled(folder.t2s, rows)
    extra = min(starts)
    case.check("xy_in", x[:, extra:])
    mask = np.array(prefill_mask(mx.array(starts), mx.array(ends), x.shape[1]))
    case.check("mask", ~mask[:, 0, extra:, extra:])


def full_t2s(folder: Folder, case: Case) -> None:
    config = folder.t2s.config
    phones, prompt = case.ids("phones", config.phones), case.ids("prompt", config.codes)
    row = Row(whole(phones), case.tensor("bert").T, whole(prompt))
    hidden = forced(folder, [row], np.array(case.ids("teacher_tokens", config.codes))[:, :-1])[0]
    case.check("hidden", hidden)
    case.check("logits", folder.t2s.logits(hidden))
