"""What Taobao's gateway answers: a trade, what has changed in a span, and the seller's word that a parcel has left.

It checks its callers as the platform does (all parameters signed, a fresh local timestamp, a known session), answers
HTTP 200 whatever it says, gives only the fields that were asked for, and lists the trade changed last first. That a
line stays open while its `consign_status` says "partly" is our reading of the platform's kits.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.labs.world.after_sale_words import TaobaoWords
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.douyin import cipher, mask
from tongdan.labs.world.gateway import Refused, TopGateway, instant, local, only
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.shelf import taobao
from tongdan.labs.world.taobao import (
    CLOSED_UNPAID,
    PARTLY,
    REFUNDED,
    SHIPPED,
    TO_SHIP,
    Taobao,
    TaobaoLine,
    TaobaoTrade,
)

LONGEST_SPAN: Final = timedelta(days=1)
SHIP_WITHIN: Final = timedelta(days=2)
LIST: Final = "taobao.trades.sold.increment.get"
DETAIL: Final = "taobao.trade.fullinfo.get"
SHIPPING: Final = "isv.logistics-offline-service-error"


class TaobaoApi(TopGateway):
    """The gateway, for the app it knows by the credential `app`."""

    name = "taobao"
    no_offer = (41, "isv.item-not-exist", "")
    listing = LIST
    detail = DETAIL

    def __init__(self, setting: Setting, carrier: Carrier, platform: Taobao, app: Mapping[str, str]) -> None:
        super().__init__(setting, app)
        self._carrier: Final = carrier
        self._platform: Final = platform
        self.after_sales = TaobaoWords(setting, platform)
        self._methods.update(self.after_sales.methods)
        self._methods.update(taobao(self.shelf))
        self._methods[DETAIL] = self._detail
        self._methods[LIST] = self._list
        self._methods["alibaba.ascp.logistics.offline.send"] = self._send

    def _order(self, said: Mapping[str, str]) -> str:
        return said.get("tid", "")

    def _trade(self, said: Mapping[str, str]) -> TaobaoTrade:
        trade = self._platform.orders.get(said["tid"])
        if trade is None:
            raise Refused(15, "isv.trade-not-exist")
        return trade

    def _detail(self, said: Mapping[str, str]) -> object:
        return {"trade": only(said["fields"], self._show(self._trade(said)))}

    def _list(self, said: Mapping[str, str]) -> object:
        since, until = instant(said["start_modified"]), instant(said["end_modified"])
        if not since <= until <= since + LONGEST_SPAN:
            raise Refused(41, "isv.invalid-parameter")
        found = [
            trade
            for trade in self._platform.orders.values()
            if since <= trade.updated_at.replace(microsecond=0) <= until
        ]
        count, shown = self._page(found, int(said["page_no"]), int(said["page_size"]))
        trades = [only(said["fields"], self._show(each)) for each in shown]
        return {"total_results": count, "trades": {"trade": trades}}

    def _send(self, said: Mapping[str, str]) -> object:
        trade = self._trade(said)
        (parcel,) = json.loads(said["consign_pkgs"])
        units = {str(goods["sub_tid"]): int(goods["num"]) for goods in parcel["goods"]}
        lines = {each.oid: each for each in trade.lines}
        waybill = parcel["out_sid"]
        if parcel["company_code"] != self._carrier.code_of(waybill) or not self._carrier.knows(waybill):
            raise Refused(15, f"{SHIPPING}:B60")
        if not set(units) <= set(lines) or any(units[oid] > lines[oid].line.units for oid in units):
            raise Refused(15, f"{SHIPPING}:CD24")
        open_ = {
            each["sub_tid"]
            for each in json.loads(said.get("consign_status", "[]"))
            if each["is_part_consign"]
        }
        anew = any(not lines[oid].closed for oid in units)
        if trade.status not in ((TO_SHIP, PARTLY) if anew else (TO_SHIP, PARTLY, SHIPPED)):
            raise Refused(15, f"{SHIPPING}:B04")
        if anew != (said["consign_type"] == "1"):
            raise Refused(15, f"{SHIPPING}:CD25")
        self._platform.parcel_left(trade, parcel["out_sid"], units, open_)
        return {"result": {"success": True}}

    def _show(self, trade: TaobaoTrade) -> dict[str, object]:
        """A trade in yuan and local time, its receiver masked; fields that have no value are left out."""
        buyer = trade.buyer
        whole = {
            "tid": int(trade.id),
            "type": "step" if trade.step else "guarantee_trade",
            "status": trade.status,
            "step_trade_status": trade.step,
            "created": local(trade.placed_at),
            "modified": local(trade.updated_at),
            "pay_time": local(trade.paid_at) if trade.paid_at else "",
            "payment": yuan_from_fen(trade.amount_fen),
            "post_fee": "0.00",
            "alipay_no": f"2026{trade.id[-12:]}" if trade.paid_at else "",
            "buyer_open_uid": f"AAH{buyer.openid[:20]}",
            "oaid": cipher(buyer.name + buyer.phone + buyer.detail),
            "receiver_name": mask(buyer.name),
            "receiver_mobile": mask(buyer.phone),
            "receiver_state": buyer.province,
            "receiver_city": buyer.city,
            "receiver_district": buyer.district,
            "receiver_town": buyer.street,
            "receiver_address": mask(buyer.detail),
            "orders": {"order": [_line(trade, each) for each in trade.lines]},
        }
        return {name: value for name, value in whole.items() if value != ""}


def _line(trade: TaobaoTrade, each: TaobaoLine) -> dict[str, Any]:
    over = trade.status in (CLOSED_UNPAID, REFUNDED)
    told = {"invoice_no": ",".join(each.waybills)} if each.waybills else {}
    return {
        "oid": int(each.oid),
        "num": each.line.units,
        "status": trade.status if over or not trade.paid_at else SHIPPED if each.closed else TO_SHIP,
        "total_fee": yuan_from_fen(each.line.amount_fen),
        "sku_id": str(int(hashlib.md5(each.line.sku.encode()).hexdigest()[:12], 16)),
        "num_iid": int(hashlib.md5(each.line.sku.encode()).hexdigest()[12:22], 16),
        "outer_sku_id": each.line.sku,
        "title": each.line.title,
        "delivery_time": local((trade.paid_at or trade.placed_at) + SHIP_WITHIN),
        **told,
    }
