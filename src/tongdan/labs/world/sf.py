"""SF Express's interfaces (顺丰): route pushes about every scan of a parcel, the answer to a route query, and the way
to its numbers (`sf_waybill.py`).

A push carries up to ten nodes and no signature; half of the parcels are named by their waybill alone, and a parcel is
often spoken of before its warehouse has confirmed it. Times are local. Source: RoutePush, EXP_RECE_SEARCH_ROUTES and
EXP_RECE_WANTED_INTERCEPT of SF's open platform; the code of a refusal is assumed.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from tongdan.domain.kernel import ids
from tongdan.labs.world.carrier import Carrier, Scan
from tongdan.labs.world.faults import ANSWER_LOST, BUSY, NOT_TURNED, UNKNOWN_STATUS
from tongdan.labs.world.idle_keys import IdleKeys
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.sf_waybill import LABELS, SERVICES, No, SfWaybills, Throttled
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

RETRIES_S: Final = (60, 300, 900, 1_800, *[3_600] * 48)
TOGETHER: Final = 10
LINGER_S: Final = 5.0
BY_WAYBILL_ALONE: Final = 0.5
UNHEARD_OF: Final = "9527"  # a code that no map has
MAX_ASKED: Final = 10
ROUTES: Final = "EXP_RECE_SEARCH_ROUTES"
INTERCEPT: Final = "EXP_RECE_WANTED_INTERCEPT"


class SfExpress:
    """`account` is the credential `sf/{account}`, `zone` the clock of its times."""

    def __init__(self, setting: Setting, carrier: Carrier, account: Mapping[str, str], zone: tzinfo) -> None:
        self.queries = 0
        self.idle: IdleKeys | None = None
        self.spares: Final[dict[str, str]] = {}  # further keys of the account: partner id → check word
        self.waybills: Final = SfWaybills(setting, carrier, account["partner_id"])
        self._setting: Final = setting
        self._account: Final = account
        self._carrier: Final = carrier
        self._zone: Final = zone
        self._scans: Final[dict[str, list[Scan]]] = {}
        self.outbox: Final = Outbox[Scan](setting, self._wrap, _acknowledged, RETRIES_S, TOGETHER, LINGER_S)
        carrier.on_scan.append(self._scanned)

    def _scanned(self, scan: Scan) -> None:
        if not scan.waybill.startswith("SF"):
            return  # another carrier's parcel
        order = self._setting.names.native_of(scan.parcel.partition("/")[0])
        where = f"sf.{scan.code}"
        if self._setting.faults.meet(where, order, (UNKNOWN_STATUS,)) == UNKNOWN_STATUS:
            scan = scan._replace(code=UNHEARD_OF)
        self._scans.setdefault(scan.waybill, []).append(scan)
        self.outbox.post(scan, where, order)

    def _wrap(self, scans: Sequence[Scan]) -> HttpRequest:
        routes = [
            {
                "mailno": scan.waybill,
                "orderid": self._order(scan),
                "acceptTime": self._wall(scan),
                "acceptAddress": "嘉兴市",
                "remark": "快件在途",
                "opCode": scan.code,
                "id": str(int(scan.at.timestamp() * 1_000)),
                "reasonCode": "",
                "reasonName": "",
            }
            for scan in scans
        ]
        return HttpRequest(
            method="POST",
            url=f"{self._setting.centre_url}/push/sf/{self._account['push_secret']}",
            headers={"content-type": "application/json"},
            body=json.dumps({"Body": {"WaybillRoute": routes}}, ensure_ascii=False).encode(),
        )

    def _order(self, scan: Scan) -> str:
        """The number the parcel was ordered under, "" for those that are known by their waybill alone."""
        code = scan.parcel.partition("/")[0]
        alone = self._setting.stream("sf", scan.parcel).chance(BY_WAYBILL_ALONE)
        return "" if alone or ids.parse(code) is None else code

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One call: the route query, a parcel that is to turn back, and what has to do with numbers."""
        if request.method == "GET" and LABELS in request.url:
            return self.waybills.label(request)
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        content = form.get("msgData", "")
        partner = form.get("partnerID", "")
        words = {self._account["partner_id"]: self._account["check_word"], **self.spares}
        if self.idle is not None and (no := self.idle.refuses(partner)):
            return no
        if partner not in words:
            return _gateway("A1004", None)
        text = urlencode({"": content + form.get("timestamp", "") + words[partner]})[1:]
        text = text.replace("%2A", "*").replace("~", "%7E")  # as Java's URLEncoder has it
        if form.get("msgDigest") != b64encode(hashlib.md5(text.encode()).digest()).decode():
            return _gateway("A1006", None)
        service = form.get("serviceCode", "")
        if service in SERVICES:
            return self._number(service, json.loads(content), request)
        if service == INTERCEPT:
            return self._intercept(json.loads(content))
        if service != ROUTES:
            return _gateway("A1004", None)
        return self._routes(json.loads(content)["trackingNumber"])

    def _intercept(self, asked: Mapping[str, Any]) -> HttpResponse:
        """The sender wants a parcel back, at an address that is told."""
        waybill = asked["waybillNo"]
        if (asked["serviceCode"], asked["role"]) != ("2", "1") or not asked["newDestAddress"]["address"]:
            return _gateway("A1000", {"success": False, "errorCode": "8018", "errorMsg": "参数有误"})
        if not self._carrier.knows(waybill):
            return _gateway("A1000", {"success": False, "errorCode": "8247", "errorMsg": "运单号有误"})
        faults = (BUSY, ANSWER_LOST, NOT_TURNED)
        fault = self._setting.faults.meet("sf.intercept", self._native(waybill), faults)
        if fault == BUSY:
            return _gateway("A1099", None)
        if fault == NOT_TURNED or not self._carrier.turn_back(waybill):
            return _gateway("A1000", {"success": False, "errorCode": "8252", "errorMsg": "不可拦截"})
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        return _gateway("A1000", {"success": True, "errorCode": "S0000", "errorMsg": None, "msgData": None})

    def _native(self, waybill: str) -> str:
        return self._setting.names.native_of(self._carrier.parcel_of(waybill).partition("/")[0])

    def _number(self, service: str, content: dict[str, Any], request: HttpRequest) -> HttpResponse:
        try:
            said = self.waybills.call(service, content)
        except Throttled:
            return _gateway("A1005", None)
        except No as no:
            return _gateway(
                "A1000", {"success": False, "errorCode": str(no), "errorMsg": "", "msgData": None}
            )
        here = urlsplit(request.url)
        for file in said.get("obj", {}).get("files", ()):
            file["url"] = f"{here.scheme}://{here.netloc}{file['url']}"
        return _gateway("A1000", {"success": True, "errorCode": "S0000", "errorMsg": None, **said})

    def _routes(self, waybills: Sequence[str]) -> HttpResponse:
        self.queries += 1
        if len(waybills) > MAX_ASKED:
            return _gateway("A1000", {"success": False, "errorCode": "8003", "errorMsg": "超过10个单号"})
        found = [
            {
                "mailNo": waybill,
                "routes": [
                    {
                        "acceptTime": self._wall(scan),
                        "acceptAddress": "嘉兴市",
                        "remark": "",
                        "opCode": scan.code,
                    }
                    for scan in self._scans.get(waybill, ())
                ],
            }
            for waybill in waybills
        ]
        data = {"success": True, "errorCode": "S0000", "errorMsg": None, "msgData": {"routeResps": found}}
        return _gateway("A1000", data)

    def _wall(self, scan: Scan) -> str:
        return scan.at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")


def _acknowledged(answer: HttpResponse) -> bool:
    return answer.status == 200 and json.loads(answer.body).get("return_code") == "0000"


def _gateway(code: str, data: object) -> HttpResponse:
    said = {
        "apiResultCode": code,
        "apiErrorMsg": "",
        "apiResponseID": "0",
        "apiResultData": None if data is None else json.dumps(data, ensure_ascii=False),
    }
    return HttpResponse(200, {"content-type": "application/json"}, json.dumps(said).encode())
