"""English as people write it, and how it is said."""

import pytest

from mlx_voice.text.en import read
from mlx_voice.text.en.normalise import normalise
from mlx_voice.text.en.numbers import cardinal, ordinal, year
from mlx_voice.text.lexicon import Lexicon
from mlx_voice.text.reading import Context, Traced

SAID = [
    # numbers
    ("There were 3 of 12, and 100 more.", "There were three of twelve, and one hundred more."),
    (
        "In 1905, 1900, 2005 and 2024.",
        "In nineteen oh five, nineteen hundred, two thousand five and twenty twenty-four.",
    ),
    (
        "Over 1,250,000 or 4567 people",
        "Over one million, two hundred fifty thousand or four thousand, five hundred sixty-seven people",
    ),
    ("3.14 and .5", "three point one four and point five"),
    ("the 1990s, '80s and 90s", "the nineteen nineties, eighties and nineties"),
    ("1st, 22nd, 103rd and 1,000th", "first, twenty-second, one hundred and third and one thousandth"),
    ("3/4 of it, 1/2, 2 1/2, 22/7", "three fourths of it, one half, two and a half, twenty-two sevenths"),
    ("pages 10-15, a 3-2 win, 3:2", "pages ten to fifteen, a three to two win, three to two"),
    (
        "It is -5 outside, 10 - 3 = 7, 2 + 2",
        "It is negative five outside, ten minus three equals seven, two plus two",
    ),
    ("version 1.2.3 at 10.0.0.1", "version one point two point three at ten point zero point zero point one"),
    ("007 agents", "zero zero seven agents"),
    # money
    (
        "$1,234.56 and $5.",
        "one thousand, two hundred thirty-four dollars and fifty-six cents and five dollars.",
    ),
    ("$3.50. I paid £1 and €0.99", "three dollars and fifty cents. I paid one pound and ninety-nine cents"),
    (
        "$3.5 million, $1.5bn, $5-10",
        "three point five million dollars, one point five billion dollars, five to ten dollars",
    ),
    ("¥1980, 5€, $20/hour", "one thousand, nine hundred eighty yen, five euros, twenty dollars per hour"),
    # units
    (
        "120km/h on 3.5km, 1kg",
        "one hundred twenty kilometers per hour on three point five kilometers, one kilogram",
    ),
    (
        "37℃, 98.6°F, 30°",
        "thirty-seven degrees celsius, ninety-eight point six degrees fahrenheit, thirty degrees",
    ),
    ("45% of 2m²", "forty-five percent of two square meters"),
    ("5'10\" tall", "five foot ten tall"),
    # dates and times
    ("at 7:30, 10:05pm, 9:00 or 19:00", "at seven thirty, ten oh five P M, nine o'clock or nineteen hundred"),
    ("2024-01-05 or 1/5/2024", "January fifth, twenty twenty-four or January fifth, twenty twenty-four"),
    ("Jan. 5, 1990 to July 4th", "January fifth, nineteen ninety to July fourth"),
    ("9:30-10:45", "nine thirty to ten forty-five"),
    # telephones
    ("555-123-4567", "five five five, one two three, four five six seven"),
    (
        "Call 911 or +1 555 123 4567",
        "Call nine one one or one, five five five, one two three, four five six seven",
    ),
    # abbreviations
    ("Dr. Smith and Mr. Jones on St. James St.", "Doctor Smith and Mr Jones on Saint James Street."),
    ("fruit, e.g. apples, i.e. sweet, etc.", "fruit, for example apples, that is sweet, etc."),
    ("No. 5 vs. No. 6, p. 12, Fig. 3", "number five versus number six, page twelve, figure three"),
    ("He lives in the U.S. He left at 5 p.m.", "He lives in the U S. He left at five P M."),
    ("George W. Bush and J. R. Smith", "George W Bush and J R Smith"),
    # capitals
    ("NASA and the FBI met IBM's CEOs", "NASA and the F B I met I B M's C E O's"),
    ("WARNING: DO NOT OPEN THIS DOOR!", "WARNING, DO NOT OPEN THIS DOOR!"),
    ("OK", "O K"),
    ("OpenAI, YouTube, iPhone, SpaceX", "Open A I, You Tube, i Phone, Space X"),
    ("World War II, Henry VIII, King Charles III", "World War two, Henry the eighth, King Charles the third"),
    ("GPT-4, H2O, COVID-19, abc123", "G P T four, H two O, COVID nineteen, abc one two three"),
    ("AT&T and R&D", "A T and T and R and D"),
    # the web
    (
        "https://www.example.com/path?id=3",
        "w w w dot example dot com slash path question mark id equals three",
    ),
    ("john.doe@example.com.", "john dot doe at example dot com."),
    ("see main.py and #MeToo", "see main dot py and hashtag Me Too"),
    ("<b>bold</b> &amp; plain", "bold and plain"),
    # signs and letters
    ("Wait... what?! No way!!!", "Wait. what? No way!"),
    ("José’s café — naïve; good", "Jose's cafe, naive, good"),
    ("Ｈｅｌｌｏ １２３ ½", "Hello one hundred twenty-three and a half"),
    ("and/or, R & D, C#, 50% off", "and or, R and D, C sharp, fifty percent off"),
]


