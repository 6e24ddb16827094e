"""The platforms of the world, each with its one shop, its gateway and its share of what is bought.

A further platform is two lines in `Platforms` and one in `SHARES`. Example Market is there if the configuration has it.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from tongdan.adapters.partners import CHANNELS
from tongdan.domain.kernel.policy import Shop
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.douyin import Douyin
from tongdan.labs.world.douyin_api import DouyinApi
from tongdan.labs.world.gateway import Gateway
from tongdan.labs.world.jd import Jd
from tongdan.labs.world.jd_api import JdApi
from tongdan.labs.world.kuaishou import Kuaishou
from tongdan.labs.world.kuaishou_api import KuaishouApi
from tongdan.labs.world.market import Market
from tongdan.labs.world.market_api import MarketApi
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.people import Buyer
from tongdan.labs.world.pinduoduo import Pinduoduo
from tongdan.labs.world.pinduoduo_api import PinduoduoApi
from tongdan.labs.world.provision import Credentials
from tongdan.labs.world.retail import Basket
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.sold import Sold
from tongdan.labs.world.taobao import Taobao
from tongdan.labs.world.taobao_api import TaobaoApi

# Of all baskets; the rest is bought in the own shop.
SHARES: Final = {"DY": 0.32, "PD": 0.12, "TB": 0.12, "JD": 0.1, "KS": 0.08}
BY_MAP: Final = "XX"
NAMES: Final = {channel.code: channel.name for channel in CHANNELS} | {BY_MAP: MarketApi.name}


class Platform(Protocol):
    """Where orders are bought, each known by the platform's number."""

    @property
    def orders(self) -> Mapping[str, Sold]: ...

    @property
    def outbox(self) -> Outbox[Any]: ...

    def number(self, day: int, no: int, stream: Stream) -> str:
        """Of the day's order `no` (0…99,999)."""

    def place(self, id: str, basket: Basket, buyer: Buyer) -> Sold:
        """A buyer orders; from here on the order lives by itself."""


class Platforms:
    """`by_code` and `gateways` are by the channel's code."""

    def __init__(
        self, setting: Setting, carrier: Carrier, shops: Mapping[str, Shop], credentials: Credentials
    ) -> None:
        app = {code: credentials[f"{name}/{shops[code].id}"] for code, name in NAMES.items() if code in shops}
        self.douyin: Final = Douyin(setting, carrier, shops["DY"], app["DY"])
        self.pinduoduo: Final = Pinduoduo(setting, carrier, shops["PD"], app["PD"])
        self.taobao: Final = Taobao(setting, carrier, shops["TB"], app["TB"])
        self.jd: Final = Jd(setting, carrier, shops["JD"], app["JD"])
        self.kuaishou: Final = Kuaishou(setting, carrier, shops["KS"], app["KS"])
        self.by_code: Final[dict[str, Platform]] = {
            "DY": self.douyin,
            "PD": self.pinduoduo,
            "TB": self.taobao,
            "JD": self.jd,
            "KS": self.kuaishou,
        }
        self.gateways: Final[dict[str, Gateway]] = {
            "DY": DouyinApi(setting, carrier, self.douyin, app["DY"]),
            "PD": PinduoduoApi(setting, carrier, self.pinduoduo, app["PD"]),
            "TB": TaobaoApi(setting, carrier, self.taobao, app["TB"]),
            "JD": JdApi(setting, carrier, self.jd, app["JD"]),
            "KS": KuaishouApi(setting, carrier, self.kuaishou, app["KS"]),
        }
        if BY_MAP in shops:
            market = self.by_code[BY_MAP] = Market(setting, carrier, shops[BY_MAP], app[BY_MAP])
            self.gateways[BY_MAP] = MarketApi(setting, carrier, market, app[BY_MAP])
