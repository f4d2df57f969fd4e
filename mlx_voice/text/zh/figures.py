"""How figures are said in Chinese: a rule for each kind, in order, on what those before left as digits."""

import re
from collections.abc import Callable
from functools import cache

from mlx_voice.text.reading import Traced
from mlx_voice.text.units import UNIT, UNITS
from mlx_voice.text.zh.numbers import ONE, PHONE, cardinal, digits, number

Match = re.Match[str]
Rule = tuple[str, Callable[[Match], str]]

N = r"(?<![\d.])\d+(?:\.\d+)?"  # begins only where a figure begins, so that long ones cost linear time
BIG = "万亿|千亿|百亿|十亿|亿|千万|百万|十万|万|千|百"
MONTH = r"(?:1[0-2]|0?[1-9])"
DAY = r"(?:[12]\d|3[01]|0?[1-9])"
CLOCK = r"(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?"
WON = (
    "的比分|战胜|击败|取胜|获胜|大胜|小胜|险胜|完胜|惜败|战平|结束|领先|落后|负|输|赢|胜|力克|横扫|逆转|拿下"
)
CLAIMS = (
    "等于|大约|约|超过|达到|高达|多达|达|总共|一共|共|总计|合计|大于|小于|不到|将近|接近|近|至少|最多|不足|突破|加|减|乘|"
    "除以"
)
_COUNTED = (
    "小时|分钟|秒钟|千米|分米|公里|公斤|公顷|公分|毫克|微克|平米|平方|立方|英里|英寸|英尺|美元|欧元|英镑|日元|港元|澳元|"
    "韩元|卢布|世纪|年级|人次|连胜"
)
_COUNTED_BY_ONE = (
    "个处台架枚趟幅平方堵间床株批项例列篇栋亩封艘把目套段人所朵匹张座回场尾条首阙阵网炮顶丘棵只支袭辆挑担颗壳窠曲墙群腔"
    "砣客贯扎捆刀令打手罗坡山岭江溪钟队单双对出口头脚板跳枝件贴针线管名位身堂课本页家户层丝毫厘分钱两斤铢石钧锱忽寸尺丈"
    "里寻常铺程米撮勺合升斗盘碗碟叠桶笼盆盒杯斛锅簋篮罐瓶壶卮盏箩箱煲啖袋钵年月日季刻时周天秒旬纪岁世更夜春夏秋冬代伏辈"
    "丸泡粒幢堆根道面片块元吨角毛次遍倍种份部款届期轮门步句字圈滴节章卷集级册组票股点克瓦蚊成折员帧阶瓣串排团伙帮派幕番顿"
    "档包筐车船县市省国校"
)
_NAMES = sorted({*UNITS.values(), *_COUNTED.split("|")}, key=len, reverse=True)
MEASURE = f"(?:{BIG}|{'|'.join(_NAMES)}|[{_COUNTED_BY_ONE}])"
MONEY = {"$": "美元", "US$": "美元", "HK$": "港元", "€": "欧元", "£": "英镑", "￥": "元", "¥": "元"}
SIGNS = {"+": "加", "-": "减", "×": "乘", "*": "乘", "÷": "除以", "/": "除以", "=": "等于"}
RAISED = {raised: str(i) for i, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {"⁻": "-"}


def _plain(figure: str) -> str:
    return cardinal(str(int(figure)))


def _full_date(match: Match) -> str:
    year, _, month, day = match.groups()
    return f"{digits(year)}年{_plain(month)}月{_plain(day)}日"


def _date(match: Match) -> str:
    year, month, day, mark = match.groups()
    return (f"{digits(year)}年" if year else "") + f"{_plain(month)}月" + (_plain(day) + mark if day else "")


def _year(match: Match) -> str:
    """2024年, 98年, 08年 and 公元前221年 are names; 20年 and 3000年 are spans of time."""
    era, year = match.groups()
    value = int(year)
    before = match.string[match.start() - 1 : match.start()]
    named = bool(era) or year[0] == "0"
    if len(year) == 4:
        named |= value < 2200 and (value % 1000 > 0 or value == 2000)
    else:
        named |= value % 10 > 0 and (71 <= value <= 99 or before in (*"于在自从至",))
    return (era or "") + (digits(year) if named else cardinal(year, "一")) + "年"


def _time(clock: str) -> str:
    hour, minute, *second = clock.split(":")
    said = ("两" if hour == "2" else _plain(hour)) + "点"
    if minute == "30" and not second:
        said += "半"
    elif int(minute) or second:
        said += (cardinal(minute) if int(minute) else "零") + "分"
    return said + (_plain(second[0]) + "秒" if second else "")


def _money(match: Match) -> str:
    sign, amount, big, named = match.groups()
    return number(amount.replace(",", ""), "一") + (big or "") + (named or MONEY[sign])


def _percent(match: Match) -> str:
    base = {"%": "百", "‰": "千"}
    return ("负" if match[1] else "") + f"{base[match[3]]}分之{number(match[2])}"


def _temperature(match: Match) -> str:
    below, amount, unit = match.groups()
    name = "华氏度" if unit in ("°F", "℉", "华氏度") else "摄氏度" if unit == "摄氏度" else "度"
    return ("零下" if below else "") + number(amount, "一") + name


def _counted(match: Match) -> str:
    amount, more, measure = match.groups()
    ordinal = measure in ("世纪", "年级", "级", "期", "届", "卷", "册") or (
        measure == "点" and len(amount) > 1
    )
    said = "两" if amount == "2" and not ordinal else number(amount, ONE if ordinal else "一")
    return said + {"+": "多"}.get(more, more) + measure


def _sum(match: Match) -> str:
    """3-5 and 3/5 alone are no sums."""
    difference = "-" in match[0][1:] and match.string.startswith("等于", match.end())
    if not difference and not re.search("[+×*÷=]", match[0]):
        return match[0]
    parts = re.split(r"(?<=\d)([+\-×*÷/=])", match[0])
    return "".join(SIGNS[part] if i % 2 else number(part) for i, part in enumerate(parts))


def _fraction(match: Match) -> str:
    """120/80 is a blood pressure or the like, no fraction."""
    above, below = match.groups()
    if len(above) > 2 and float(above) > float(below):
        return f"{number(above)},{number(below)}"
    return f"{number(below)}分之{number(above)}"


def _power(match: Match) -> str:
    return f"{number(match[1])}的{number(''.join(RAISED[c] for c in match[2]))}次方"


def _phone(match: Match) -> str:
    groups = re.split(r"[- ]+", match[0].replace("+", "加"))
    return ",".join("".join(PHONE[int(c)] if c != "加" else c for c in group) for group in groups)


def _range(match: Match) -> str:
    below, left, unit, _, measure = match.groups()
    if unit in ("%", "‰"):
        return f"{below}{left}{unit}到"
    cold = re.compile(rf"-?{N}(?:℃|°C|度)").match(match.string, match.end())
    sign = ("零下" if cold or unit in ("℃", "°C") else "负") if below else ""
    return (
        sign
        + ("两" if left == "2" and (unit or measure) else number(left))
        + UNITS.get(unit, unit or "")
        + "到"
    )


def _default(match: Match) -> str:
    claim, figure = match[1] or "", match[2]
    return claim + (number(figure) if claim or "." in figure or len(figure) < 3 else digits(figure, PHONE))


RULES: list[Rule] = [
    (r"(?<=\d[年月日号])[-~](?=\d)", lambda _: "到"),
    (r"(?<![\d.-])(\d{1,2})[-~](?=\d{1,2}[月日号])", lambda m: f"{cardinal(m[1])}到"),
    (r"(?<![\d.])(\d+\.\d{17,})(?![\d.])", lambda m: number(m[1])),
    (r"\d{20,}", lambda m: digits(m[0], PHONE)),
    (rf"(US\$|HK\$|[$€£￥¥])(\d+(?:,\d{{3}})*(?:\.\d+)?)({BIG})?(美元|欧元|英镑|港元|日元|元)?", _money),
    (r"(?<![\d.,])(\d{1,3}(?:,\d{3})+(?:\.\d+)?)(?![\d,])", lambda m: number(m[1].replace(",", ""), "一")),
    (rf"(?<![\d.])([12]\d{{3}})([-/.])({MONTH})\2({DAY})(?!\d|[-/.]\d)", _full_date),
    (r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d)", lambda m: "点".join(digits(part) for part in m[0].split("."))),
    (rf"(?:(?<!\d)(\d{{4}}|\d{{2}})年)?(?<!\d)({MONTH})月(?:({DAY})([日号]))?", _date),
    (
        r"(?<!\d)((?:19|20)\d{2})[-~]((?:19|20)\d{2})(?=年|学年|赛季)",
        lambda m: f"{digits(m[1])}到{digits(m[2])}",
    ),
    (r"(公元前?|西元前?)?(?<!\d)(\d{2,4})年(?!级)", _year),
    (r"(?<!\d)((?:19|20)\d{2})(?=[届款级版]|赛季|财年|学年)", lambda m: digits(m[1])),
    (rf"(?<!\d)({DAY})([日号])", lambda m: _plain(m[1]) + m[2]),
    (r"(?<!\d)([05-9]\d)后(?![来面天续期])", lambda m: digits(m[1]) + "后"),
    (r"(?<![\d+])\+?(?:86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)", _phone),
    (r"(?<!\d)0\d{2,3}[- ]?[1-9]\d{2,3}[- ]?\d{4}(?:-\d{1,5})?(?!\d)", _phone),
    (r"(?<!\d)\d{3,4}-\d{3,4}-\d{3,4}(?!\d)", _phone),
    (r"(?<!\d)\d{3,}-0\d+(?!\d)", _phone),
    (rf"以(\d{{1,3}}):(\d{{1,3}})(?=(?:{WON}))", lambda m: f"以{_plain(m[1])}比{_plain(m[2])}"),
    (
        r"(比分|比数)([^\d。，]{0,3})(\d{1,3}):(\d{1,3})",
        lambda m: f"{m[1]}{m[2]}{_plain(m[3])}比{_plain(m[4])}",
    ),
    (rf"(?<![\d:])({CLOCK})[-~]({CLOCK})(?![\d:])", lambda m: f"{_time(m[1])}至{_time(m[2])}"),
    (rf"(?<![\d:])({CLOCK})(?![\d:])", lambda m: _time(m[1])),
    (rf"({N}):(\d+(?:\.\d+)?)", lambda m: f"{number(m[1])}比{number(m[2])}"),
    (r"第(\d+)", lambda m: "第" + cardinal(m[1])),
    (rf"-?{N}(?:[+\-×*÷/=]-?{N})+", _sum),
    (rf"({N})([⁻⁰¹²³⁴-⁹]+)", _power),
    (rf"({N})/({N})(?!/)", _fraction),
    (rf"(-?)({N})({UNIT}|{MEASURE}|[%‰])?[-~](?=-?({N})({MEASURE})?)", _range),
    (rf"(-?)({N})([%‰])", _percent),
    (rf"(-?)({N})(°C|℃|摄氏度|度|°F|℉|华氏度)", _temperature),
    (rf"(?<=\d){UNIT}", lambda m: UNITS[m[0]]),
    (rf"({N})([多余几+]?)({MEASURE})", _counted),
    (rf"({N})([多余几])", lambda m: number(m[1]) + m[2]),
    (r"(?<=\d[一-鿿])-(?=\d)", lambda _: "到"),
    (r"-(?=\d)", lambda _: "负"),
    (rf"({N})(?=[至到]\d)", lambda m: number(m[1])),
    (rf"({CLAIMS})?({N})", _default),
]


@cache
def _compiled() -> list[tuple[re.Pattern[str], Callable[[Match], str]]]:
    return [(re.compile(pattern), say) for pattern, say in RULES]


def spelled(text: Traced) -> Traced:
    """No digit is left."""
    if not re.search(r"\d", text.text):
        return text
    for pattern, say in _compiled():
        text = text.sub(pattern, say)
    return text
