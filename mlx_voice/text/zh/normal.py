"""Chinese text as it is said: figures, units and signs become characters, marks one of the six `!?…,.-`."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

from mlx_voice.text.reading import Traced
from mlx_voice.text.zh import figures
from mlx_voice.text.zh.numbers import ONE, cardinal

MARKS = "!?…,.-"
WALL = "\ue001"  # where a bracket or quote stood: nothing is said, and no figure reaches across
_WIDE = {chr(c): chr(c - 0xFEE0) for c in range(0xFF01, 0xFF5F) if chr(c) not in "！，．：；？"}
_WIDE |= {"\u3000": " ", "\xa0": " ", "〜": "~", "∶": ":"} | dict.fromkeys("−‐‑‒–", "-")
_SIGNS = {
    "嗯": "恩", "呣": "母", "〇": "零", "○": "零", "α": "阿尔法", "β": "贝塔", "γ": "伽玛", "Γ": "伽玛",
    "δ": "德尔塔", "Δ": "德尔塔", "ε": "艾普西龙", "ζ": "捷塔", "η": "依塔", "θ": "西塔", "Θ": "西塔",
    "ι": "艾欧塔", "κ": "喀帕", "λ": "拉姆达", "Λ": "拉姆达", "μ": "缪", "ν": "拗", "ξ": "克西", "Ξ": "克西",
    "ο": "欧米克伦", "π": "派", "Π": "派", "ρ": "肉", "ς": "西格玛", "Σ": "西格玛", "σ": "西格玛", "τ": "套",
    "υ": "宇普西龙", "φ": "服艾", "Φ": "服艾", "χ": "器", "ψ": "普赛", "Ψ": "普赛", "ω": "欧米伽",
    "Ω": "欧米伽", "=": "等于", "≈": "约等于", "≠": "不等于", "≤": "小于等于", "≥": "大于等于", "<": "小于",
    ">": "大于", "±": "正负", "√": "根号", "∞": "无穷大", "×": "乘", "÷": "除以", "+": "加", "&": "和",
    "℃": "摄氏度", "℉": "华氏度", "°": "度", "%": "百分号", "‰": "千分号", "№": "号", "㎡": "平方米",
    "㎏": "千克", "￥": "元", "¥": "元", "€": "欧元", "£": "英镑",
}  # fmt: skip
_SIGNS |= {chr(0x2460 + i): cardinal(str(i + 1)) for i in range(20)}  # ① … ⑳
_SIGNS |= {chr(0x2474 + i): cardinal(str(i + 1)) for i in range(20)}  # ⑴ … ⒇
_SIGNS |= {chr(0x2160 + i): cardinal(str(i + 1)) for i in range(12)}  # Ⅰ … Ⅻ
_ENDS = {
    "：": ",", ":": ",", "；": ",", ";": ",", "，": ",", "、": ",", "·": ",", "・": ",", "/": ",", "。": ".",
    "｡": ".", "！": "!", "？": "?", "\n": ".", "~": "…", "⋯": "…",
}  # fmt: skip
_UNSAID = re.compile(r"[\ud800-\udfff\ue000-\uf8ff]")  # surrogates alone, private use
_SPACE = re.compile(r"(?<!\d)[ \t\r\f\v\u2000-\u200f]+|[ \t\r\f\v\u2000-\u200f]+(?!\d)")
_WRAPPING = re.compile(r"[《》〈〉「」『』【】〔〕\[\](){}“”„‘’'\"`#@^_|\\]")
_TO = re.compile(r"(?<=[\d元%℃])[—―]+(?=\d)")
_CLOCK_MARK = re.compile(r"(?<=\d)：(?=\d)")
_PER = re.compile(r"(?<=[元块角分千百万亿零一二三四五六七八九十米克里升焦卡次])/(?=[一-鿿])")
_DASHES = re.compile("[—―]+")
_DOTS = re.compile(r"\.{3,}")
_RUN = re.compile(rf"([{MARKS}])[{MARKS}]+")
_HAN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@cache
def _simplifier() -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def simplified(text: Traced) -> Traced:
    """Traditional characters become simplified ones; phrases are known to the converter, lengths stay."""
    convert = _simplifier()
    new = convert(text.text)
    if len(new) != len(text):
        new = "".join(convert(char)[:1] or char for char in text.text)
    return Traced(new, text.origin)


def normalised(written: Traced, known: Callable[[str], bool]) -> tuple[Traced, frozenset[int]]:
    """The text in characters that `known` has a reading for and the six marks, and where 一 is plain yi1."""
    text = written.sub(_UNSAID, "").translate(_WIDE)
    if not text.text.isascii():
        text = Traced("".join(_ascii_digit(char) for char in text.text), text.origin)
        text = simplified(text)
    text = text.sub(_CLOCK_MARK, ":").sub(_WRAPPING, WALL).sub(_SPACE, "").sub(_TO, "~").sub(_DOTS, "…")
    text = figures.spelled(text).sub(_PER, "每").sub(_DASHES, "").translate(_SIGNS).translate(_ENDS)
    text = text.keep(lambda char: char in MARKS or char == ONE or known(char)).sub(_RUN, r"\1")
    plain = frozenset(i for i, char in enumerate(text.text) if char == ONE)
    return Traced(text.text.replace(ONE, "一"), text.origin), plain


def _ascii_digit(char: str) -> str:
    return str(unicodedata.decimal(char)) if char > "\x7f" and char.isdecimal() else char
