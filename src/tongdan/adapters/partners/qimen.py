"""Qimen (奇门) messages of a WMS: XML bodies, parameters and an md5 signature in the query.

Two of them concern us: `deliveryorder.confirm` (what left, in which parcels) and `orderprocess.report`
(where the work stands). Their times are naive and the WMS declares its zone; `outBizCode` is often just the
order code, so a message is known by all that tells two confirmations apart. Entities and DTDs are refused.
Source: Qimen API 26001, 26003.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import parse_qsl, urlencode
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tongdan.adapters.partners.authentic import same, secret_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, check_size, reason_of
from tongdan.domain.fulfillment.commands import ConfirmDelivery, Package, PackageItem, RecordWmsProcess
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.ports import (
    Accepted,
    Credentials,
    Inbound,
    NotUnderstood,
    PushAnswer,
    PushRequest,
    Reply,
    Unauthentic,
)

SOURCE: Final = "wms/qimen"
XML: Final = "text/xml;charset=utf-8"
PREFIX: Final = "taobao.qimen."
MAX_PARAMETERS: Final = 32
MAX_PACKAGES: Final = 200
MAX_ITEMS: Final = 1_000
MAX_UNITS: Final = 10**6
MAX_WEIGHT_G: Final = 10**8

# A confirmation that carries one of these is no confirmation, but news of the work.
NOT_LEFT: Final = frozenset({"EXCEPTION", "CANCELED", "REJECT", "CANCELEDFAIL"})
PARTLY: Final = "PARTDELIVERED"
CLOSED: Final = "CLOSED"  # no more will leave than has left

SUCCESS: Final = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b"<response><flag>success</flag><code>0</code><message>success</message></response>"
)


_CALL: Final = ("wms", "method", "customerId")


class QimenDoor:
    """`/push/qimen/{wms}?method=…`, with the credential `qimen/{wms}`: `app_key`, `secret`, `customer_id`."""

    path = "/push/qimen/"
    source: str = SOURCE

    def __init__(self, credentials: Credentials, zone: tzinfo) -> None:
        self._credentials: Final = credentials
        self._zone: Final = zone

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        check_size(request)
        wms = request.path.removeprefix(self.path)
        query = self._authenticate(wms, request)
        call = (wms, query["method"].removeprefix(PREFIX), query["customerId"])
        return self.read(urlencode(dict(zip(_CALL, call, strict=True))), request.body, request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """`about` is warehouse system, method and customer, URL-encoded."""
        call = dict(parse_qsl(about, keep_blank_values=True))
        try:
            root = fromstring(raw, forbid_dtd=True)
            command, tells, happened_at = self._read(call["method"], root)
        except DefusedXmlException:
            reason = "XML with a DTD or entities"
        except (ParseError, LookupError):
            reason = "malformed XML"
        except UNREADABLE as error:
            reason = reason_of(error)
        else:
            key = ("qimen", *(call[name] for name in _CALL), *tells)
            return [
                Inbound(command=command, key=key, source=SOURCE, shop="", happened_at=happened_at, raw=raw)
            ]
        return [NotUnderstood(source=SOURCE, reason=reason, raw=raw, about=about)]

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        for reply in replies:
            if not isinstance(reply, Accepted):
                return self.refuse(request, reply)
        return PushAnswer(200, SUCCESS, XML)

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        body = (
            '<?xml version="1.0" encoding="utf-8"?><response><flag>failure</flag>'
            f"<code>{refusal.name}</code><message>{_escaped(refusal.zh)}</message></response>"
        )
        return PushAnswer(refusal.status, body.encode(), XML, refusal.retry_after_s)

    def _authenticate(self, wms: str, request: PushRequest) -> Mapping[str, str]:
        credential = secret_of(self._credentials, f"qimen/{wms}")
        secret, key, customer = (credential.get(name) for name in ("secret", "app_key", "customer_id"))
        if not secret or not key or not customer:
            raise Unauthentic("the credential has no app key, secret and customer id")
        try:
            pairs = parse_qsl(request.query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
        except ValueError:
            raise Unauthentic("too many parameters") from None
        query = dict(pairs)
        signature = query.pop("sign", "")
        if len(query) + 1 != len(pairs):
            raise Unauthentic("a parameter is missing or given twice")
        if not same(sign(query, request.body, secret), signature.upper()):
            raise Unauthentic("the signature does not match")
        if query.get("app_key") != key or query.get("customerId") != customer or "method" not in query:
            raise Unauthentic("app_key, customerId or method is not ours")
        return query

    def _read(self, method: str, root: Element) -> tuple[Command, tuple[str, ...], datetime]:
        """The command, what besides method and customer tells it from others, and when it happened."""
        if method == "deliveryorder.confirm":
            return confirmation(root, self._zone)
        if method == "orderprocess.report":
            return _process(root, self._zone)
        raise NotReadable("expected `method` deliveryorder.confirm or orderprocess.report")


def sign(query: Mapping[str, str], body: bytes, secret: str) -> str:
    """md5 over secret, sorted parameters (unencoded, without `sign`), the body's bytes, secret; upper hex."""
    text = "".join(f"{name}{value}" for name, value in sorted(query.items()) if name != "sign")
    whole = (secret + text).encode("utf-8", "replace") + body + secret.encode()
    return hashlib.md5(whole).hexdigest().upper()


