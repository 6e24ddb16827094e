"""Whoever tells buyers and customer service, put in place with its half of the credentials."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tongdan.adapters.partners.settings import Partners
from tongdan.adapters.transport import Handler
from tongdan.labs.world.service import ServiceDesk
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.sms import SmsGateway
from tongdan.labs.world.wechat_mini import MiniPlatform


class Teller(NamedTuple):
    """Where one is reached, and what stands there."""

    url: str
    handler: Handler


class Tellers:
    """Those that are configured; `by_name` as faults and outages know them. None may be configured at all."""

    def __init__(
        self, setting: Setting, credentials: Mapping[str, Mapping[str, str]], partners: Partners, shop: str
    ) -> None:
        self.by_name: Final[dict[str, Teller]] = {}
        self.sms: SmsGateway | None = None
        self.mini: MiniPlatform | None = None
        self.service: ServiceDesk | None = None
        if (sms := partners.sms) is not None:
            self.sms = SmsGateway(setting, credentials[f"sms/{sms.account}"])
            self.by_name["sms"] = Teller(sms.base_url, self.sms.handle)
        if (mini := partners.wechat_mini) is not None and shop in mini.apps:
            appid = mini.apps[shop]
            self.mini = MiniPlatform(setting, appid, credentials[f"wechat-mini/{appid}"])
            self.by_name["wechat_mini"] = Teller(mini.base_url, self.mini.handle)
        if (service := partners.service) is not None:
            self.service = ServiceDesk(setting, credentials[f"service/{service.system}"]["secret"])
            self.by_name["service"] = Teller(service.base_url, self.service.handle)
