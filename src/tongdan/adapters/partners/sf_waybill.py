"""SF Express e-waybills: an order is a number (`EXP_RECE_CREATE_ORDER`), cancelled by `EXP_RECE_UPDATE_ORDER` with
dealType 2, printed by `COM_RECE_CLOUD_PRINT_WAYBILLS` as a PDF that is fetched from the address it names.

Natural: `orderId` is our key. SF takes one only once (8016), also after a cancel, so a repeat finds the number by
`EXP_RECE_SEARCH_ORDER_RESP`. Receivers that a platform encrypted are refused, for SF cannot open them. Source: SF's
open platform, and the clients of it that its customers publish (fields, dealType, a template's code that ends in the
customer's own, `X-Auth-token` of a file). Assumed: "no such order" has the codes that a query has.
"""

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from tongdan.adapters.partners.exchange import exchange
from tongdan.adapters.partners.labels import MAX_LABEL_BYTES, PDF, number_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable
from tongdan.adapters.partners.settings import Partners, Sender
from tongdan.adapters.partners.sf_line import CREATE, NOT_FOUND, Service, SfLine
from tongdan.domain.fulfillment.waybill_commands import (
    RecordWaybill,
    RecordWaybillCancelled,
    RecordWaybillPrinted,
    RecordWaybillRefused,
)
from tongdan.domain.fulfillment.waybill_facts import CancelWaybill, GetWaybill, PrintWaybill
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.policy import WaybillTerms
from tongdan.ports import Done, Errand, Failed, HttpRequest

SEARCH: Final = "EXP_RECE_SEARCH_ORDER_RESP"
UPDATE: Final = "EXP_RECE_UPDATE_ORDER"
PRINT: Final = "COM_RECE_CLOUD_PRINT_WAYBILLS"
CANCEL: Final = 2  # dealType
ORDERED_BEFORE: Final = "8016"
CANCELLED_BEFORE: Final = "8037"
MASTER: Final = 1  # waybillType
OUT_OF_RANGE: Final = 3  # filterResult: 1 a person at SF decides, 2 yes
UNDECIDED_WAIT_S: Final = 600.0
SEALED: Final = "the platform encrypts the receiver for its own waybill service"
ERASED: Final = "the receiver has been erased"
PRINTED_AT: Final = ".sf-express.com"


class _Number(msgspec.Struct, rename="camel"):
    waybill_no: str
    waybill_type: int | str = MASTER


class _Order(msgspec.Struct, rename="camel"):
    order_id: str
    waybill_no_info_list: list[_Number] | None = None
    filter_result: int | str | None = None


class _File(msgspec.Struct):
    url: str
    token: str = ""


class _Files(msgspec.Struct):
    files: list[_File] = []


_order: Final = msgspec.json.Decoder(_Order)
_files: Final = msgspec.json.Decoder(_Files)


