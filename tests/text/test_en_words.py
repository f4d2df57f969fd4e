"""The dictionary on disk, and the network for words that it lacks."""

import subprocess
import sys

import numpy as np

from mlx_voice.text.en import unknown
from mlx_voice.text.en.dictionary import entries, pronounce
from mlx_voice.text.en.words import pronunciation
from mlx_voice.text.symbols import load


def test_every_word_is_found_by_bisection() -> None:
    words = list(entries())
    assert len(words) > 126_000
    assert [w for w, _ in words] == sorted(w for w, _ in words)
    for word, phones in [*words[:3], *words[::400], *words[-3:]]:
        assert pronounce(word) == phones


def test_what_is_not_there_is_not_found() -> None:
    for word in ("", "qqq", "zzzzz", "a b", "the\n", "é", "\udc80", "hello kk", "!", "~"):
        assert pronounce(word) is None


def test_phones_are_symbols_of_every_table() -> None:
    phones = {phone for _, spoken in entries() for phone in spoken}
    _, labels = unknown.weights()
    phones |= {phone for label in labels for phone in label}
    for table in ("v1", "v2"):
        assert all(phone in load(table) for phone in phones)


def test_unknown_words_are_said_plausibly() -> None:
    assert unknown.predict("blorp") == tuple("B L AO1 R P".split())
    assert unknown.predict("zanify")[0] == "Z"
    assert pronunciation("zanifies")[-1] == "Z"


def test_the_network_is_bounded_and_takes_anything() -> None:
    assert unknown.predict("") == ()
    assert unknown.predict("Ж1 -") == ()
    assert 0 < len(unknown.predict("ab" * 5000)) <= 20_000


def test_the_network_learned_its_dictionary() -> None:
    """Every two-hundredth plain word: an error rate a network of noise could not reach."""
    words = [entry for entry in entries() if entry[0].isalpha()][::200]
    wrong = sum(_distance(unknown.predict(word), phones) for word, phones in words)
    assert wrong / sum(len(phones) for _, phones in words) < 0.2


def _distance(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    row = np.arange(len(b) + 1)
    for i, x in enumerate(a):
        new = np.empty_like(row)
        new[0] = i + 1
        for j, y in enumerate(b):
            new[j + 1] = min(new[j] + 1, row[j + 1] + 1, row[j] + (x != y))
        row = new
    return int(row[-1])


def test_plain_english_imports_no_numpy() -> None:
    """The start is quick because the network is imported only for a word that needs it."""
    code = (
        "import sys; from mlx_voice.text.reading import Context; from mlx_voice.text.en import read; "
        "read('The quick brown fox costs $3.50.', Context()); assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
