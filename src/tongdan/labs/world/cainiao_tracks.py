"""Cainiao Guoguo's interface for tracks (菜鸟裹裹): it has heard of every scan of every carrier, a moment later.

Whoever asks signs a form over LINK; a parcel that it does not know has an empty list. Source and what is assumed:
as in the adapter.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.labs.world.carrier import Carrier, Scan
from tongdan.labs.world.setting import Setting
from tongdan.ports import HttpRequest, HttpResponse

QUERY: Final = "guoguo.pickup.query.logistics.detail"
BEHIND: Final = timedelta(seconds=60)


class CainiaoTracks:
    """`account` is the credential `cainiao-link/{account}`."""

    def __init__(self, setting: Setting, carrier: Carrier, account: Mapping[str, str]) -> None:
        self.queries = 0
        self._setting: Final = setting
        self._account: Final = account
        self._scans: Final[dict[str, list[Scan]]] = {}
        carrier.on_scan.append(lambda scan: self._scans.setdefault(scan.waybill, []).append(scan))

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One call."""
        said = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        content = said.get("logistics_interface", "")
        digest = hashlib.md5(f"{content}{self._account['secret']}".encode()).digest()
        if said.get("data_digest") != b64encode(digest).decode():
            return _no("S02")
        if said.get("logistic_provider_id") != self._account["provider_id"]:
            return _no("S03")
        if said.get("msg_type") != QUERY:
            return _no("S04")
        asked = json.loads(content)
        if asked["accessOption"]["accessCode"] != self._account["access_code"]:
            return _no("S13")
        self.queries += 1
        known_by = self._setting.clock.now() - BEHIND
        nodes = [
            {"status": scan.code, "desc": "快件在途", "time": _wall(scan), "city": "嘉兴市"}
            for scan in self._scans.get(asked["request"]["mailNo"], ())
            if scan.at <= known_by
        ]
        return _said({"success": True, "data": {"logisticsDetails": nodes}})


def _wall(scan: Scan) -> str:
    return scan.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _no(code: str) -> HttpResponse:
    return _said({"success": "false", "errorCode": code, "errorMsg": ""})


def _said(answer: object) -> HttpResponse:
    return HttpResponse(200, {"content-type": "application/json"}, json.dumps(answer).encode())