class SfWaybills:
    """`terms.product` is the expressTypeId, `terms.template` the template's code without the customer's own."""

    def __init__(self, line: SfLine, terms: WaybillTerms, partners: Partners) -> None:
        self._line: Final = line
        self._terms: Final = terms
        self._partners: Final = partners

    async def perform(self, errand: Errand) -> Done | Failed:
        try:
            match errand.effect:
                case GetWaybill() as effect:
                    return await self._get(errand, effect)
                case CancelWaybill() as effect:
                    return await self._cancel(errand, effect)
                case PrintWaybill() as effect:
                    return await self._print(errand, effect)
        except UNREADABLE:
            return self._line.unread()
        return Failed(f"SF knows no {type(errand.effect).__name__}", final=True)

    async def _get(self, errand: Errand, effect: GetWaybill) -> Done | Failed:
        person = errand.person()
        if person is None or person.sealed:
            return _refused(effect, ERASED if person is None else SEALED)
        said = await self._line.call(errand, CREATE, self._ordered(effect, person))
        if isinstance(said, Service) and said.code == ORDERED_BEFORE:
            asked = {"language": "zh-CN", "orderId": effect.key, "searchType": "1"}
            said = await self._line.call(errand, SEARCH, asked)
        if isinstance(said, Failed):
            return said
        if not said.success:
            return _refused(effect, f"SF {said.code}", said.raw)
        order = _order.decode(said.msg_data)
        if order.order_id != effect.key:
            raise NotReadable("`orderId` is not the order that was asked for")
        if str(order.filter_result) == str(OUT_OF_RANGE):
            undone = await self._undo(errand, effect.key)
            return (
                undone if isinstance(undone, Failed) else _refused(effect, "SF does not go there", said.raw)
            )
        numbers = [each for each in order.waybill_no_info_list or () if str(each.waybill_type) == str(MASTER)]
        if not numbers:
            return Failed("SF has not decided yet", retry_after_s=UNDECIDED_WAIT_S)
        waybill = number_of(numbers[0].waybill_no)
        return Done(RecordWaybill(shipment=effect.shipment, key=effect.key, waybill=waybill), said.raw)

    async def _cancel(self, errand: Errand, effect: CancelWaybill) -> Done | Failed:
        said = await self._undo(errand, effect.key)
        if isinstance(said, Failed):
            return said
        gone = said.success or said.code == CANCELLED_BEFORE or said.code in NOT_FOUND
        cancelled = RecordWaybillCancelled(
            shipment=effect.shipment,
            key=effect.key,
            waybill=effect.waybill,
            cancelled=gone,
            reason="" if gone else f"SF {said.code}",
        )
        return Done(cancelled, said.raw)

    async def _undo(self, errand: Errand, key: str) -> Service | Failed:
        return await self._line.call(
            errand, UPDATE, {"language": "zh-CN", "orderId": key, "dealType": CANCEL}
        )

    async def _print(self, errand: Errand, effect: PrintWaybill) -> Done | Failed:
        partner = self._line.partner_id()
        if isinstance(partner, Failed):
            return partner
        asked = {
            "templateCode": f"{self._terms.template}_{partner}",
            "version": "2.0",
            "fileType": PDF,
            "sync": True,
            "documents": [{"masterWaybillNo": effect.waybill}],
        }
        said = await self._line.call(errand, PRINT, asked)
        if isinstance(said, Failed):
            return said
        if not said.success:
            return Failed(f"SF {PRINT}: {said.code}", final=True)
        files = _files.decode(said.obj if said.obj != b"null" else said.msg_data).files
        if not files:
            raise NotReadable("expected one of `files`")
        label = await self._fetch(files[0])
        if isinstance(label, Failed):
            return label
        printed = RecordWaybillPrinted(
            shipment=effect.shipment, key=effect.key, form=PDF, length_bytes=len(label)
        )
        return Done(printed, label)

    async def _fetch(self, file: _File) -> bytes | Failed:
        """The PDF, from SF's own hosts only: nobody else is shown the token, and nobody inside is asked."""
        at, gateway = urlsplit(file.url), urlsplit(self._line.settings.base_url)
        theirs = at.scheme == "https" and (at.hostname or "").endswith(PRINTED_AT)
        if not theirs and (at.scheme, at.netloc) != (gateway.scheme, gateway.netloc):
            return Failed("SF names an address of its label that is not SF's", final=True)
        request = HttpRequest(method="GET", url=file.url, headers={"X-Auth-token": file.token})
        response = await exchange(self._line.wire, request)
        if isinstance(response, Failed):
            return response
        if response.status != 200 or not response.body.startswith(b"%PDF"):
            return Failed(f"HTTP {response.status}: no label", partner_wide=True, unknown=True)
        if len(response.body) > MAX_LABEL_BYTES:
            return Failed(f"expected a label of at most {MAX_LABEL_BYTES} bytes", final=True)
        return response.body

    def _ordered(self, effect: GetWaybill, person: Person) -> dict[str, Any]:
        ordered = {
            "language": "zh-CN",
            "orderId": effect.key,
            "expressTypeId": self._terms.product,
            "payMethod": 1,  # the sender pays
            "parcelQty": 1,
            "cargoDetails": [{"name": item.sku, "count": item.units, "unit": "件"} for item in effect.items],
            "contactInfoList": [
                _sender(self._partners.sender(effect.warehouse)),
                {
                    "contactType": 2,
                    "country": "CN",
                    "contact": person.name,
                    "mobile": person.phone,
                    "province": person.province,
                    "city": person.city,
                    "county": person.district,
                    "address": person.detail,
                },
            ],
        }
        card = self._line.settings.monthly_card
        return {**ordered, "monthlyCard": card} if card else ordered


def _sender(sender: Sender) -> dict[str, Any]:
    return {
        "contactType": 1,
        "country": "CN",
        "contact": sender.name,
        "mobile": sender.mobile,
        "province": sender.province,
        "city": sender.city,
        "county": sender.district,
        "address": sender.detail,
    }


def _refused(effect: GetWaybill, reason: str, raw: bytes = b"") -> Done:
    return Done(RecordWaybillRefused(shipment=effect.shipment, key=effect.key, reason=reason), raw)