def text_of(node: Element, path: str, most: int = 200) -> str:
    """The text under `path`, "" when there is none. Raises NotReadable when it is longer than `most`."""
    text = (node.findtext(path) or "").strip()
    if len(text) > most:
        raise NotReadable(f"expected `{path}` of at most {most} characters")
    return text


def confirmation(root: Element, zone: tzinfo) -> tuple[Command, tuple[str, ...], datetime]:
    order = _child(root, "deliveryOrder")
    shipment = _shipment(text_of(order, "deliveryOrderCode"))
    at = _time(order, zone, "orderConfirmTime", "operateTime")
    status = text_of(order, "status", 32)
    about = (shipment, text_of(order, "outBizCode"), text_of(order, "confirmType", 8))
    if status in NOT_LEFT:
        return RecordWmsProcess(shipment=shipment, status=status, operated_at=at), (*about, status), at
    packages = _packages(root, order, status)
    command = ConfirmDelivery(
        shipment=shipment,
        warehouse=text_of(order, "warehouseCode", 64),
        packages=packages,
        final=_is_final(about[2], status),
        confirmed_at=at,
        out_biz_code=about[1],
    )
    digest = hashlib.blake2b(msgspec.json.encode(packages), digest_size=16).hexdigest()
    return command, (*about, digest), at


def _is_final(confirm_type: str, status: str) -> bool:
    """confirmType 0 is the last confirmation, 1 one of several; where it is missing the status tells."""
    if confirm_type not in ("", "0", "1"):
        raise NotReadable("expected `confirmType` 0 or 1")
    return confirm_type == "0" or status == CLOSED or (not confirm_type and status != PARTLY)


def _process(root: Element, zone: tzinfo) -> tuple[Command, tuple[str, ...], datetime]:
    process = _child(root, "process")
    shipment = _shipment(text_of(_child(root, "order"), "orderCode"))
    status, stamp = text_of(process, "processStatus", 32), text_of(process, "operateTime", 32)
    if not status:
        raise NotReadable("expected `process/processStatus`")
    at = from_local(stamp, zone)
    # operateInfo is free text that may name the receiver ("signed for by …"): it stays in the sealed raw.
    command = RecordWmsProcess(shipment=shipment, status=status, operated_at=at)
    return command, (shipment, status, stamp), at


def _packages(root: Element, order: Element, status: str) -> tuple[Package, ...]:
    """The parcels. Where there is one at most, what left may stand in the order lines alone."""
    nodes, lines = root.findall("packages/package"), root.findall("orderLines/orderLine")
    if len(nodes) > MAX_PACKAGES:
        raise NotReadable(f"expected at most {MAX_PACKAGES} of `packages/package`")
    left = _items(lines, "actualQty") if len(nodes) < 2 else ()
    if not nodes:
        if not lines and status != CLOSED:
            raise NotReadable("expected `packages/package` or `orderLines/orderLine`")
        return (_package(order, left),) if left else ()
    packages = []
    for node in nodes:
        items = _items(node.findall("items/item"), "quantity") or left
        if not items:
            raise NotReadable("expected `items/item` in `packages/package`")
        packages.append(_package(node, items))
    return tuple(packages)


def _package(node: Element, items: tuple[PackageItem, ...]) -> Package:
    weight_g = _weight_g(text_of(node, "weight", 32))
    return Package(text_of(node, "logisticsCode", 64), text_of(node, "expressCode", 64), weight_g, items)


def _items(nodes: list[Element], quantity: str) -> tuple[PackageItem, ...]:
    if len(nodes) > MAX_ITEMS:
        raise NotReadable(f"expected at most {MAX_ITEMS} items")
    items = []
    for node in nodes:
        sku, units = text_of(node, "itemCode", 64), whole_of(text_of(node, quantity, 32), quantity)
        if not sku:
            raise NotReadable("expected `itemCode`")
        if units:
            items.append(PackageItem(sku, units))
    return tuple(items)


def whole_of(text: str, field: str, most: int = MAX_UNITS) -> int:
    """`1`, and also `1.0` as some systems print it. Raises NotReadable."""
    units = _decimal(text, field)
    if units != units.to_integral_value() or not 0 <= units <= most:
        raise NotReadable(f"expected `{field}` to be a whole number up to {most}")
    return int(units)


def _weight_g(text: str) -> int:
    """Kilograms to grams; "" and 0 mean that it was not weighed."""
    grams = _decimal(text or "0", "weight") * 1_000
    if not 0 <= grams <= MAX_WEIGHT_G:
        raise NotReadable("expected `weight` in kilograms")
    return int(grams.to_integral_value())


def _decimal(text: str, field: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 18:
        raise NotReadable(f"expected `{field}` to be a decimal number")
    return number


def _shipment(code: str) -> str:
    parsed = ids.parse(code)
    if parsed is None or parsed.part != "S":
        raise NotReadable("the order code is no shipment of ours")
    return code


def _time(node: Element, zone: tzinfo, *paths: str) -> datetime:
    for path in paths:
        if text := text_of(node, path, 32):
            return from_local(text, zone)
    raise NotReadable(f"expected one of {', '.join(paths)}")


def _child(root: Element, name: str) -> Element:
    found = root.find(name)
    if found is None:
        raise NotReadable(f"expected `{name}`")
    return found


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
