"""Korean as it is written -> hangul, spaces and marks."""

import re
import unicodedata
from collections.abc import Callable

from mlx_voice.text.reading import Traced

DIGITS = "영일이삼사오육칠팔구"
SMALL = ("", "십", "백", "천")
LARGE = ("", "만", "억", "조", "경")
LONGEST = 4 * len(LARGE)  # digits; a longer number is read digit by digit
NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
COUNTERS = (  # nouns that are counted with native numbers
    "가닥|가지|갈래|개(?!월|국|년)|갑|군데|권|그루|그릇|끼|다발|달(?!러)|대(?!로|가|와)|마디|마리|명|모금|묶음|바퀴|"
    "발짝|번(?!지|호)|벌|병|봉지|사람|살|상자|송이|시간|시(?!스|즌|리)|쌍|알|자루|잔|장|접시|조각|줄|짝|채|척|켤레|"
    "컵|통|판|포기|곳|배"
)
_NAMES = (
    "에이 비 시 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 아르 에스 "
    "티 유 브이 더블유 엑스 와이 제트"
)
LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _NAMES.split(), strict=True))
UNITS = {
    "km/h": "킬로미터",
    "km": "킬로미터",
    "cm": "센티미터",
    "mm": "밀리미터",
    "m": "미터",
    "kg": "킬로그램",
    "mg": "밀리그램",
    "g": "그램",
    "ml": "밀리리터",
    "mL": "밀리리터",
    "L": "리터",
    "GB": "기가바이트",
    "MB": "메가바이트",
    "%": "퍼센트",
    "°C": "도",
    "℃": "도",
    "°": "도",
}
CURRENCIES = {"$": "달러", "₩": "원", "€": "유로", "£": "파운드", "¥": "엔"}
MARKS = dict(zip("：；，、。！？:;·～〜—–−\n\t\u3000", ",,,,.!?,,,~~---.  ", strict=True))
QUOTES = frozenset("\"'“”‘’()[]{}<>「」『』《》〈〉【】~/")

Match = re.Match[str]


def digits(number: str) -> str:
    return "".join(DIGITS[int(d)] for d in number)


def sino(number: str) -> str:
    """`1945` -> 천구백사십오."""
    if len(number) > LONGEST or (number[0] == "0" and len(number) > 1):
        return digits(number)
    if not int(number):
        return DIGITS[0]
    groups = []
    for i, start in enumerate(range(len(number), 0, -4)):
        group = _thousands(number[max(0, start - 4) : start])
        if group == "일" and i == 1:
            group = ""  # 만, not 일만
            groups.append("만")
        elif group:
            groups.append(group + LARGE[i])
    return "".join(reversed(groups))


def _thousands(group: str) -> str:
    said = ""
    for place, digit in zip(range(len(group) - 1, -1, -1), group, strict=True):
        if digit != "0":
            said += ("" if digit == "1" and place else DIGITS[int(digit)]) + SMALL[place]
    return said


def native(number: str) -> str:
    """`21` -> 스물한, as before a counter."""
    value = int(number)
    return "스무" if value == 20 else NATIVE_TENS[value // 10] + NATIVE_ONES[value % 10]


def _counted(match: Match) -> str:
    number = match[1].replace(",", "")
    largest = {"시": 12, "대": 19}.get(match[2], 99)  # 20대 are one's twenties
    small = len(number) < 3 and 0 < int(number) <= largest
    return (native(number) if small else sino(number)) + match[2]


def _decimal(match: Match) -> str:
    return f"{sino(match[1].replace(',', ''))}점{digits(match[2])}"


def _date(match: Match) -> str:
    return f"{sino(match[1])}년 {int(match[2])}월 {sino(str(int(match[3])))}일"


def _time(match: Match) -> str:
    hour, minute = int(match[1]), int(match[2])
    said = native(str(hour)) if 1 <= hour <= 12 else sino(str(hour))
    return f"{said}시" + (f" {sino(str(minute))}분" if minute else "")


def _month(match: Match) -> str:
    return {"6": "유", "10": "시"}.get(match[1], sino(match[1])) + "월"


_UNIT = "|".join(map(re.escape, UNITS))
_MONEY = "|".join(map(re.escape, CURRENCIES))
RULES: tuple[tuple[re.Pattern[str], str | Callable[[Match], str]], ...] = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"(?<![\d/.-])(\d{4})[-/.]\s?(\d{1,2})[-/.]\s?(\d{1,2})(?![\d/-])", _date),
        (r"(?<![\d:,])(\d{1,2})[:,](\d{2})(?![\d:,])(?=\s?(?:에|분|까지|부터|경|쯤|$|[^\d가-힣]))", _time),
        (r"(?<!\d)(1?\d)월", _month),
        (rf"({_MONEY})\s?(\d[\d,]{{0,20}})(\.\d{{1,9}})?", lambda m: f"{m[2]}{m[3] or ''}{CURRENCIES[m[1]]}"),
        (rf"(?<=\d)\s?({_UNIT})(?![A-Za-z])", lambda m: UNITS[m[1]]),
        (r"(?<![\d,.])(\d{1,3}(?:,\d{3}){1,6}|\d{1,20})\.(\d{1,20})(?!\d|\.\d)", _decimal),
        (r"(?<=\d)\s?~\s?(?=\d)", "에서 "),
        (r"(?<![\d/])(\d{1,12})/(\d{1,12})(?![\d/])", lambda m: f"{sino(m[2])}분의 {sino(m[1])}"),
        (r"(?<![0-9A-Za-z)])-(?=\d)", "마이너스 "),
        (r"(?<=[A-Za-z])-(?=[A-Za-z0-9])", " "),
        (rf"(?<![\d,-])(\d{{1,3}}(?:,\d{{3}}){{1,6}}(?!\d)|\d{{1,20}})\s?({COUNTERS})", _counted),
        (
            r"(?<![\d-])\d{1,12}(?:-\d{1,12}){1,6}(?![\d-])",
            lambda m: re.sub(r"\d", lambda d: DIGITS[int(d[0])], m[0]),
        ),
        (r"(?<![\d,])\d{1,3}(?:,\d{3}){1,6}(?!\d)", lambda m: sino(m[0].replace(",", ""))),
        (r"\d+", lambda m: sino(m[0])),
        (r"[A-Za-z]", lambda m: LETTERS[m[0].upper()]),
        (r"&", "앤드"),
        (r"@", "골뱅이"),
        (r"\s+", " "),
        (r"([,.!?…~])[,.!?…~]+", r"\1"),
    )
)


def _fold(char: str) -> str:
    if char in MARKS:
        return MARKS[char]
    plain = unicodedata.normalize("NFKC", char)
    return plain if plain.isascii() and plain.isprintable() else char


def _said(char: str) -> bool:
    return "가" <= char <= "힣" or "ㄱ" <= char <= "ㅣ" or char in " ,.!?…-" or char in QUOTES


def normalise(text: Traced) -> Traced:
    composed = _compose(text)
    composed = composed.translate({char: _fold(char) for char in set(composed.text)})
    for pattern, new in RULES:
        composed = composed.sub(pattern, new)
    return composed.keep(_said)


_CONJOINING = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")


def _compose(text: Traced) -> Traced:
    """Syllables that a Mac's file system or keyboard left in pieces."""
    return text.sub(_CONJOINING, lambda m: unicodedata.normalize("NFC", m[0]))
