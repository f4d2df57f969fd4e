"""Where a text is cut into pieces to be spoken: natural sentences, or the reference's methods by name."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from mlx_voice.errors import TextError
from mlx_voice.text.reading import Traced

SHORTEST = 5  # characters of a piece that is spoken alone
LONGEST = 100.0  # cost of a natural piece: about 30 s of slow speech, half of what a model can hold
LONGEST_CUT = 510  # characters of a piece of the reference's
MARKS = frozenset("，。？！,.?!~:：—…")  # that end a piece of the reference's
_ANY_MARK = frozenset("!?…,.-，。？！；：、;: \n")
_PAUSES = frozenset(",.;?!、，。？！;：…")

_REPEATED = re.compile(r"([!?…,.\-])[!?…,.\-]+")
_MARK = re.compile(f"[{''.join(MARKS)}]")
_CLOSER = re.escape("\"'”’」』）)】》〉]}")
_END = re.compile(
    rf"(?:[。！？!?｡]+…*|…+(?=[{_CLOSER}])|(?<!\d)\.+(?=\s|$|[{_CLOSER}])|(?<=\d)\.(?=\s|$))[{_CLOSER}]*\s*|\n\s*",
    re.MULTILINE,
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|(?:[A-Za-z]\.)+[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|No|Jan|Feb|Mar|Apr|Jun|Jul|Aug|"
    r"Sept?|Oct|Nov|Dec|Inc|Ltd|Co|Corp|Fig|Vol|Gen|Col|Sgt|Capt|Rev|Hon|Mt|Ave|approx|dept|est)\.\s*$"
)
_BREAKS = (
    re.compile(r"[…；;：:—][”’」』）)]*\s*"),
    re.compile(r"[，,、][”’」』）)]*\s*"),
    re.compile(r"\s+"),
)


def natural(text: Traced) -> list[Traced]:
    """Sentences; long ones in parts no dearer than `LONGEST`, short ones with the next."""
    return _merged([part for sentence in _sentences(text) for part in _bounded(sentence)])


def cut(text: Traced, method: str, stop: str) -> list[Traced]:
    """The pieces of the reference, marks added where it adds them; `stop` is its full stop."""
    if method not in METHODS:
        raise TextError(f"There is no way to cut called {method!r}: choose one of {', '.join(METHODS)}.")
    text = text.sub(_REPEATED, r"\1")
    pieces = [line for piece in METHODS[method](opened(text, stop)) for line in _lines(piece)]
    spoken = [piece for piece in _merged_forward(pieces) if re.search(r"\w", piece.text)]
    return [part for piece in spoken for part in _under(closed(piece, stop))]


def opened(text: Traced, stop: str) -> Traced:
    """A text whose first piece is short is led by a mark, or its first word is swallowed."""
    first = _MARK.split(text.text, maxsplit=1)[0]
    if not text.text or text.text[0] in MARKS or len(first.strip()) >= 4:
        return text
    return led(text, stop)


def led(text: Traced, mark: str) -> Traced:
    return Traced.join([_added(text, 0, mark), text])


def closed(text: Traced, stop: str) -> Traced:
    if text.text.rstrip()[-1:] in MARKS:
        return text
    return Traced.join([text, _added(text, -1, stop)]) if text.text else text


def _added(text: Traced, beside: int, mark: str) -> Traced:
    place = text.origin[beside]
    edge = place[0] if beside == 0 else place[1]
    return Traced(mark, ((edge, edge),))


def _cost(text: str) -> float:
    """Length in Chinese characters; a letter of an alphabet takes about a third of the time."""
    return sum(0.35 if char < "\u1100" and not char.isdigit() else 1.0 for char in text)


def _sentences(text: Traced) -> Iterator[Traced]:
    start = 0
    for match in _END.finditer(text.text):
        before = text.text[max(start, match.end() - 12) : match.end()]
        if match[0][0] != "." or not _ABBREVIATION.search(before):
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _bounded(text: Traced) -> Iterator[Traced]:
    """Cut at the best mark within reach, else anywhere."""
    costs = [_cost(char) for char in text.text]
    left = sum(costs)
    start = 0
    while left > LONGEST:
        end, spent = start, 0.0
        while spent + costs[end] <= LONGEST:
            spent += costs[end]
            end += 1
        window = text.text[start:end]
        for pattern in _BREAKS:
            ends = [m.end() for m in pattern.finditer(window)]
            if ends and ends[-1] > len(window) // 3:
                end = start + ends[-1]
                break
        yield text[start:end]
        left -= sum(costs[start:end])
        start = end
    yield text[start:]


def _merged(parts: list[Traced]) -> list[Traced]:
    """A short part joins the next; at the end, the one before."""
    groups: list[list[Traced]] = []
    costs: list[float] = []
    for part in parts:
        cost = _cost(part.text)
        if groups and costs[-1] < SHORTEST and cost <= LONGEST:
            groups[-1].append(part)
            costs[-1] += cost
        else:
            groups.append([part])
            costs.append(cost)
    if len(groups) > 1 and costs[-1] < SHORTEST and costs[-2] <= LONGEST:
        groups[-2:] = [groups[-2] + groups[-1]]
    return [Traced.join(group) for group in groups]


def _merged_forward(pieces: list[Traced]) -> list[Traced]:
    """The reference's: collect until there are five characters; what is left over joins the last."""
    merged: list[list[Traced]] = []
    length = SHORTEST
    for piece in pieces:
        if length >= SHORTEST:
            merged.append([])
            length = 0
        merged[-1].append(piece)
        length += len(piece)
    if length < SHORTEST and len(merged) > 1:
        last = merged.pop()
        merged[-1] += last
    return [Traced.join(group) for group in merged]


