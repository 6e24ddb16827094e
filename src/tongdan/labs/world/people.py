"""The people who buy: invented, one per household, always the same under the same seed.

Their telephone numbers begin with 120, which no Chinese mobile network was ever given, so none of them is
anybody's.
"""

from typing import Final, NamedTuple

from tongdan.labs.world.chance import Stream

_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高卢"
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰"
_PLACES: Final = (
    ("浙江省", "杭州市", "余杭区", "良渚街道"),
    ("上海市", "上海市", "浦东新区", "张江镇"),
    ("江苏省", "南京市", "鼓楼区", "湖南路"),
    ("广东省", "深圳市", "南山区", "粤海街道"),
    ("广东省", "广州市", "天河区", "石牌街道"),
    ("福建省", "厦门市", "思明区", "莲前街道"),
    ("北京市", "北京市", "朝阳区", "望京街道"),
    ("天津市", "天津市", "南开区", "学府街道"),
    ("山东省", "青岛市", "市南区", "香港中路"),
    ("四川省", "成都市", "武侯区", "桂溪街道"),
    ("重庆市", "重庆市", "渝中区", "解放碑街道"),
    ("新疆维吾尔自治区", "乌鲁木齐市", "天山区", "新华北路"),
)


class Buyer(NamedTuple):
    """Somebody who buys. `openid` is who they are to WeChat Pay, `id` to the shops."""

    id: str
    openid: str
    name: str
    phone: str
    province: str
    city: str
    district: str
    street: str
    detail: str


def buyer_of(seed: int, household: str) -> Buyer:
    """The buyer of a household, at the address they first gave."""
    stream = Stream(seed, "buyer", household)
    name = stream.pick(_SURNAMES) + "".join(stream.pick(_GIVEN) for _ in range(stream.whole(1, 2)))
    openid = f"o{stream.token(13).hex()}"
    return Buyer(f"U{household}", openid, name, f"120{stream.digits(8)}", *_address(stream))


def moved(seed: int, buyer: Buyer) -> Buyer:
    """The same buyer at the address they change to after ordering: the next house in the same place."""
    stream = Stream(seed, "moved", buyer.id)
    return buyer._replace(detail=f"{stream.whole(1, 999)} 号 {stream.whole(1, 40)} 室（新址）")


def _address(stream: Stream) -> tuple[str, str, str, str, str]:
    province, city, district, street = stream.pick(_PLACES)
    detail = f"{stream.whole(1, 999)} 号 {stream.whole(1, 20)} 幢 {stream.whole(101, 2_804)} 室"
    return province, city, district, street, detail
