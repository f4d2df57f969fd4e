"""What a text says about how to say it, and what is no text at all.

- `[pause:0.5s]`, `[pause:300ms]`: silence, of ten seconds at most.
- `角(jue2)色`: the reading of the character before the brackets.
- `{W ER1 D}`: phones, said as they stand.
- HTML tags and comments, terminal escapes and other `[name:value]` commands are dropped; tags that end a line
  end a sentence; HTML entities stand for their characters. Any other mark-up is text, and is read as such.
"""

import html
import re
from dataclasses import dataclass
from functools import cache

from mlx_voice.text.reading import Place, Traced
from mlx_voice.text.symbols import load as symbols

LONGEST_PAUSE = 10.0
SPELLED = "\U000f0000"  # stands in the text for phones in braces
_LINES = frozenset(
    """
    address article blockquote br dd div dt h1 h2 h3 h4 h5 h6 hr li p pre section td th title tr
    """.split()
)  # tags that end a line
_TAGS = frozenset(
    """
    a abbr aside audio b base big body button canvas caption center cite code col del details dfn dl em
    embed fieldset figcaption figure font footer form head header html i iframe img input ins kbd label
    legend link main map mark meta nav object ol optgroup option picture q rp rt ruby s samp script
    select small source span strike strong style sub summary sup svg table tbody template textarea tfoot
    thead time track tt u ul var video wbr speak voice prosody break emphasis say-as phoneme lang audio
    """.split()
)  # tags that do not
_MARKUP = re.compile(
    r"\[pause:\s{0,9}(?P<amount>\d{1,6}(?:\.\d{1,6})?)\s{0,9}(?P<unit>ms|s)\]"
    r"|(?<=[\u3400-\u9fff])[(（](?P<reading>(?-i:[b-df-hj-np-tw-z]{0,2}[aeiouü][a-zü]{0,4}|[ln]v[en]?)[1-6])[)）]"
    r"|\{(?P<phones>[^{}\n]{1,200})\}"
    r"|</?(?P<tag>[A-Za-z][A-Za-z0-9-]{0,15})(?P<attributes>(?:\s[^<>]{0,2000})?)>|<!--[^<>]{0,2000}-->"
    r"|\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)|[@-Z\\-_])?"
    r"|\[[A-Za-z]{1,20}:[^\[\]\n]{0,50}\]"
    r"|&(?:[A-Za-z]{2,10}|#\d{1,7}|#x[0-9A-Fa-f]{1,6});",
    re.IGNORECASE,
)
_RESERVED = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")


@dataclass(frozen=True)
class Block:
    """Text up to a pause; `SPELLED` characters stand for the phones in `spelled`, in order."""

    text: Traced
    pause: float | None  # seconds


@dataclass(frozen=True)
class Marked:
    blocks: tuple[Block, ...]
    fixed: dict[int, str]  # place of a character -> its reading
    spelled: dict[int, tuple[str, ...]]  # place of a `{` -> phones


def parse(text: str) -> Marked:
    whole = Traced.of(text).sub(_RESERVED, "")
    blocks: list[Block] = []
    fixed: dict[int, str] = {}
    spelled: dict[int, tuple[str, ...]] = {}
    parts: list[Traced] = []
    at = 0
    for match in _MARKUP.finditer(whole.text):
        parts.append(whole[at : match.start()])
        at = match.end()
        here: Place = (whole.origin[match.start()][0], whole.origin[at - 1][1])
        if match["amount"]:
            blocks.append(Block(Traced.join(parts), _seconds(match)))
            parts = []
        elif match["reading"]:
            fixed[whole.origin[match.start() - 1][0]] = match["reading"]
        elif phones := _phones(match["phones"]):
            spelled[here[0]] = phones
            parts.append(Traced(SPELLED, (here,)))
        else:
            said = _said(match)
            parts.append(Traced(said, (here,) * len(said)))
    parts.append(whole[at:])
    blocks.append(Block(Traced.join(parts), None))
    return Marked(tuple(blocks), fixed, spelled)


def _seconds(match: re.Match[str]) -> float:
    amount = float(match["amount"]) / (1000 if match["unit"].lower() == "ms" else 1)
    return min(amount, LONGEST_PAUSE)


@cache
def _known() -> frozenset[str]:
    return frozenset(symbols("v2").index)


def _phones(text: str | None) -> tuple[str, ...]:
    phones = tuple((text or "").split())
    return phones if all(phone in _known() for phone in phones) else ()


def _said(match: re.Match[str]) -> str:
    """What is left of mark-up that is not ours."""
    found, tag = match[0], (match["tag"] or "").lower()
    if found[0] == "&":
        return _RESERVED.sub("", html.unescape(found))
    if tag:
        attributes = match["attributes"].strip("/ ")
        if tag not in _TAGS | _LINES or (attributes and "=" not in attributes):
            return found
        return "\n" if tag in _LINES else " " if tag == "img" else ""
    return found[1:-1] if match["phones"] else ""