def _lines(text: Traced) -> list[Traced]:
    return [text[m.start() : m.end()] for m in re.finditer(r"[^\n]+", text.text) if m[0] != " "]


def _under(text: Traced) -> list[Traced]:
    """At most 510 characters, cut at marks where there are any."""
    parts: list[Traced] = []
    while len(text) > LONGEST_CUT:
        ends = [m.end() for m in _MARK.finditer(text.text, 0, LONGEST_CUT)]
        at = ends[-1] if ends else LONGEST_CUT
        parts.append(text[:at])
        text = text[at:]
    return [*parts, text]


def _at_marks(text: Traced) -> list[Traced]:
    text = text.sub(re.compile("……"), "。").sub(re.compile("——"), "，")
    if text.text and text.text[-1] not in MARKS:
        text = closed(text, "。")
    return text.split(_MARK)


def _said(pieces: list[Traced]) -> list[Traced]:
    return [piece for piece in pieces if not set(piece.text) <= _ANY_MARK]


def _by_four(text: Traced) -> list[Traced]:
    pieces = _at_marks(text)
    starts = [*range(0, len(pieces), 4)]
    if len(starts) < 2:
        return [text]
    edges = [*starts[:-1], len(pieces)]
    return _said([Traced.join(pieces[a:b]) for a, b in pairwise(edges)])


def _by_fifty(text: Traced) -> list[Traced]:
    pieces = _at_marks(text)
    if len(pieces) < 2:
        return [text]
    groups: list[list[Traced]] = [[]]
    for piece in pieces:
        groups[-1].append(piece)
        if sum(map(len, groups[-1])) > 50:
            groups.append([])
    parts = [Traced.join(group) for group in groups if group]
    if len(parts) > 1 and len(parts[-1]) < 50:
        parts[-2:] = [Traced.join(parts[-2:])]
    return _said(parts)


def _between(text: Traced, pattern: re.Pattern[str]) -> list[Traced]:
    edges = [0, *(at for m in pattern.finditer(text.text) for at in m.span()), len(text)]
    return _said([text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)])


def _by_chinese_stop(text: Traced) -> list[Traced]:
    return _between(_stripped(text, "\n。"), re.compile("。"))


def _by_stop(text: Traced) -> list[Traced]:
    return _between(_stripped(text, "."), re.compile(r"(?<!\d)\.(?!\d)"))


def _by_mark(text: Traced) -> list[Traced]:
    return _said(text.split(re.compile(rf"(?<=\d)\.(?!\d)|(?<!\d)\.|[{''.join(_PAUSES - {'.'})}]")))


def _stripped(text: Traced, chars: str) -> Traced:
    start = len(text) - len(text.text.lstrip(chars))
    return text[start : max(start, len(text.text.rstrip(chars)))]


METHODS: dict[str, Callable[[Traced], list[Traced]]] = {
    "cut0": lambda text: [text],
    "cut1": _by_four,
    "cut2": _by_fifty,
    "cut3": _by_chinese_stop,
    "cut4": _by_stop,
    "cut5": _by_mark,
}
