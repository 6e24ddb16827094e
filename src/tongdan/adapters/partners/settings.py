"""Where partners are reached and how they want to be addressed: `conf/partners.yml`, which holds no secret.

Secrets, and ids that come with them (app keys, serial numbers), are credentials; addresses are here, so
that a simulated world on loopback differs from the real one by this file only.
"""

from collections.abc import Mapping

import msgspec


class WechatSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`notify_url`: our push port as WeChat Pay sees it, without the merchant; `merchants`: shop → mchid."""

    base_url: str
    notify_url: str
    merchants: Mapping[str, str] = {}


class Sender(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose parcel it is: printed on the waybill."""

    name: str
    mobile: str
    province: str
    city: str
    detail: str


class QimenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`wms` names the credential `qimen/{wms}`; `zone` is its clock; `carrier` is the one we ask for."""

    base_url: str
    wms: str
    zone: str
    owner_code: str
    carrier: str
    sender: Sender


class FinanceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`system` names the credential `finance/{system}`; `zone` is the clock of the system."""

    base_url: str
    system: str
    zone: str


class SfSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`account` names the credential `sf/{account}`; the clock of the carrier stands in its map."""

    base_url: str
    account: str


class Partners(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `conf/partners.yml`. `channels`: where a channel is reached if not where its own map says, by its code."""

    channels: Mapping[str, str] = {}
    wechat: WechatSettings
    qimen: QimenSettings
    finance: FinanceSettings
    sf: SfSettings
