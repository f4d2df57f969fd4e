"""Text cut into sentences as it arrives, wherever the pieces are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mlx_voice.cli.sources import sentences

TEXT = 'One. Two! "Three?" Four 3.14 and so on\n你好。“再见！”他说……好 last'
CUT = ["One.", "Two!", '"Three?"', "Four 3.14 and so on", "你好。", "“再见！”", "他说……", "好 last"]


def test_sentences_end_where_they_end() -> None:
    assert list(sentences([TEXT])) == CUT
    assert list(sentences([])) == list(sentences([" ", "\n"])) == []


def test_a_sentence_does_not_wait_for_the_next() -> None:
    given_out: list[str] = []

    def pieces():  # type: ignore[no-untyped-def]
        yield "你好。"
        assert given_out == ["你好。"]
        yield "One. "
        assert given_out == ["你好。", "One."]

    for sentence in sentences(pieces()):
        given_out.append(sentence)


@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_pieces_lose_nothing(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[a:b] for a, b in pairwise(edges)]
    joined = "".join(sentences(pieces)).replace(" ", "")
    assert joined == "".join(CUT).replace(" ", "")
