"""Where the text of `speak` comes from."""

import codecs
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from mlx_voice.errors import InputError

BLOCK = 1 << 16
# A sentence is over at a full-width mark, at a narrow one with space after it, and at the end of a line.
END = re.compile(r"[。！？…]+[”’」』）]*|[.!?]+[\"')\]]*(?=\s)|\n")


def texts(text: str | None, file: Path | None, *, whole: bool = False) -> tuple[bool, Iterator[str]]:
    """False and the whole text, or True and the sentences of standard input as they arrive."""
    if text is not None and file is not None:
        raise typer.BadParameter("give a text or a file, not both", param_hint="TEXT, --file")
    if text is None and file is None and sys.stdin.isatty():
        raise typer.BadParameter("give a text, -f FILE, or - for standard input", param_hint="TEXT")
    if text is not None and text != "-":
        return False, iter([text])
    if file is not None and str(file) != "-":
        return False, iter([_read(file)])
    arriving = _arriving(sys.stdin.fileno())
    return (False, iter(["".join(arriving)])) if whole else (True, sentences(arriving))


def sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Whole sentences out of pieces that are cut anywhere."""
    held = ""
    for piece in pieces:
        held += piece
        while end := END.search(held):
            sentence, held = held[: end.end()], held[end.end() :]
            if sentence.strip():
                yield sentence.strip()
    if held.strip():
        yield held.strip()


def _arriving(handle: int) -> Iterator[str]:
    """What is there, without waiting for more."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while block := os.read(handle, BLOCK):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no text in UTF-8: save it as UTF-8.") from error