@pytest.mark.parametrize(("written", "said"), SAID)
def test_normalised(written: str, said: str) -> None:
    assert normalise(Traced.of(written)).text == said


PHONES = [
    ("I", ", AY1"),
    ("Hi!", ", HH AY1 !"),
    ("'like this'", "- L AY1 K DH IH1 S -"),
    ("Chris' car", "K R IH1 S K AA1 R"),
    ("the dog's, boss's and Alex's", "DH AH0 D AO1 G Z , B AO1 S IH0 Z AH0 N D AE1 L AH0 K S IH0 Z"),
    ("they're here, he'd can't", "DH EH1 R HH IY1 R , HH IY1 D K AE1 N T"),
    ("twenty-four, state-of-the-art", "T W EH1 N T IY0 F AO2 R , S T EY2 T AH0 V DH IH0 AA1 R T"),
    ("A dog. Plan A, A4", "AH0 D AO1 G . P L AE1 N EY1 , EY1 F AO1 R"),
    ("'em, rock 'n' roll", "AH0 M , R AA1 K AH0 N R OW1 L"),
    ("smartwatch", "S M AA1 R T W AA2 CH"),
    ("unfriended", "AH0 N F R EH1 N D IH0 D"),
]


@pytest.mark.parametrize(("text", "phones"), PHONES)
def test_phones(text: str, phones: str) -> None:
    assert read(text, Context()).phones == tuple(phones.split())


HOMOGRAPHS = [
    ("I will read it.", "R IY1 D"),
    ("I read it yesterday.", "R EH1 D"),
    ("She has read it.", "R EH1 D"),
    ("He will lead them.", "L IY1 D"),
    ("the lead pipe", "L EH1 D"),
    ("They live here.", "L IH1 V"),
    ("a live show", "L AY1 V"),
    ("their lives", "L AY1 V Z"),
    ("too close to it", "K L OW1 S"),
    ("Close the door.", "K L OW1 Z"),
    ("of no use", "Y UW1 S"),
    ("We use it.", "Y UW1 Z"),
    ("I object!", "AH0 B JH EH1 K T"),
    ("the object", "AA1 B JH EH0 K T"),
    ("Please record this.", "R IH0 K AO1 R D"),
    ("a new record", "R EH1 K ER0 D"),
    ("a strong wind", "W IH1 N D"),
    ("to wind the clock", "W AY1 N D"),
    ("a tear fell", "T IH1 R"),
    ("a tear in it", "T EH1 R"),
    ("an estimate", "EH1 S T AH0 M AH0 T"),
    ("They produce produce.", "P R OW1 D UW0 S"),
    ("It is invalid.", "IH2 N V AE1 L AH0 D"),
    ("We estimate it.", "EH1 S T AH0 M EY2 T"),
    ("the minute details", "M AY0 N UW1 T"),
    ("She is content with it.", "K AH0 N T EH1 N T"),
]


@pytest.mark.parametrize(("text", "phones"), HOMOGRAPHS)
def test_homographs(text: str, phones: str) -> None:
    said = " ".join(read(text, Context()).phones)
    assert f" {phones} " in f" {said} "


def test_a_lexicon_wins() -> None:
    context = Context(lexicon=Lexicon.of({"Tomato": "T AH0 M AA1 T OW2"}))
    assert read("tomato", context).phones == tuple("T AH0 M AA1 T OW2".split())


def test_origin_leads_back_to_what_was_written() -> None:
    written = "Dr. Lee paid $3.50 at 7:30."
    said = read(written, Context())
    places = dict(zip(said.text.split(), _word_places(said.text, said.origin), strict=False))
    assert written[slice(*places["dollars"])] == "$3.50"
    assert written[slice(*places["thirty."])] in ("7:30", "7:30.")
    assert written[slice(*places["paid"])] == "paid"


def _word_places(text: str, origin: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    places, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        places.append((origin[at][0], origin[at + len(word) - 1][1]))
        at += len(word)
    return places


def test_numbers() -> None:
    assert cardinal("0") == "zero"
    assert cardinal("1000000000000") == "one trillion"
    assert cardinal("9" * 30) == " ".join(["nine"] * 30)
    assert [ordinal(n) for n in ("0", "12", "20", "100", "121")] == [
        "zeroth",
        "twelfth",
        "twentieth",
        "one hundredth",
        "one hundred and twenty-first",
    ]
    assert [year(n) for n in ("1066", "1900", "2000", "2009", "2100")] == [
        "ten sixty-six",
        "nineteen hundred",
        "two thousand",
        "two thousand nine",
        "twenty-one hundred",
    ]


@pytest.mark.parametrize("part", ["9", "a", "1,", "1-", "a.", "A&", "x@", "http://a", "Mr. ", "<a", "'"])
def test_repetition_is_bounded(part: str) -> None:
    said = read(part * 2000, Context())
    assert len(said.phones) <= 12 * 2000 * len(part)
    assert len(said.origin) == len(said.text)
