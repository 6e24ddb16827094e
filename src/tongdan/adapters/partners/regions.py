"""Provinces by their short names (浙江, 内蒙古), however a partner writes them.

The region of an order is part of its facts, where personal data may not go: so it is one of these names or
nothing.
"""

from functools import lru_cache
from typing import Final

_NAMES: Final = (
    "北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 上海 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 广西 海南 "
    "重庆 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆 台湾 香港 澳门"
)
PROVINCES: Final = frozenset(_NAMES.split())
_SUFFIXES: Final = ("特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市")


@lru_cache(maxsize=1_024)
def region_of(province: str) -> str:
    """`浙江省`, `浙江` → `浙江`; "" for what is no province."""
    name = province.strip()
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name if name in PROVINCES else ""
