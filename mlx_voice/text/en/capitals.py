"""Words in capitals are spelled or said; capitals inside a word divide it."""

import re

from mlx_voice.text.en.dictionary import pronounce
from mlx_voice.text.en.numbers import cardinal, ordinal
from mlx_voice.text.reading import Traced

SAID = frozenset(
    "RAM ROM SIM PIN LAN WAN GIF JPEG JSON YAML TOML SAT SARS MERS CAPTCHA DAO GUI CRISPR FIFA".split()
)
STRESSED = frozenset(  # short words that people put in capitals to stress them
    (
        "A ALL AN AND ARE AS AT BE BIG BUT BY CAN DID DO END FOR GET GO GOT HAS HE HER HIM HIS HOT HOW "
        "I IF IN IS LET ME MY NEW NO NOT NOW OF OFF OLD ON ONE OR OUR OUT OWN SAY SEE SHE SO THE TO "
        "TOO TRY TWO UP WAS WAY WE WHY YES YET YOU ANY ASK BAD BUY DAY EAT FAR FEW FUN HAD ITS MAY MEN "
        "NOR PUT RUN SAD SIT TOP USE WAR WIN"
    ).split()
)
NUMBERED = (
    "War|Chapter|Part|Act|Volume|Phase|Type|Section|Book|Article|Stage|Level|Class|Episode|Season|"
    "Round|Title|Appendix|Figure|Table|Mark|Scene|Bowl|Grade|Tier|Unit|Apollo|Rocky"
)
ROYAL = (
    "Henry|Louis|Elizabeth|George|Charles|William|James|Edward|Richard|Paul|Pius|Benedict|Francis|"
    "Philip|Napoleon|Alexander|Catherine|Frederick|Ivan|Nicholas|Peter|Leo|Gregory|Mary|Victoria"
)
ROMAN = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX".split()

_NUMERAL = "|".join(sorted(ROMAN, key=len, reverse=True))
_NUMBERED = re.compile(rf"(?<![A-Za-z])({NUMBERED}) ({_NUMERAL})(?![A-Za-z'])")
_ROYAL = re.compile(rf"(?<![A-Za-z])({ROYAL}) ({_NUMERAL})(?![A-Za-z])")
_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]*[A-Z][A-Za-z]*(?:'[A-Za-z]{1,3})?")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SYLLABLES = re.compile(r"(?:[^AEIOUY]?[AEIOUY]){2,}[^AEIOUY]?")


def expand_capitals(text: Traced, shouted: bool) -> Traced:
    """Spell abbreviations, split at inner capitals, read Roman numerals. `shouted`: all was in capitals."""
    text = text.sub(_NUMBERED, lambda m: f"{m[1]} {cardinal(_value(m[2]))}")
    text = text.sub(_ROYAL, lambda m: m[0] if m[2] == "I" else f"{m[1]} the {ordinal(_value(m[2]))}")
    loud = shouted and len(re.findall("[A-Z]{2,}", text.text)) > 1
    return text.sub(_WORD, lambda m: _word(m[0], loud))


def _value(numeral: str) -> str:
    return str(ROMAN.index(numeral) + 1)


def _word(word: str, loud: bool) -> str:
    stem, tick, ending = word.partition("'")
    if stem[1:].islower() or len(stem) < 2:
        return word
    if stem.isupper():
        if is_said(stem, loud) or (tick and pronounce(word.lower()) and ending not in ("S", "s")):
            return word
        return " ".join(stem) + tick + ending.lower()
    if stem[:-1].isupper() and stem[-1] == "s" and not ending:  # CEOs
        return " ".join(stem[:-1]) + "'s"
    return " ".join(_divided(stem)) + tick + ending


def is_said(word: str, loud: bool) -> bool:
    """Whether a word in capitals is a word to say, not letters to spell."""
    if word in SAID:
        return True
    phones = pronounce(word.lower())
    if len(word) < 4:
        return word in STRESSED or (
            loud and phones is not None and word not in ("US", "UK", "EU", "AI", "TV")
        )
    if phones is None:
        return (len(word) > 5 and bool(re.search("[AEIOUY]", word))) or bool(_SYLLABLES.fullmatch(word))
    return _unstressed(phones) != _unstressed(spelled(word))


def spelled(word: str) -> tuple[str, ...]:
    """The names of its letters."""
    return tuple(phone for letter in word.lower() for phone in pronounce(f"{letter}.") or ())


def _unstressed(phones: tuple[str, ...]) -> list[str]:
    return [phone.rstrip("012") for phone in phones]


def _divided(word: str) -> list[str]:
    """`OpenAI` -> Open A I; but a name that the dictionary holds and whose parts are no words stays whole."""
    parts = _PARTS.findall(word)
    names = [part for part in parts if not part.isupper() and part not in ("i", "e")]
    if not all(len(part) > 2 and pronounce(part.lower()) for part in names) and pronounce(word.lower()):
        return [word[0] + word[1:].lower()]
    out: list[str] = []
    for part in parts:
        out += part if part.isupper() and not is_said(part, False) else [part]
    return out
