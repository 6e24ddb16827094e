"""What Example Market answers: an order, what has changed, and the seller's word that parcels have left.

Whoever calls is known by the token in a header; an answer has a code and its data. A parcel is known by its waybill,
and the same once more is said to have been told before. All of it as conf/examples/channels/XX.yml describes.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, unquote, urlsplit

from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.douyin import cipher, mask
from tongdan.labs.world.gateway import Call, Gateway, Refused, instant, local
from tongdan.labs.world.market import CLOSED, PAID_BACK, REVIEW, UNPAID, Market, MarketLine, MarketOrder
from tongdan.labs.world.setting import Setting
from tongdan.ports import HttpRequest

ROOT: Final = "/v1/orders"
LIST: Final = f"{ROOT}?changed_from="
NOT_TO_SHIP: Final = (UNPAID, REVIEW, CLOSED, PAID_BACK)


class MarketApi(Gateway):
    """The interface, for the shop it knows by the credential `app`."""

    name: ClassVar[str] = "example"
    busy: ClassVar[tuple[int, str, str]] = (5_000, "", "busy")
    limited: ClassVar[tuple[int, str, str]] = (4_290, "", "too many calls")
    listing: ClassVar[str] = LIST
    detail: ClassVar[str] = ROOT

    def __init__(self, setting: Setting, carrier: Carrier, platform: Market, app: Mapping[str, str]) -> None:
        super().__init__(setting)
        self._carrier: Final = carrier
        self._platform: Final = platform
        self._token: Final = app["token"]

    def _admit(self, request: HttpRequest) -> Call:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            raise Refused(4_010, message="unknown token")
        url = urlsplit(request.url)
        if not url.path.startswith(ROOT):
            raise Refused(4_040, message="no such address")
        number, _, what = url.path.removeprefix(ROOT).strip("/").partition("/")
        native = unquote(number)
        if not native:
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            return Call("list", "", lambda: _good(self._list(query)))
        if (request.method, what) == ("POST", "parcels"):
            return Call("ship", native, lambda: _good(self._ship(native, json.loads(request.body))))
        return Call("detail", native, lambda: _good(_show(self._order(native))))

    def _refuse(self, no: Refused) -> object:
        return {"code": no.code, "message": no.message}

    def _order(self, native: str) -> MarketOrder:
        order = self._platform.orders.get(native)
        if order is None:
            raise Refused(4_040, message="no such order")
        return order

    def _list(self, query: Mapping[str, str]) -> object:
        """Changed last first; the cursor is the last one shown."""
        since, until = instant(query["changed_from"]), instant(query["changed_to"])
        found = sorted(
            (
                (local(order.updated_at), order.id)
                for order in self._platform.orders.values()
                if since <= order.updated_at.replace(microsecond=0) <= until
            ),
            reverse=True,
        )
        if after := query.get("after"):
            stamp, _, last = after.partition("/")
            found = [each for each in found if each < (stamp, last)]
        size = int(query["size"])
        shown = found[:size]
        self._meet_listed([self._platform.orders[id] for _, id in shown], whole=len(found) <= size)
        then = "/".join(shown[-1]) if len(found) > size else ""
        return {"orders": [_show(self._platform.orders[id]) for _, id in shown], "next": then}

    def _ship(self, native: str, said: Mapping[str, Any]) -> object:
        order = self._order(native)
        if said["waybill"] in order.waybills:
            raise Refused(4_009, message="told before")
        units = {str(each["id"]): int(each["count"]) for each in said["items"]}
        left = {each.id: each.line.units - each.told_units for each in order.lines}
        known = said["carrier"] == "SF-EXPRESS" and self._carrier.knows(said["waybill"])
        if not known or order.status in NOT_TO_SHIP or any(left.get(id, 0) < n for id, n in units.items()):
            raise Refused(4_000, message="no such parcel")
        self._platform.parcel_left(order, said["waybill"], units)
        return {}


def _good(data: object) -> dict[str, object]:
    return {"code": 0, "data": data}


def _show(order: MarketOrder) -> dict[str, object]:
    """An order in yuan and local time; its receiver masked, and encrypted beside."""
    buyer = order.buyer
    return {
        "order_no": order.id,
        "status": order.status,
        "created_at": local(order.placed_at),
        "paid_at": local(order.paid_at) if order.paid_at else None,
        "updated_at": local(order.updated_at),
        "payment": {"no": f"PAY-{order.id}", "paid": yuan_from_fen(order.amount_fen), "freight": "0.00"},
        "buyer": {"id": cipher(buyer.openid)[2:18]},
        "items": [_item(each) for each in order.lines],
        "receiver": {
            "name": mask(buyer.name),
            "phone": mask(buyer.phone),
            "province": buyer.province,
            "city": buyer.city,
            "district": buyer.district,
            "address": mask(buyer.detail),
            "cipher": {"name": cipher(buyer.name), "phone": cipher(buyer.phone)},
        },
    }


def _item(each: MarketLine) -> dict[str, object]:
    line = each.line
    return {
        "id": each.id,
        "code": line.sku,
        "title": line.title,
        "count": line.units,
        "sum": yuan_from_fen(line.amount_fen + line.discount_fen),
    }
