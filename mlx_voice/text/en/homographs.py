"""Words that are said differently as a noun and as a verb, told apart by the words around them.

`data/homographs.txt` holds the pairs; the few words that differ in other ways have a function of their own.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

Phones = tuple[str, ...]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PRONOUNS = _set("i you we they")
SINGULAR = _set("he she it who which everyone everybody someone nobody")
MODALS = _set(
    "to will would can could shall should may might must do does did don't doesn't didn't won't "
    "wouldn't can't cannot couldn't shouldn't mustn't let's please i'll you'll we'll they'll he'll "
    "she'll it'll i'd you'd we'd they'd never not always often also help gonna wanna"
)
DETERMINERS = _set(
    "the a an this that these those my your his her its our their some any no each every another "
    "such whose both several many few two three four five six seven eight nine ten one's new old "
    "good great best first last next"
)
OBJECTS = _set(
    "the a an this that these those my your his her its our their it them him me us you all any some"
)
PREPOSITIONS = _set(
    "of in on at for with by from about into over under without against through during between"
)
HAVE_BE = _set(
    "have has had having i've you've we've they've he's she's it's was were been is be being are "
    "am well i'd he'd she'd they'd we'd isn't wasn't hasn't haven't hadn't widely"
)
BE = _set(
    "is are was were be been being am i'm you're we're they're he's she's it's feel feels felt seem seems"
)
PAST_TIMES = _set("yesterday ago once earlier previously already last recently before when after then")
METAL = _set(
    "mine mines pipe pipes paint poisoning poison metal pencil weight weights zinc copper acid "
    "battery batteries bullet bullets solder toxic molten contains contain exposure levels crystal "
    "roof shot ore"
)
MARKS = frozenset(".,?!'")


@cache
def _pairs() -> dict[str, tuple[Phones, Phones, bool]]:
    """word -> as a noun, as a verb, whether the verb is what stands without evidence."""
    table = {}
    text = files("mlx_voice.text.en").joinpath("data", "homographs.txt").read_text("ascii")
    for line in text.splitlines():
        if not line.startswith("#"):
            word, noun, verb = (part.strip() for part in line.split("|"))
            table[word] = (
                tuple(noun.strip("*").split()),
                tuple(verb.strip("*").split()),
                verb.startswith("*"),
            )
    return table


def choose(words: list[str], i: int) -> Phones | None:
    """The phones of the i-th word if it is a homograph. `words` are words and marks."""
    word = words[i].lower()
    if special := SPECIAL.get(word):
        return tuple(special(_Around(words, i)).split())
    pair = _pairs().get(word)
    if pair is None:
        return None
    noun, verb, usually = pair
    return verb if _Around(words, i).is_verb(usually) else noun


class _Around:
    """The neighbours of a word; a mark is no neighbour but an edge."""

    def __init__(self, words: list[str], i: int) -> None:
        self.word = words[i]
        self.before = [w.lower() for w in words[max(0, i - 8) : i]]
        self.after = [w.lower() for w in words[i + 1 : i + 9]]
        self.last = self._at(self.before, -1)
        self.second = self._at(self.before, -2)
        self.next = self._at(self.after, 0)

    @staticmethod
    def _at(words: list[str], i: int) -> str:
        return words[i] if -len(words) <= i < len(words) and words[i] not in MARKS else ""

    def near(self, words: frozenset[str]) -> bool:
        return not words.isdisjoint(self.before[-4:]) or not words.isdisjoint(self.after[:4])

    def is_verb(self, usually: bool) -> bool:
        """By the word before, then by the word after; else what it usually is."""
        last = self.last
        if last.endswith("ly") and self.second:
            last = self.second
        if last == self.word.lower():  # they produce produce
            return False
        plural = self.word.endswith("s") and not self.word.endswith("ss")
        if last in DETERMINERS or last in PREPOSITIONS or last.endswith("'s"):
            return False
        if last in SINGULAR:
            return plural
        if last in MODALS or last in PRONOUNS:
            return not plural
        if not last:
            return self.next in OBJECTS or (usually and self.next not in PREPOSITIONS)
        return self.next in OBJECTS or usually


def _read(around: _Around) -> str:
    if around.last in HAVE_BE or (around.last.endswith("ly") and around.second in HAVE_BE):
        return "R EH1 D"
    if around.last in MODALS or not around.last:
        return "R IY1 D"
    past = not PAST_TIMES.isdisjoint(around.before + around.after) or around.last in SINGULAR
    return "R EH1 D" if past else "R IY1 D"


def _lead(around: _Around) -> str:
    if around.last in MODALS or around.last in PRONOUNS:
        return "L IY1 D"
    return "L EH1 D" if around.near(METAL) else "L IY1 D"


def _live(around: _Around) -> str:
    if around.last in MODALS or around.last in PRONOUNS or around.last in ("people", "who"):
        return "L IH1 V"
    shown = _set("go goes going went broadcast broadcasts streamed streaming recorded performed")
    adjective = around.last in DETERMINERS | BE | shown or around.last in PREPOSITIONS
    events = _set("music show shows concert stream audience performance video chat event coverage broadcast")
    return "L AY1 V" if adjective or around.next in events else "L IH1 V"


def _close(around: _Around) -> str:
    near = _set(
        "too so very how as quite pretty really stay stays stand stood sit came come comes get gets got draw"
    )
    if around.last in near | BE:
        return "K L OW1 S"
    ends = around.last in DETERMINERS and around.next == "of"
    acts = around.next in OBJECTS - {"to"} or around.last in MODALS or around.last in PRONOUNS
    opens = around.next in ("at", "down", "up", "early", "soon") and around.last not in DETERMINERS
    return "K L OW1 Z" if ends or acts or opens else "K L OW1 S"


def _tear(around: _Around) -> str:
    rips = (
        around.next in ("in", "up", "down", "apart", "off", "out", "through", "into")
        or around.second == "wear"
    )
    return "T EH1 R" if rips or around.is_verb(False) else "T IH1 R"


def _wound(around: _Around) -> str:
    turned = around.next in ("up", "down", "around", "through", "the", "its", "his", "her", "tightly")
    return "W AW1 N D" if turned and around.last not in DETERMINERS else "W UW1 N D"


def _bow(around: _Around) -> str:
    weapon = around.near(_set("arrow arrows violin cello tie string archer ribbon hair fiddle shot"))
    return "B OW1" if weapon else "B AW1"


def _bass(around: _Around) -> str:
    return "B AE1 S" if around.near(_set("fish fishing lake sea caught striped grilled")) else "B EY1 S"


def _dove(around: _Around) -> str:
    dived = around.next in ("into", "in", "under", "off", "deep", "down") and around.last not in DETERMINERS
    return "D OW1 V" if dived else "D AH1 V"


def _minute(around: _Around) -> str:
    small = around.last in ("very", "extremely", "so", "such") or around.next in (
        "details",
        "amounts",
        "particles",
    )
    return "M AY0 N UW1 T" if small else "M IH1 N AH0 T"


def _content(around: _Around) -> str:
    pleased = around.last in BE and around.next in ("", "with", "to", "and", "in")
    return "K AH0 N T EH1 N T" if pleased else "K AA1 N T EH0 N T"


def _invalid(around: _Around) -> str:
    person = around.last in DETERMINERS and (not around.next or around.next in PREPOSITIONS)
    return "IH1 N V AH0 L AH0 D" if person else "IH2 N V AE1 L AH0 D"


def _polish(around: _Around) -> str:
    return "P OW1 L IH0 SH" if around.word[0].isupper() and around.before else "P AA1 L IH0 SH"


SPECIAL: dict[str, Callable[[_Around], str]] = {
    "read": _read,
    "lead": _lead,
    "live": _live,
    "close": _close,
    "tear": _tear,
    "wound": _wound,
    "bow": _bow,
    "bass": _bass,
    "dove": _dove,
    "minute": _minute,
    "content": _content,
    "invalid": _invalid,
    "polish": _polish,
}
