"""Qimen calls to the WMS: hand over a shipment (`deliveryorder.create`), call it back (`order.cancel`), ask for stock.

All are natural: the shipment id is the WMS's order code, and the same code means the same order. The receiver is put
in only here, on the way out; what a platform encrypted goes along unopened for whoever prints the waybill, and with a
number that the seller took goes its carrier. Source: Qimen API 26002 and 26000; times are local to the WMS, sums are
yuan with two decimals.
"""

import re
from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.qimen import text_of
from tongdan.adapters.partners.qimen_line import NEVER_HEARD_OF, QimenLine, complaint, succeeded
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
    Repeat,
    Undo,
    Verb,
)

SALE: Final = "JYCK"  # 交易出库, an ordinary outbound order
COD: Final = "COD"  # orderFlag of 货到付款; arAmount is what the receiver still has to pay
# sourcePlatformCode: GW is the seller's own site
PLATFORMS: Final = {"DY": "DY", "PD": "PDD", "TB": "TB", "JD": "JD", "KS": "KS", "MP": "GW"}
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
        self._policy: Final = policy
        self._line: Final = QimenLine(settings, wire)

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
        said = await self._line.call("deliveryorder.create", self._delivery_order(effect, person))
        if isinstance(said, Failed):
            return said
        root, response = said
        command: Command
        if succeeded(root):
            wms_order = text_of(root, "deliveryOrderId", 64) or effect.shipment
            command = RecordWmsAccepted(shipment=effect.shipment, wms_order=wms_order)
        else:
            command = RecordWmsRefused(shipment=effect.shipment, reason=without(person, complaint(root)))
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
        said = await self._line.call("order.cancel", request)
        if isinstance(said, Failed):
            return said
        root, response = said
        reason = "" if succeeded(root) else complaint(root)
        stopped = not reason or any(word in reason.lower() for word in NEVER_HEARD_OF)
        return Done(RecordRecall(shipment=effect.shipment, stopped=stopped, reason=reason), response.body)

    async def _ask_stock(self, effect: QueryStock) -> Done | Failed:
        said = await self._line.call(STOCK_QUERY, stock_query(effect, self._settings.owner_code))
        if isinstance(said, Failed):
            return said
        root, _ = said
        if not succeeded(root):
            return Failed(complaint(root), final=True)
        try:
            return Done(None, found=stock_page(root, effect))
        except UNREADABLE as error:
            return Failed(f"no stock can be read from the answer: {reason_of(error)}", final=True)

    def _delivery_order(self, effect: PushToWms, person: Person) -> Element:
        shop = self._policy.shops.get(effect.shop)
        now, sender = self._line.now(), self._settings.sender
        request = Element("request")
        order = SubElement(request, "deliveryOrder")
        _put(
            order,
            deliveryOrderCode=effect.shipment,
            orderType=SALE,
            warehouseCode=effect.warehouse,
            sourcePlatformCode=PLATFORMS.get(effect.channel, "OTHERS"),
            createTime=now,
            placeOrderTime=self._line.local(effect.placed_at),
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
