"""Qimen calls to the WMS: hand over a shipment (`deliveryorder.create`), call it back (`order.cancel`), ask for stock.

All are natural: the shipment id is the WMS's order code, and the same code means the same order. The receiver is put
in only here, on the way out; what a platform encrypted goes along unopened for whoever prints the waybill, and with a
number that the seller took goes its carrier. Source: Qimen API 26002 and 26000; times are local to the WMS, sums are
yuan with two decimals.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring
from zoneinfo import ZoneInfo

from defusedxml.ElementTree import fromstring

from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.qimen import PREFIX, sign, text_of
from tongdan.adapters.partners.qimen_stock import METHOD as STOCK_QUERY
from tongdan.adapters.partners.qimen_stock import stock_page, stock_query
from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.adapters.partners.settings import QimenSettings
from tongdan.domain.fulfillment.commands import RecordRecall, RecordWmsAccepted, RecordWmsRefused
from tongdan.domain.fulfillment.facts import CancelAtWms, PushToWms
from tongdan.domain.fulfillment.wms_stock import QueryStock
from tongdan.domain.kernel.messages import Command, Effect, Person
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.kernel.policy import Policy
from tongdan.ports import (
    Done,
    Errand,
    Failed,
    HttpRequest,
    HttpResponse,
    Repeat,
    Undo,
    Verb,
)

SALE: Final = "JYCK"  # 交易出库, an ordinary outbound order
COD: Final = "COD"  # orderFlag of 货到付款; arAmount is what the receiver still has to pay
# sourcePlatformCode: GW is the seller's own site
PLATFORMS: Final = {"DY": "DY", "PD": "PDD", "TB": "TB", "JD": "JD", "KS": "KS", "MP": "GW"}
# The gateway or the WMS does not know us: nothing is wrong with the order.
PARTNER_WIDE: Final = (
    "sign-check-failure",
    "invalid appkey",
    "invalid-app",
    "isp.",
    "isv.",
    "app-call-limited",
)
AWAY: Final = PARTNER_WIDE[:3]  # of these, what does not take our key
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# Qimen gives this answer no code of its own: a warehouse that never got the order will not send it either.
NEVER_HEARD_OF: Final = ("不存在", "not exist", "not found")


class QimenActor:
    """Calls with the credential `qimen/{wms}`: `app_key`, `secret`, `customer_id`."""

    def __init__(self, partner: str, settings: QimenSettings, policy: Policy, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            PushToWms: Verb(Repeat.NATURAL, Undo.COMPENSABLE),
            CancelAtWms: Verb(Repeat.NATURAL, Undo.IRREVERSIBLE),
            QueryStock: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
        }
        self._settings: Final = settings
        self._zone: Final = ZoneInfo(settings.zone)
        self._policy: Final = policy
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        match errand.effect:
            case PushToWms() as effect:
                return await self._push(errand, effect)
            case CancelAtWms() as effect:
                return await self._cancel(effect)
            case QueryStock() as effect:
                return await self._ask_stock(effect)
        return Failed(f"Qimen knows no {type(errand.effect).__name__}", final=True)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None

    async def _push(self, errand: Errand, effect: PushToWms) -> Done | Failed:
        person = errand.person()
        if person is None:
            return Failed("the receiver has been erased", final=True)
        said = await self._call("deliveryorder.create", self._delivery_order(effect, person))
        if isinstance(said, Failed):
            return said
        root, response = said
        command: Command
        if _succeeded(root):
            wms_order = text_of(root, "deliveryOrderId", 64) or effect.shipment
            command = RecordWmsAccepted(shipment=effect.shipment, wms_order=wms_order)
        else:
            command = RecordWmsRefused(shipment=effect.shipment, reason=without(person, _complaint(root)))
        return Done(command, response.body)

    async def _cancel(self, effect: CancelAtWms) -> Done | Failed:
        request = Element("request")
        _put(
            request,
            warehouseCode=effect.warehouse,
            ownerCode=self._settings.owner_code,
            orderCode=effect.shipment,
            orderType=SALE,
            cancelReason=effect.reason,
        )
        said = await self._call("order.cancel", request)
        if isinstance(said, Failed):
            return said
        root, response = said
        reason = "" if _succeeded(root) else _complaint(root)
        stopped = not reason or any(word in reason.lower() for word in NEVER_HEARD_OF)
        return Done(RecordRecall(shipment=effect.shipment, stopped=stopped, reason=reason), response.body)

    async def _ask_stock(self, effect: QueryStock) -> Done | Failed:
        said = await self._call(STOCK_QUERY, stock_query(effect, self._settings.owner_code))
        if isinstance(said, Failed):
            return said
        root, _ = said
        if not _succeeded(root):
            return Failed(_complaint(root), final=True)
        try:
            return Done(None, found=stock_page(root, effect))
        except UNREADABLE as error:
            return Failed(f"no stock can be read from the answer: {reason_of(error)}", final=True)

    async def _call(self, method: str, content: Element) -> tuple[Element, HttpResponse] | Failed:
        """The WMS's answer, whether yes or no; a Failed when it did not consider the call."""
        name = f"qimen/{self._settings.wms}"
        fields = fields_of(self._wire, name, "app_key", "secret", "customer_id")
        if isinstance(fields, Failed):
            return fields
        app_key, secret, customer = fields
        body = tostring(content, encoding="utf-8", xml_declaration=True)
        query = {
            "method": PREFIX + method,
            "timestamp": self._local(self._wire.clock.now()),
            "format": "xml",
            "app_key": app_key,
            "v": "2.0",
            "sign_method": "md5",
            "customerId": customer,
        }
        query["sign"] = sign(query, body, secret)
        request = HttpRequest(
            method="POST",
            url=f"{self._settings.base_url}?{urlencode(query)}",
            headers={"content-type": "text/xml;charset=utf-8"},
            body=body,
        )
        response = await exchange(self._wire, request)
        if isinstance(response, Failed):
            return response
        try:
            root: Element = fromstring(response.body, forbid_dtd=True)
            code = text_of(root, "errorCode") or text_of(root, "code")
            known = text_of(root, "flag", 16) or text_of(root, "success", 16)
            complaint = "" if _succeeded(root) else f"{code} {text_of(root, 'message', 2_000)}".lower()
        except (ParseError, LookupError, *UNREADABLE):
            known = complaint = ""
        if response.status == UNAUTHORIZED:
            return Failed("Qimen refused the call: HTTP 401", partner_wide=True, turned_away=True)
        if not known or response.status >= 400:
            return Failed(f"HTTP {response.status}: no Qimen answer", partner_wide=True, unknown=True)
        if any(word in complaint for word in PARTNER_WIDE):
            away = any(word in complaint for word in AWAY)
            return Failed(f"Qimen refused the call: {code}", partner_wide=True, turned_away=away)
        return root, response

    def _delivery_order(self, effect: PushToWms, person: Person) -> Element:
        shop = self._policy.shops.get(effect.shop)
        now, sender = self._local(self._wire.clock.now()), self._settings.sender
        request = Element("request")
        order = SubElement(request, "deliveryOrder")
        _put(
            order,
            deliveryOrderCode=effect.shipment,
            orderType=SALE,
            warehouseCode=effect.warehouse,
            sourcePlatformCode=PLATFORMS.get(effect.channel, "OTHERS"),
            createTime=now,
            placeOrderTime=self._local(effect.placed_at),
            operateTime=now,
            shopNick=shop.name if shop else effect.shop,
            logisticsCode=effect.carrier or self._settings.carrier,
            **({"expressCode": effect.waybill} if effect.waybill else {}),
        )
        if effect.collect_fen:
            _put(order, orderFlag=COD, arAmount=yuan_from_fen(effect.collect_fen))
        _put(
            SubElement(order, "senderInfo"),
            name=sender.name,
            mobile=sender.mobile,
            province=sender.province,
            city=sender.city,
            detailAddress=sender.detail,
        )
        _put_receiver(order, person, effect.native)
        lines = SubElement(request, "orderLines")
        several = any(item.order not in ("", effect.order) for item in effect.items)
        for no, item in enumerate(effect.items, 1):
            _put(
                SubElement(lines, "orderLine"),
                # Two orders' lines may bear one number; in a parcel of both each needs its own.
                orderLineNo=str(no if several else item.line),
                sourceOrderCode=item.native or effect.native,
                ownerCode=self._settings.owner_code,
                itemCode=item.sku,
                planQty=str(item.units),
                # The price of one unit, for the packing slip; rounded, so nothing is ever posted from it.
                actualPrice=yuan_from_fen(item.amount_fen // max(item.units, 1)),
            )
        return request

    def _local(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")


def without(person: Person, text: str) -> str:
    """A partner's complaint without what it may quote of the receiver, for it becomes part of a fact."""
    for value in sorted({person.name, person.phone, person.detail, person.buyer}, key=len, reverse=True):
        if value:
            text = text.replace(value, "…")
    return text


def _put(node: Element, **fields: str) -> None:
    """Children in the order given. Characters no XML may hold are left out: a name must not stop a parcel."""
    for name, value in fields.items():
        SubElement(node, name).text = _NOT_XML.sub("", value)


def _put_receiver(order: Element, person: Person, native: str) -> None:
    receiver = SubElement(order, "receiverInfo")
    _put(
        receiver,
        name=person.name,
        mobile=person.phone,
        province=person.province,
        city=person.city,
        area=person.district,
        detailAddress=person.detail,
    )
    if person.sealed:
        _put(order, oaidOrderSourceCode=native)
        _put(SubElement(receiver, "extendProps"), **person.sealed)


def _succeeded(root: Element) -> bool:
    return text_of(root, "flag", 16) == "success"


def _complaint(root: Element) -> str:
    return f"{text_of(root, 'code')} {(root.findtext('message') or '').strip()[:200]}".strip()
