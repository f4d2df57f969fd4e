"""English: normalisation, dictionary, homographs, and a small network for unknown words."""

from mlx_voice.text.en.normalise import normalise
from mlx_voice.text.en.words import say
from mlx_voice.text.reading import Context, Reading, Traced

FEWEST = 4  # a shorter utterance is preceded by a comma, as in training


def read(text: str, context: Context) -> Reading:
    plain = normalise(Traced.of(text))
    phones = say(plain.text, context.lexicon)
    if phones and len(phones) < FEWEST:
        phones.insert(0, ",")
    return Reading(plain.text, context.symbols.known(phones), None, plain.origin)
