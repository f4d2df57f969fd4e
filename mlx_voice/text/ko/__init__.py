"""Korean: numbers and letters into hangul, then the rules of standard pronunciation, then single letters."""

from mlx_voice.text.ko.normalise import normalise
from mlx_voice.text.ko.sound import pronounced
from mlx_voice.text.reading import Context, Reading, Traced

PAUSE = "停"  # a mark that the tables lack
SPACE = "空"
MARKS = frozenset(",.!?…-")


def read(text: str, context: Context) -> Reading:
    plain = normalise(Traced.of(text))
    phones: list[str] = []
    for letter in pronounced(plain.text):
        known = letter in MARKS or "ㄱ" <= letter <= "ㅣ"
        phones.append(letter if known else SPACE if letter == " " else PAUSE)
    return Reading(plain.text, context.symbols.known(phones), None, plain.origin)
