"""SF Express's orders: `EXP_RECE_CREATE_ORDER` gives a number, `…UPDATE_ORDER` cancels it, `…SEARCH_ORDER_RESP` shows
it, `COM_RECE_CLOUD_PRINT_WAYBILLS` names the address of a label, which is fetched with a token.

An order number is taken once, also when it was cancelled; a parcel that was picked up cannot be cancelled.
"""

from collections.abc import Mapping
from typing import Any, Final

from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.faults import ANSWER_LOST, BUSY, LIMITED
from tongdan.labs.world.numbers import Number
from tongdan.labs.world.setting import Setting
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

CODE: Final = "SF"
CREATE, UPDATE = "EXP_RECE_CREATE_ORDER", "EXP_RECE_UPDATE_ORDER"
SEARCH, PRINT = "EXP_RECE_SEARCH_ORDER_RESP", "COM_RECE_CLOUD_PRINT_WAYBILLS"
SERVICES: Final = (CREATE, UPDATE, SEARCH, PRINT)
LABELS: Final = "/print-file/"
TOKEN: Final = "AUTH_tk"
REQUIRED: Final = ("contact", "mobile", "province", "city", "address")


class Throttled(Exception):
    """The gateway wants to be left alone."""


class No(Exception):
    """The service's error code."""


class SfWaybills:
    """`client` is the customer's code; a call is `(service, content)`, already authenticated."""

    def __init__(self, setting: Setting, carrier: Carrier, client: str) -> None:
        self._setting: Final = setting
        self._numbers: Final = carrier.numbers
        self._client: Final = client

    def call(self, service: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The data of an answer. Raises No, Throttled or NoAnswer."""
        order = self._setting.names.native_of(str(content.get("orderId", "")).partition(".")[0])
        fault = self._setting.faults.meet(f"sf.{service}", order, (ANSWER_LOST, BUSY, LIMITED))
        if fault in (BUSY, LIMITED):
            raise Throttled
        done = {CREATE: self._create, UPDATE: self._update, SEARCH: self._search, PRINT: self._print}[service]
        said = done(content)
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        return said

    def label(self, request: HttpRequest) -> HttpResponse:
        waybill = request.url.rpartition("/")[2].removesuffix(".pdf")
        number = self._numbers.by_waybill.get(waybill)
        if request.headers.get("X-Auth-token") != TOKEN + waybill or number is None:
            return HttpResponse(401, {}, b"")
        return HttpResponse(
            200, {"content-type": "application/pdf"}, f"%PDF-1.4\n{waybill}\n%%EOF\n".encode()
        )

    def _create(self, content: Mapping[str, Any]) -> dict[str, Any]:
        key = str(content["orderId"])
        sender, receiver = content["contactInfoList"]
        if (sender["contactType"], receiver["contactType"]) != (1, 2):
            raise No("1010")
        if not all(each.get(field) for each in (sender, receiver) for field in REQUIRED):
            raise No("1016")
        if (known := self._numbers.known(CODE, key)) is not None:
            known.asked += 1
            raise No("8016")
        number = self._numbers.take(CODE, key, receiver["province"])
        if number is None:
            raise No("8119")
        return self._order(number)

    def _order(self, number: Number) -> dict[str, Any]:
        far = number.province in self._numbers.out_of_range
        numbers = None if far else [{"waybillType": 1, "waybillNo": number.waybill}]
        return {
            "msgData": {
                "orderId": number.key, "filterResult": 3 if far else 2, "waybillNoInfoList": numbers, "remark": "",
            }
        }  # fmt: skip

    def _search(self, content: Mapping[str, Any]) -> dict[str, Any]:
        return self._order(self._known(content))

    def _update(self, content: Mapping[str, Any]) -> dict[str, Any]:
        number = self._known(content)
        if content["dealType"] != 2:
            raise No("1011")
        if not number.live:
            raise No("8037")
        if number.parcel:
            raise No("8252")
        number.live = False
        return {"msgData": {"orderId": number.key, "resStatus": 2}}

    def _print(self, content: Mapping[str, Any]) -> dict[str, Any]:
        (document,) = content["documents"]
        number = self._numbers.by_waybill.get(document["masterWaybillNo"])
        if number is None or not number.live or not content["templateCode"].endswith(f"_{self._client}"):
            raise No("8024")
        url = f"{LABELS}{number.waybill}.pdf"
        return {
            "obj": {"files": [{"url": url, "token": TOKEN + number.waybill, "waybillNo": number.waybill}]}
        }

    def _known(self, content: Mapping[str, Any]) -> Number:
        number = self._numbers.known(CODE, str(content["orderId"]))
        if number is None:
            raise No("8018")
        return number
