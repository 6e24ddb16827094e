"""A Qimen WMS (奇门) that runs three warehouses: takes delivery orders, works on them, and reports every step.

Each warehouse has the habits of a real installation: the first is tidy; the second repeats the order code
as its `outBizCode`, leaves line numbers blank, plans 0, weighs nothing, confirms late; the third names no
items in its only parcel and signs in small letters. Times are local and carry no zone. Source: Qimen API 26000 to 26003
and recorded call-backs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring

from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.delivery import Delivery, Item, Sent
from tongdan.labs.world.faults import ANSWER_LOST, BUSY, WMS_REFUSES, WMS_SHORT
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.shelves import Shelves, locked_for
from tongdan.labs.world.warehouse_query import METHOD as QIMEN_QUERY
from tongdan.labs.world.warehouse_query import told_of
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

RETRIES_S: Final = (60, 300, 900, 1_800, *[3_600] * 48)
# The steps inside the house, and how long each takes on average.
STEPS: Final = (("ACCEPT", 240), ("PICK", 3_600), ("CHECK", 900), ("PACKAGE", 900), ("WEIGH", 300))
SECOND_PARCEL_MEAN_S: Final = 28_800
CONFIRMED_AFTER_S: Final = 600  # by the careless one, when the carrier has long spoken of the parcel
TIDY, CARELESS, TERSE = range(3)
XML: Final = {"content-type": "text/xml;charset=utf-8"}


class Report(NamedTuple):
    """A message to the centre: Qimen method and XML body; `small`: the sender signs in small letters."""

    method: str
    body: bytes
    small: bool


class Refused(Exception):
    """The WMS says no: code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code: Final = code
        self.message: Final = message


