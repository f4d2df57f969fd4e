"""Chinese as people write it, and how it is said."""

from functools import cache
from itertools import accumulate, pairwise

import pytest

from mlx_voice.text.lexicon import Lexicon
from mlx_voice.text.reading import Context, Traced
from mlx_voice.text.symbols import load
from mlx_voice.text.zh import pinyin, read, syllables
from mlx_voice.text.zh.normal import normalised
from mlx_voice.text.zh.numbers import ONE, cardinal, number

SAID = [
    ("现在是下午2:30", "现在是下午两点半"),
    ("9:05开门，17:30关门", "九点零五分开门,十七点半关门"),
    ("12:00:30", "十二点零分三十秒"),
    ("2024年3月5日", "二零二四年三月五日"),
    ("2024-03-05和2024/3/5", "二零二四年三月五日和二零二四年三月五日"),
    ("工作了20年，98年毕业，公元前221年", "工作了二十年,九八年毕业,公元前二二一年"),
    ("3月1日-5日", "三月一日到五日"),
    ("90后和00后", "九零后和零零后"),
    ("5℃，-10°C，100度，80℉", "五度,零下十度,一百度,八十华氏度"),
    ("-5~3℃", "零下五到三度"),
    ("涨了2.35%，降了10%-15%，3‰", "涨了百分之二点三五,降了百分之十到百分之十五,千分之三"),
    ("¥199.9元，$1,234，€5，￥3万", "一百九十九点九元,一千二百三十四美元,五欧元,三万元"),
    ("29.9元/斤", "二十九点九元每斤"),
    ("1,234人，1200万元，1.2亿", "一千二百三十四人,一千二百万元,一点二亿"),
    ("13812345678", "幺三八幺二三四五六七八"),
    ("138-1234-5678", "幺三八,幺二三四,五六七八"),
    ("010-62345678，400-820-8820", "零幺零,六二三四五六七八,四零零,八二零,八八二零"),
    ("503室，房间号是2046", "五零三室,房间号是二零四六"),
    ("1/2，3/4", "二分之一,四分之三"),
    ("1+1=2，3×4=12，8÷2=4，5-3=2", "一加一等于二,三乘四等于十二,八除以二等于四,五减三等于二"),
    ("10²", "十的二次方"),
    ("3:2获胜，16:9", "三比二获胜,十六比九"),
    ("比分是21:15，以3:02结束", "比分是二十一比十五,以三比二结束"),
    ("3.6km，5kg，500ml，120m²，60km/h", "三点六千米,五千克,五百毫升,一百二十平方米,六十千米每小时"),
    ("2个人，2只猫，第2名，2月2日，2年级", "两个人,两只猫,第二名,二月二日,二年级"),
    ("100~200元，3-5天，2-3个", "一百到二百元,三到五天,两到三个"),
    ("版本1.2.3，3.14159", "版本一点二点三,三点一四一五九"),
    ("1000多人，100+个", "一千多人,一百多个"),
    ("①开始②结束", "一开始二结束"),
    ("α、β、π", "阿尔法,贝塔,派"),
    ("２０２４年，ＡＢ", "二零二四年,"),
    ("١٢٣个", "一百二十三个"),
    ("臺灣的氣候", "台湾的气候"),
    ("“你……你不会吧！！！”", "你…你不会吧!"),
    ("《红楼梦》——名著；好～～～", "红楼梦名著,好…"),
    ("你 好 世 界", "你好世界"),
    ("二〇二四", "二零二四"),
]


@pytest.mark.parametrize(("written", "said"), SAID)
def test_normalisation(written: str, said: str) -> None:
    assert normalised(Traced.of(written), pinyin.known)[0].text == said


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        *[
            ("0", "零"),
            ("10", "十"),
            ("12", "十二"),
            ("110", "一百一十"),
            ("1001", "一千零一"),
            ("10010", "一万零一十"),
        ],
        *[("120000", "十二万"), ("100000001", "一亿零一"), ("007", "零零七"), ("1" * 40, "一" * 40)],
    ],
)
def test_cardinals(figure: str, said: str) -> None:
    assert cardinal(figure).replace(ONE, "一") == said


def test_decimals_say_every_figure() -> None:
    assert number("-2.50") == "负二点五零"


def spoken(text: str) -> str:
    """The pinyin of each character, as spoken."""
    reading = read(text, Context())
    ends = [*accumulate(reading.word2ph or (), initial=0)]
    return " ".join(_pinyin()[reading.phones[a:b]] for a, b in pairwise(ends))


