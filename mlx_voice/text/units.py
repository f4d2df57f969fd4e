"""Units that are written in Latin letters or signs after a figure, and their Chinese names."""

import re

UNITS = {
    "km²": "平方千米", "km2": "平方千米", "cm²": "平方厘米", "cm2": "平方厘米", "cm³": "立方厘米",
    "cm3": "立方厘米", "mm²": "平方毫米", "mm2": "平方毫米", "m²": "平方米", "m2": "平方米", "m³": "立方米",
    "m3": "立方米", "㎡": "平方米", "㎥": "立方米", "km/h": "千米每小时", "m/s": "米每秒",
    "km": "千米", "㎞": "千米", "cm": "厘米", "㎝": "厘米", "mm": "毫米", "㎜": "毫米", "m": "米",
    "μm": "微米", "um": "微米", "nm": "纳米", "kg": "千克", "㎏": "千克", "mg": "毫克", "㎎": "毫克",
    "g": "克",
    "ml": "毫升", "mL": "毫升", "㏄": "毫升", "L": "升", "h": "小时", "min": "分钟", "s": "秒", "ms": "毫秒",
    "db": "分贝", "dB": "分贝", "Hz": "赫兹", "kHz": "千赫兹", "MHz": "兆赫兹", "GHz": "吉赫兹",
    "W": "瓦", "kW": "千瓦", "KW": "千瓦", "MW": "兆瓦", "kWh": "千瓦时", "V": "伏", "mA": "毫安",
    "mAh": "毫安时", "Pa": "帕", "kPa": "千帕", "MPa": "兆帕", "kJ": "千焦", "kcal": "千卡", "KM": "千米",
    "KG": "千克", "Kg": "千克", "CM": "厘米", "MM": "毫米", "ML": "毫升", "°C": "摄氏度", "℃": "摄氏度",
    "°F": "华氏度", "℉": "华氏度",
}  # fmt: skip
LONGEST_FIRST = sorted(UNITS, key=len, reverse=True)
UNIT = rf"(?:{'|'.join(map(re.escape, LONGEST_FIRST))})(?![A-Za-z0-9²³])"
