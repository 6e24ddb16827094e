"""Where partners are reached and how they want to be addressed: `conf/partners.yml`, which holds no secret.

Secrets, and ids that come with them (app keys, serial numbers), are credentials; addresses are here, so
that a simulated world on loopback differs from the real one by this file only.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec


class WechatSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`notify_url`: our push port as WeChat Pay sees it, without the merchant; `merchants`: shop → mchid. `bills_at`:
    when, in China, the bills of the days before are fetched (HH:MM, "": never)."""

    base_url: str
    notify_url: str
    merchants: Mapping[str, str] = {}
    bills_at: str = ""


class Sender(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose parcel it is: printed on the waybill."""

    name: str
    mobile: str
    province: str
    city: str
    detail: str
    district: str = ""


class QimenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`wms` names the credential `qimen/{wms}`; `zone` is its clock; `carrier` is the one we ask for."""

    base_url: str
    wms: str
    zone: str
    owner_code: str
    carrier: str
    sender: Sender


class FinanceFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Finance's list of orders as a file: our name (name, amount, at, day, shop, reference) → its heading."""

    columns: Mapping[str, str | tuple[str, ...]]
    encoding: str = "auto"


class FinanceBooks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How finance counts: at which `url` it lists a day ("": nowhere), by which moment, when its day `closes` (HH:MM,
    "": midnight), what is a test to it, what share each channel keeps, and its names of shops → ours. `compare_at`:
    when, in China, the days before are compared by themselves (HH:MM, "": never).
    """

    url: str = ""
    compare_at: str = ""
    moment: Literal["paid", "placed"] = "paid"
    closes: str = ""
    test_shops: tuple[str, ...] = ()
    test_numbers: tuple[str, ...] = ()
    fees_bp: Mapping[str, int] = {}
    shops: Mapping[str, str] = {}
    file: FinanceFile | None = None


class FinanceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`system` names the credential `finance/{system}`; `zone` is the clock of the system, `books` how it counts.

    `status_url`: where `/order/{id}/status?sync=1` tells how it sees an order; "": nowhere.
    """

    base_url: str
    system: str
    zone: str
    books: FinanceBooks = FinanceBooks()
    status_url: str = ""


class SfSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`account` names the credential `sf/{account}`; the clock of the carrier stands in its map.

    `monthly_card` (月结卡号) pays for the numbers that the seller takes, if it is not the account's own.
    """

    base_url: str
    account: str
    monthly_card: str = ""


class CainiaoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`account` names the credential `cainiao/{account}`; `zone` is the gateway's clock; `user_id` the shop whose
    subscription pays (0: the account's own).
    """

    base_url: str
    account: str
    zone: str
    user_id: int = 0


class CainiaoLinkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cainiao's LINK gateway, which tells tracks; `account` names the credential `cainiao-link/{account}`."""

    base_url: str
    account: str


class SmsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Aliyun SMS. `account` names the credential `sms/{account}`; `zone` is the clock of its receipts."""

    base_url: str
    account: str
    zone: str


class WechatMiniSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Subscription messages of mini-programs; `apps`: shop → appid, of the credential `wechat-mini/{appid}`."""

    base_url: str
    apps: Mapping[str, str] = {}


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The seller's customer-service system; `system` names the credential `service/{system}`.

    `status_url`: where it tells which waybills of an order it has (as finance's does); "": nowhere.
    """

    base_url: str
    system: str
    status_url: str = ""


class ErpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an ERP takes orders: signed JSON (`webhook`), or Kingdee's WebAPI (`k3cloud`), of which the rest speaks:
    its clock, the organisation and bill type of sale orders, the material for freight, and shop → customer.

    `status_url`: where one of signed JSON tells how it sees an order (as finance's does); "": nowhere.
    """

    kind: Literal["webhook", "k3cloud"]
    base_url: str
    status_url: str = ""
    zone: str = "Asia/Shanghai"
    org: str = ""
    bill_type: str = "XSDD01_SYS"
    freight_material: str = ""
    customers: Mapping[str, str] = {}


class Partners(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `conf/partners.yml`. `channels`: where a channel is reached if not where its own map says, by its code.

    `senders`: who sends from a warehouse, by its code, if not `qimen.sender`.
    """

    channels: Mapping[str, str] = {}
    wechat: WechatSettings
    qimen: QimenSettings
    finance: FinanceSettings
    sf: SfSettings
    cainiao: CainiaoSettings | None = None
    cainiao_link: CainiaoLinkSettings | None = None
    sms: SmsSettings | None = None
    wechat_mini: WechatMiniSettings | None = None
    service: ServiceSettings | None = None
    senders: Mapping[str, Sender] = {}
    erps: Mapping[str, ErpSettings] = {}

    def sender(self, warehouse: str) -> Sender:
        return self.senders.get(warehouse, self.qimen.sender)