class Warehouses:
    """`account` is the credential `qimen/{wms}`, `codes` its warehouses, `zone` the clock on its wall."""

    def __init__(
        self,
        setting: Setting,
        carrier: Carrier,
        wms: str,
        account: Mapping[str, str],
        codes: Sequence[str],
        zone: tzinfo,
    ) -> None:
        self.deliveries: Final[dict[str, Delivery]] = {}
        self.shelves: Final = Shelves()
        self._setting: Final = setting
        self._carrier: Final = carrier
        self._account: Final = account
        self._habits: Final = {code: n % 3 for n, code in enumerate(codes)}
        self._zone: Final = zone
        self._cancelled_before: Final[set[str]] = set()
        self._url: Final = f"{setting.centre_url}/push/qimen/{wms}"
        self.outbox: Final = Outbox[Report](setting, self._wrap, _acknowledged, RETRIES_S)

    # ---- what it is asked

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One Qimen call."""
        fault = ""
        try:
            method, root = self._admit(request)
            if method == "deliveryorder.create":
                order = root.findtext("orderLines/orderLine/sourceOrderCode") or ""
                fault = self._setting.faults.meet("wms.create", order, (WMS_REFUSES, ANSWER_LOST, BUSY))
                if fault == BUSY:
                    return HttpResponse(503, {"retry-after": "30"}, b"")
                if fault == WMS_REFUSES:
                    raise Refused("S007", "商品未在仓库备案")
                said = self._create(root, order)
            elif method == "order.cancel":
                said = self._cancel(root)
            elif method == "stock.query":
                said = self._stock(root)
            elif method == QIMEN_QUERY:
                said = self._query(root)
            else:
                raise Refused("S001", f"method {method} is not simulated")
        except Refused as no:
            return _response("failure", no.code, no.message)
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        return said

    def _admit(self, request: HttpRequest) -> tuple[str, Element]:
        query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        signature = query.pop("sign", "")
        if signature.upper() != self._sign(query, request.body).upper():
            raise Refused("sign-check-failure", "Illegal request")
        account = (query.get("app_key"), query.get("customerId"))
        if account != (self._account["app_key"], self._account["customer_id"]):
            raise Refused("isv.invalid-appkey", "invalid appkey")
        return query.get("method", "").removeprefix("taobao.qimen."), fromstring(request.body)

    def _create(self, root: Element, native: str) -> HttpResponse:
        """`deliveryorder.create`: the same code again is the same order, and gets the same answer."""
        code, warehouse = _required(root, "deliveryOrder/deliveryOrderCode", "deliveryOrder/warehouseCode")
        receiver = " ".join(_required(root, *(f"deliveryOrder/receiverInfo/{name}" for name in _RECEIVER)))
        _required(root, *_REQUIRED)
        if warehouse not in self._habits:
            raise Refused("S003", f"warehouseCode {warehouse} is unknown")
        if code in self.deliveries:
            self.deliveries[code].times_created += 1
        else:
            items = [_item(line) for line in root.findall("orderLines/orderLine")]
            if {item.native for item in items} == {
                native
            }:  # a parcel of several orders does not tell whose code it is
                self._setting.names.learn(code, native)
            if code in self._cancelled_before:
                raise Refused("S021", "订单已取消")
            delivery = self.deliveries[code] = Delivery(code, warehouse, native, receiver, items)
            delivery.carrier = root.findtext("deliveryOrder/logisticsCode") or "SF"
            delivery.express = root.findtext("deliveryOrder/expressCode") or ""
            delivery.touched_at = self._now()
            self._setting.bustle.start(self._work(delivery))
        return _response("success", "0", "", deliveryOrderId=f"W{code}", createTime=self._now())

    def _cancel(self, root: Element) -> HttpResponse:
        """`order.cancel`: until the parcel is packed; an order never heard of counts as cancelled."""
        (code,) = _required(root, "orderCode")
        delivery = self.deliveries.get(code)
        if delivery is not None and (delivery.gone or self._has_it_packed(delivery)):
            raise Refused("S020", "订单已打包出库，无法取消")
        if delivery is None:
            self._cancelled_before.add(code)
        else:
            delivery.stage, delivery.touched_at = "CANCELED", self._now()
        return _response("success", "0", "")

    def _query(self, root: Element) -> HttpResponse:
        """`deliveryorder.query`: what it would confirm of the order now."""
        code, warehouse, _, _ = _required(root, "orderCode", "warehouseCode", "page", "pageSize")
        delivery = self.deliveries.get(code)
        if delivery is None or delivery.warehouse != warehouse:
            raise Refused("S019", "出库单不存在")
        return HttpResponse(200, XML, told_of(delivery))

    def _stock(self, root: Element) -> HttpResponse:
        """`stock.query`: a page of its books, in which what it works on is locked until it leaves."""
        warehouse, page, size = _required(root, "warehouseCode", "page", "pageSize")
        if warehouse not in self._habits or not (page.isdigit() and size.isdigit() and 0 < int(size) <= 100):
            raise Refused("S003", f"warehouseCode {warehouse}, page {page} or pageSize {size} cannot be")
        article = root.findtext("itemCode") or ""
        locked = locked_for([each for each in self.deliveries.values() if each.warehouse == warehouse])
        listing = self.shelves.listing(warehouse, article, int(page), int(size), locked)
        return HttpResponse(200, XML, listing)

    def _has_it_packed(self, delivery: Delivery) -> bool:
        """It says so of a parcel that its carrier is to be asked for."""
        natives = {item.native for item in delivery.items}
        return any(self._setting.faults.awaits("sf.intercept", native) for native in natives)

    # ---- what it does

    async def _work(self, delivery: Delivery) -> None:
        """From the shelf to the street, reporting every step."""
        stream = self._setting.stream("wms", delivery.code)
        for step, mean_s in STEPS:
            await self._setting.clock.sleep(mean_s / 4 + stream.waiting_s(mean_s * 0.75))
            if delivery.stage == "CANCELED":
                return
            delivery.stage, delivery.touched_at = step, self._now()
            self._report(delivery, step)
        last = delivery.items[-1].native
        short = self._setting.faults.meet("wms.confirm", last, (WMS_SHORT,)) == WMS_SHORT
        parcels = _parcels(delivery.items, short, split=stream.chance(0.12))
        for no, parcel in enumerate(parcels, 1):
            if no > 1:
                await self._setting.clock.sleep(stream.waiting_s(SECOND_PARCEL_MEAN_S))
            delivery.stage = "DELIVERED" if no == len(parcels) else "PARTDELIVERED"
            await self._dispatch(delivery, parcel, no, final=no == len(parcels))
        arrived = [await self._carrier.arrival(waybill) for waybill in delivery.waybills]
        delivery.stage, delivery.signed = "SIGN", any(arrived)
        if delivery.signed:
            self._report(delivery, "SIGN")

    async def _dispatch(
        self, delivery: Delivery, parcel: Sequence[tuple[Item, int]], no: int, final: bool
    ) -> None:
        """Hand one parcel to the carrier and confirm it; the last confirmation is the final one."""
        waybills = []
        if any(units for _, units in parcel):
            express = "" if delivery.waybills else delivery.express
            waybills.append(self._carrier.hand_over(f"{delivery.code}/{no}", express))
            delivery.waybills += waybills
            carrier = delivery.carrier if waybills[0] == delivery.express else "SF"
            delivery.sent.append(Sent(waybills[0], carrier, [(item.code, units) for item, units in parcel]))
            self._setting.bustle.start(self._follow(waybills[0], parcel))
        delivery.touched_at = self._now()
        for item, units in parcel:
            item.left += units
            self.shelves.take(delivery.warehouse, item.code, units)
        if self._habits[delivery.warehouse] == CARELESS:
            await self._setting.clock.sleep(CONFIRMED_AFTER_S)
        body = self._confirmation(delivery, parcel, waybills, no, final)
        self._send(delivery, "deliveryorder.confirm", body, "wms.confirm")

    async def _follow(self, waybill: str, parcel: Sequence[tuple[Item, int]]) -> None:
        """Wait until it is there, or back."""
        if not await self._carrier.arrival(waybill):
            for item, units in parcel:
                item.back += units

    def _confirmation(
        self,
        delivery: Delivery,
        parcel: Sequence[tuple[Item, int]],
        waybills: Sequence[str],
        no: int,
        final: bool,
    ) -> bytes:
        habit = self._habits[delivery.warehouse]
        root = Element("request")
        order = {
            "deliveryOrderCode": delivery.code,
            "deliveryOrderId": f"W{delivery.code}",
            "orderType": "JYCK",
            "warehouseCode": delivery.warehouse,
            "outBizCode": delivery.code if habit == CARELESS else f"{delivery.code}-{no}",
            "confirmType": "0" if final else "1",
            "orderConfirmTime": self._now(),
        }
        if not waybills:
            order["status"] = "CLOSED"
        _add(root, "deliveryOrder", order)
        packages, lines = SubElement(root, "packages"), SubElement(root, "orderLines")
        for waybill in waybills:
            carrier = delivery.carrier if waybill == delivery.express else "SF"
            weight = "0.0" if habit == CARELESS else f"{sum(units for _, units in parcel) * 0.45:.2f}"
            package = _add(
                packages, "package", {"logisticsCode": carrier, "expressCode": waybill, "weight": weight}
            )
            if habit != TERSE:
                items = SubElement(package, "items")
                for item, units in parcel:
                    _add(items, "item", {"itemCode": item.code, "quantity": str(units)})
        for item, units in parcel:
            plan = "0" if habit == CARELESS else str(item.planned)
            line_no = "" if habit == CARELESS else item.no
            _add(
                lines,
                "orderLine",
                {"orderLineNo": line_no, "itemCode": item.code, "planQty": plan, "actualQty": str(units)},
            )
        return _xml(root)

    def _report(self, delivery: Delivery, status: str) -> None:
        """`orderprocess.report`: one step of one order."""
        root = Element("request")
        order = {"orderCode": delivery.code, "orderType": "JYCK", "warehouseCode": delivery.warehouse}
        _add(root, "order", order)
        signer = f"签收人：{delivery.receiver.split()[0]}" if status == "SIGN" else ""
        _add(root, "process", {"processStatus": status, "operateTime": self._now(), "operateInfo": signer})
        self._send(delivery, "orderprocess.report", _xml(root), f"wms.{status}")

    # ---- how it speaks

    def _send(self, delivery: Delivery, method: str, body: bytes, where: str) -> None:
        report = Report(method, body, small=self._habits[delivery.warehouse] == TERSE)
        self.outbox.post(report, where, delivery.native)

    def _wrap(self, reports: Sequence[Report]) -> HttpRequest:
        (report,) = reports
        prefix = "" if report.small else "taobao.qimen."
        query = {
            "method": prefix + report.method,
            "timestamp": self._now(),
            "format": "xml",
            "app_key": self._account["app_key"],
            "v": "2.0",
            "sign_method": "md5",
            "customerId": self._account["customer_id"],
        }
        signature = self._sign(query, report.body)
        query["sign"] = signature.lower() if report.small else signature
        return HttpRequest(
            method="POST",
            url=f"{self._url}?{urlencode(query)}",
            headers=XML,
            body=report.body,
            timeout_s=10.0,
        )

    def _sign(self, query: Mapping[str, str], body: bytes) -> str:
        """md5 over secret, sorted names and values, body, secret."""
        secret = self._account["secret"].encode()
        named = "".join(name + query[name] for name in sorted(query)).encode()
        return hashlib.md5(secret + named + body + secret).hexdigest().upper()

    def _now(self) -> str:
        return _wall(self._setting.clock.now(), self._zone)


_RECEIVER: Final = ("name", "mobile", "province", "city", "detailAddress")
_REQUIRED: Final = (
    *(
        f"deliveryOrder/{name}"
        for name in ("orderType", "createTime", "placeOrderTime", "operateTime", "shopNick")
    ),
    "deliveryOrder/logisticsCode",
    *(f"deliveryOrder/senderInfo/{name}" for name in _RECEIVER),
    "orderLines/orderLine/ownerCode",
    "orderLines/orderLine/planQty",
    "orderLines/orderLine/actualPrice",
)


def _parcels(items: Sequence[Item], short: bool, split: bool) -> list[list[tuple[Item, int]]]:
    """What goes into which parcel. `short`: one unit of the last line is not on its shelf."""
    units = [item.planned for item in items]
    if short:
        units[-1] -= 1
    parts = [units]
    if split and sum(units) > 1:
        half = len(units) // 2
        first = [n if at < half else 0 for at, n in enumerate(units)] if half else [units[0] // 2]
        parts = [first, [n - taken for n, taken in zip(units, first, strict=True)]]
    whole = len(parts) == 1
    return [[(item, n) for item, n in zip(items, part, strict=True) if n or whole] for part in parts]


def _required(node: Element, *paths: str) -> list[str]:
    """The texts under `paths`. Raises Refused when one is missing, as the interface prescribes them."""
    texts = [(node.findtext(path) or "").strip() for path in paths]
    if "" in texts:
        raise Refused("S003", f"{paths[texts.index('')]} is required")
    return texts


def _item(line: Element) -> Item:
    code, planned = _required(line, "itemCode", "planQty")
    if not planned.isdigit() or int(planned) < 1:
        raise Refused("S003", "planQty must be a positive number")
    return Item(
        line.findtext("orderLineNo") or "", code, int(planned), line.findtext("sourceOrderCode") or ""
    )


def _acknowledged(answer: HttpResponse) -> bool:
    return answer.status == 200 and b"<flag>success</flag>" in answer.body


def _response(flag: str, code: str, message: str, **more: str) -> HttpResponse:
    root = Element("response")
    for name, text in {"flag": flag, "code": code, "message": message, **more}.items():
        SubElement(root, name).text = text
    return HttpResponse(200, XML, _xml(root))


def _add(parent: Element, name: str, texts: Mapping[str, str]) -> Element:
    node = SubElement(parent, name)
    for child, text in texts.items():
        SubElement(node, child).text = text
    return node


def _xml(root: Element) -> bytes:
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _wall(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
