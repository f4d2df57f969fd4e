"""Text to what is said: sentences, their languages, their phones, and where each character was written."""

from dataclasses import dataclass, replace
from typing import Literal

from mlx_voice.errors import TextError
from mlx_voice.text import markup, scripts, split
from mlx_voice.text import symbols as tables
from mlx_voice.text.languages import reader
from mlx_voice.text.lexicon import Lexicon
from mlx_voice.text.markup import SPELLED
from mlx_voice.text.reading import Context, Place, Traced

__all__ = ["Lexicon", "Role", "Sentence", "Span", "analyse"]

Role = Literal["text", "prompt", "target"]
SILENT = frozenset("! ? … , . - _ 空 停 SP SP2 SP3 UNK".split())
UNHEARD = dict.fromkeys("，、《》", "")  # after an English word the networks learned no pause there
FEWEST = 6  # phones of a target that needs no leading mark


@dataclass(frozen=True)
class Span:
    """A stretch in one language."""

    language: str
    text: str  # normalised
    phones: tuple[str, ...]
    ids: tuple[int, ...]
    word2ph: tuple[int, ...] | None  # phones per character, where the language aligns them
    origin: tuple[Place, ...]  # of each character of `text`, in the user's text
    start: int  # in the user's text
    end: int


@dataclass(frozen=True)
class Sentence:
    """What is spoken in one go."""

    spans: tuple[Span, ...]
    written: str  # the characters that were read, with the marks that were added
    start: int  # in the user's text
    end: int
    pause: float | None = None  # seconds wished after it; None is the default

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)

    @property
    def phones(self) -> tuple[str, ...]:
        return tuple(phone for span in self.spans for phone in span.phones)

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(i for span in self.spans for i in span.ids)

    @property
    def said(self) -> bool:
        return not SILENT.issuperset(self.phones)


def analyse(
    text: str,
    language: str = "auto",
    *,
    symbols: str = "v2",
    lexicon: Lexicon | None = None,
    cut: str | None = None,
    role: Role = "text",
) -> list[Sentence]:
    """The sentences of `text`, as they are said.

    `language` is one of `scripts.MODES`; `cut` is one of `split.METHODS`, or None for natural sentences. The
    networks want marks around what they hear: a `prompt` is closed by one, a short `target` also led by one.
    """
    marked = markup.parse(text)
    reading = _Reading(
        marked, scripts.settled(text, language), Context(tables.load(symbols), lexicon or Lexicon())
    )
    stop = "." if language == "en" else "。"
    sentences: list[Sentence] = []
    for block in marked.blocks:
        if cut:
            pieces = split.cut(block.text, cut, stop)
        else:
            pieces = [_framed(piece.strip(), role, stop) for piece in split.natural(block.text)]
        for framed in filter(len, pieces):
            sentence = reading.sentence(framed)
            if role == "target" and sentence.said and len(sentence.ids) < FEWEST:
                sentence = reading.sentence(split.led(framed, "."))
            if sentence.said:
                sentences.append(sentence)
        if block.pause is not None and sentences:
            last = sentences[-1]
            sentences[-1] = replace(last, pause=(last.pause or 0.0) + block.pause)
    if not sentences:
        raise TextError("There is nothing to say in this text: give at least one word or figure.")
    return sentences


def _framed(piece: Traced, role: Role, stop: str) -> Traced:
    if role == "text":
        return piece
    closed = split.closed(piece, stop)
    return split.opened(closed, stop) if role == "target" else closed


@dataclass(frozen=True)
class _Reading:
    marked: markup.Marked
    mode: str
    context: Context

    def sentence(self, piece: Traced) -> Sentence:
        spans = [
            self._span(run.language, piece[run.start : run.end])
            for run in scripts.runs(piece.text, self.mode)
        ]
        return Sentence(
            tuple(span for span in spans if span.phones),
            piece.text.replace(SPELLED, ""),
            *_extent(piece),
        )

    def _span(self, language: str, written: Traced) -> Span:
        symbols = self.context.symbols
        if language == scripts.PHONES:
            phones = symbols.known(self.marked.spelled[written.origin[0][0]])
            return Span(language, "", phones, symbols.ids(phones), None, (), *_extent(written))
        fixed = {
            i: self.marked.fixed[start]
            for i, (start, _) in enumerate(written.origin)
            if self.marked.fixed and start in self.marked.fixed
        }
        text = written if language != "en" or self.mode == "en" else written.translate(UNHEARD)
        said = reader(language, symbols.name)(text.text, replace(self.context, fixed=fixed))
        origin = tuple(_outer(text, place) for place in said.origin)
        ids = symbols.ids(said.phones)
        return Span(language, said.text, said.phones, ids, said.word2ph, origin, *_extent(written))


def _outer(written: Traced, place: Place) -> Place:
    """A place in the run, as a place in the user's text."""
    start, end = place
    if start < end:
        return written.origin[start][0], written.origin[end - 1][1]
    at = written.origin[start][0] if start < len(written) else written.origin[-1][1]
    return at, at


def _extent(text: Traced) -> Place:
    """From the first to the last character that the user wrote."""
    return text.origin[0][0], text.origin[-1][1]
