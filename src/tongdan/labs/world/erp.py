"""The seller's ERPs: one that takes orders as signed JSON, one that is Kingdee's, each with its own way of repeating.

The first keeps what it has taken under the id of the message and answers a repeat as if it were new. Kingdee's takes a
number once and refuses it the second time, so whoever did not hear its answer has to look. Each order meets an answer
that is lost, or a busy server, now and then.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from tongdan.adapters.partners.settings import Partners
from tongdan.adapters.transport import Handler
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.signing import hmac_sign, signed_part
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

FRESH_WITHIN_S: Final = 300
MISCHIEF: Final = 0.2  # of orders meet a busy server, and as many a lost answer


class Book(Protocol):
    """`orders`: what stands in the books of each order, in fen; `off` are those taken back; `parcels`: waybills."""

    orders: dict[str, int]
    off: set[str]

    @property
    def parcels(self) -> Mapping[str, list[str]]: ...

    async def handle(self, request: HttpRequest) -> HttpResponse: ...


class _Moods:
    """What an order meets at an ERP, once each."""

    def __init__(self, setting: Setting, name: str) -> None:
        self._setting: Final = setting
        self._name: Final = name
        self._met: Final[set[tuple[str, str]]] = set()

    def meets(self, what: str, order: str) -> bool:
        stream = self._setting.stream(self._name, f"{what} {order}")
        if (what, order) in self._met or not stream.chance(MISCHIEF):
            return False
        self._met.add((what, order))
        return True


class JsonErp:
    def __init__(self, setting: Setting, name: str, credential: Mapping[str, str]) -> None:
        self.orders: dict[str, int] = {}
        self.off: set[str] = set()
        self.parcels: Final[dict[str, list[str]]] = {}
        self.refunds: Final[dict[str, str]] = {}  # the last word on each
        self._known: Final[dict[str, str]] = {}
        self._setting: Final = setting
        self._secret: Final = credential["secret"].encode()
        self._moods: Final = _Moods(setting, name)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        if not self._authentic(request):
            return _json(401, {"ok": False, "error": "signature"})
        if request.method == "GET":
            return self._status(urlsplit(request.url).path.split("/")[-2])
        said = json.loads(request.body)
        order = said["order_id"]
        if self._moods.meets("busy", order):
            return _json(503, {"ok": False, "error": "busy"})
        number = self._known.setdefault(said["id"], f"SO{len(self._known) + 1:06d}")
        if "refund_id" in said:
            self.refunds[said["refund_id"]] = said["type"]
        elif said["type"] == "cancel":
            self.off.add(order)
        else:
            self.orders[order] = said["amount_fen"]
            self.parcels[order] = sorted(each["waybill"] for each in said.get("parcels", []))
        if self._moods.meets("lost", order):
            raise NoAnswer("the answer was lost")
        return _json(200, {"ok": True, "number": number})

    def _status(self, order: str) -> HttpResponse:
        """How it sees an order; `/orders/status`, which asks for many, is no order."""
        if order not in self.orders:
            return _json(404, {"ok": False, "error": "unknown"})
        said: dict[str, object] = {
            "order_id": order,
            "status": "cancelled" if order in self.off else "released",
            "amount_fen": self.orders[order],
            "waybills": sorted({each for each in self.parcels[order] if each}),
        }
        return _json(200, said)

    def _authentic(self, request: HttpRequest) -> bool:
        stamp = request.headers.get("x-tongdan-timestamp", "")
        nonce = request.headers.get("x-tongdan-nonce", "")
        expected = hmac_sign(self._secret, stamp, nonce, signed_part(request))
        fresh = stamp.isdigit() and abs(int(stamp) - self._setting.clock.now().timestamp()) <= FRESH_WITHIN_S
        return fresh and hmac.compare_digest(expected, request.headers.get("x-tongdan-signature", ""))


class Kingdee:
    def __init__(self, setting: Setting, name: str, credential: Mapping[str, str]) -> None:
        self.orders: dict[str, int] = {}
        self.off: set[str] = set()
        self.parcels: Final[dict[str, list[str]]] = {}
        self._credential: Final = credential
        self._moods: Final = _Moods(setting, name)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        if not self._authentic(request):
            return _answered(False, code=1)
        said = json.loads(request.body)
        operation = request.url.rpartition("DynamicFormService.")[2].partition(".")[0]
        data = json.loads(said["data"])
        if operation == "ExecuteBillQuery":
            return self._bills(data["FilterString"])
        order = data["Model"]["FBillNo"] if "Model" in data else data.get("Number") or data["Numbers"][0]
        if self._moods.meets(f"busy {operation}", order):
            return HttpResponse(502, {}, b"")
        answer = self._do(operation, order, data)
        if operation != "View" and self._moods.meets(f"lost {operation}", order):
            raise NoAnswer("the answer was lost")
        return answer

    def _bills(self, wanted: str) -> HttpResponse:
        """FBillNo, FCancelStatus, FBillAllAmount of the numbers in quotation marks."""
        there = [each for each in wanted.split("'")[1::2] if each in self.orders and each not in self.off]
        rows = [[each, "A", self.orders[each] / 100] for each in there]
        return HttpResponse(200, {}, json.dumps(rows).encode())

    def _do(self, operation: str, order: str, data: dict[str, Any]) -> HttpResponse:
        there = order in self.orders and order not in self.off
        if operation == "View":
            return _seen(_id(order)) if there else _answered(False, code=4)
        if operation == "Delete":
            if there:
                self.off.add(order)
            return _answered(there, code=4)
        model = data["Model"]
        if order in self.orders and model.get("FID") != _id(order):
            return _answered(False, code=11, field="FBillNo")
        rows = model.get("FSaleOrderEntry", [])
        if rows:
            self.orders[order] = sum(round(float(row["FAllAmount"]) * 100) for row in rows)
        words = model["FNote"].split("; ")[1:]
        self.parcels[order] = sorted(each.split(" ")[1] for each in words if not each.startswith("退款"))
        return _answered(True)

    def _authentic(self, request: HttpRequest) -> bool:
        key, data = request.headers.get("x-kd-appkey", ""), request.headers.get("x-kd-appdata", "")
        said = key + base64.b64decode(data).decode()
        digest = hmac.new(self._credential["app_secret"].encode(), said.encode(), hashlib.sha256).hexdigest()
        return base64.b64encode(digest.encode()).decode() == request.headers.get("x-kd-signature", "")


class Erps:
    """Those that are configured, by name, and where each is reached."""

    def __init__(
        self, setting: Setting, credentials: Mapping[str, Mapping[str, str]], partners: Partners
    ) -> None:
        self.by_name: Final[dict[str, Book]] = {}
        self.urls: Final[dict[str, str]] = {}
        for name, erp in partners.erps.items():
            partner = f"erp/{name}"
            made = JsonErp if erp.kind == "webhook" else Kingdee
            self.by_name[name] = made(setting, partner, credentials[partner])
            self.urls[partner] = erp.base_url

    @property
    def handlers(self) -> dict[str, Handler]:
        return {f"erp/{name}": book.handle for name, book in self.by_name.items()}


def _json(status: int, said: dict[str, object]) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(said).encode())


def _id(order: str) -> int:
    """Its inner number of a bill."""
    return int(order[-12:])


def _seen(id: int) -> HttpResponse:
    return _json(200, {"Result": {"ResponseStatus": None, "Result": {"Id": id}}})


def _answered(success: bool, *, code: int = 0, field: str = "") -> HttpResponse:
    errors = [] if success else [{"FieldName": field, "Message": "不成功", "DIndex": 0}]
    status = {"IsSuccess": success, "MsgCode": 0 if success else code, "Errors": errors}
    return _json(200, {"Result": {"ResponseStatus": status}})