@cache
def _pinyin() -> dict[tuple[str, ...], str]:
    """Phones -> the syllable or mark they stand for."""
    plain = {pinyin.phrase(chr(code))[0].rstrip("12345") for code in range(0x4E00, 0x9FA6)} | {"dei"}
    plain -= {"hm", "hng", "m", "n", "ng"}
    every = {f"{syllable}{tone}" for syllable in plain for tone in range(1, 6)}
    return {phones: s for s in every if (phones := syllables.phones(s))} | {(mark,): mark for mark in ",.!?"}


READ = [
    ("长江很长，孩子长高了", "chang2 jiang1 hen3 chang2 , hai2 zi5 zhang3 gao1 le5"),
    ("两只小狗，只有一只", "liang3 zhi1 xiao2 gou3 , zhi2 you3 yi4 zhi1"),
    ("这只是开始", "zhe4 zhi3 shi4 kai1 shi3"),
    ("还没还钱", "hai2 mei2 huan2 qian2"),
    ("他教数学，教室", "ta1 jiao1 shu4 xue2 , jiao4 shi4"),
    ("头发干了，干什么", "tou2 fa5 gan1 le5 , gan4 shen2 me5"),
    ("地里种了三种菜", "di4 li3 zhong4 le5 san1 zhong3 cai4"),
    ("弹吉他，一颗子弹", "tan2 ji2 ta5 , yi4 ke1 zi3 dan4"),
    ("他高兴地说，快活地笑", "ta1 gao1 xing4 de5 shuo1 , kuai4 huo5 de5 xiao4"),
    ("根据地在这块地里", "gen1 ju4 di4 zai4 zhe4 kuai4 di4 li3"),
    ("轻轻地走在土地上", "qing1 qing1 de5 zou3 zai4 tu3 di4 shang4"),
    ("你得快跑，跑得快，得了奖", "ni2 dei3 kuai4 pao3 , pao3 de5 kuai4 , de2 le5 jiang3"),
    ("第一名，十一月一日，一点五", "di4 yi1 ming2 , shi2 yi1 yue4 yi1 ri4 , yi1 dian3 wu3"),
    ("一天，一次，看一看，统一", "yi4 tian1 , yi2 ci4 , kan4 yi5 kan4 , tong3 yi1"),
    ("不去，不来，好不好", "bu2 qu4 , bu4 lai2 , hao3 bu5 hao3"),
    ("你好，展览馆", "ni2 hao3 , zhan2 lan2 guan3"),
    ("妈妈的葡萄", "ma1 ma5 de5 pu2 tao5"),
    ("曾先生曾经来过", "zeng1 xian1 sheng5 ceng2 jing1 lai2 guo4"),
    ("睡着了，穿着衣服", "shui4 zhao2 le5 , chuan1 zhe5 yi1 fu5"),
    ("银行行长在行走", "yin2 hang2 hang2 zhang3 zai4 xing2 zou3"),
]


@pytest.mark.parametrize(("written", "pinyin"), READ)
def test_readings(written: str, pinyin: str) -> None:
    assert spoken(written) == pinyin


def test_er_takes_the_tone_before_it_unless_it_is_a_syllable() -> None:
    assert spoken("玩儿，女儿").replace("er", "er") == "wan2 er2 , nv3 er2"
    assert spoken("歌儿") == "ge1 er1"


def test_each_character_has_its_phones_and_its_place() -> None:
    reading = read("花了12元", Context())
    assert reading.text == "花了十二元"
    assert reading.word2ph == (2,) * 5
    assert reading.origin == ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5))
    assert read("100元", Context()).origin == ((0, 3), (0, 3), (3, 4))


def test_the_user_knows_better() -> None:
    assert spoken("角色") == "jue2 se4"
    context = Context(lexicon=Lexicon.of({"角色": "jiao3 se4"}))
    assert read("主要角色", context).phones[4:] == ("j", "iao3", "s", "e4")
    assert read("角色", Context(fixed={0: "jiao3"})).phones == ("j", "iao3", "s", "e4")


def test_a_reading_that_is_no_syllable_changes_nothing() -> None:
    assert read("角色", Context(fixed={0: "xyz3"})).phones == ("j", "ve2", "s", "e4")


def test_every_character_with_a_reading_has_phones_the_networks_know() -> None:
    table = load("v1")
    for code in range(0x3400, 0x30000):
        if pinyin.known(chr(code)):
            phones = syllables.phones(pinyin.phrase(chr(code))[0])
            assert phones and all(phone in table for phone in phones), chr(code)
