"""The seller's customer-service system: whoever answers the phone there has to know the waybills.

It keeps the first of an id and answers what it made of it; what is not signed, or stale, it does not take.
"""

import hmac
import json
from typing import Any, Final
from urllib.parse import urlsplit

from tongdan.labs.world.faults import ANSWER_LOST, BUSY, LIMITED
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.signing import hmac_sign, signed_part
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

FRESH_WITHIN_S: Final = 300


class ServiceDesk:
    """`told` is what it was told, by the id of the message; `times` how often each came. `refunds`: the last
    word on each."""

    def __init__(self, setting: Setting, secret: str) -> None:
        self.told: Final[dict[str, dict[str, Any]]] = {}
        self.times: Final[dict[str, int]] = {}
        self.refunds: Final[dict[str, str]] = {}
        self._setting: Final = setting
        self._secret: Final = secret.encode()

    async def handle(self, request: HttpRequest) -> HttpResponse:
        if not self._authentic(request):
            return _answer(401, {"ok": False, "error": "signature"})
        if request.method == "GET":
            return self._status(urlsplit(request.url).path.split("/")[-2])
        said = json.loads(request.body)
        order = self._setting.names.native_of(said["order_id"])
        fault = self._setting.faults.meet("service.waybill", order, (ANSWER_LOST, BUSY, LIMITED))
        if fault in (BUSY, LIMITED):
            return _answer(503 if fault == BUSY else 429, {"ok": False})
        if "refund_id" in said:
            self.refunds[said["refund_id"]] = said["type"]
            return _answer(200, {"ok": True})
        self.told.setdefault(said["id"], said)
        self.times[said["id"]] = self.times.get(said["id"], 0) + 1
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        return _answer(200, {"ok": True, "status": "linked" if said["waybill"] else "waiting"})

    def _status(self, order: str) -> HttpResponse:
        told = [each for each in self.told.values() if each["order_id"] == order]
        waybills = sorted({each["waybill"] for each in told if each["waybill"]})
        if not waybills:
            return _answer(404, {"ok": False})
        return _answer(200, {"order_id": order, "status": "shipped", "waybills": waybills})

    def _authentic(self, request: HttpRequest) -> bool:
        timestamp = request.headers.get("x-tongdan-timestamp", "")
        if not timestamp.isdigit():
            return False
        nonce = request.headers.get("x-tongdan-nonce", "")
        expected = hmac_sign(self._secret, timestamp, nonce, signed_part(request))
        fresh = abs(int(timestamp) - self._setting.clock.now().timestamp()) <= FRESH_WITHIN_S
        return fresh and hmac.compare_digest(expected, request.headers.get("x-tongdan-signature", ""))


def _answer(status: int, said: dict[str, object]) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(said).encode())
