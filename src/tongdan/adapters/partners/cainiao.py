"""Cainiao e-waybills (菜鸟电子面单) of the carriers it brokers, over Taobao's gateway.

Got by `cainiao.waybill.ii.get`, found again by `…query.by.tradecode`, printed from `…query.by.waybillcode`, given back
by `…cancel`. Our key is trade order and package at once; the platform's number and OAID go into the recipient's `tid`
and `oaid`, unopened. A label is print data for Cainiao's component, encrypted, with its template. Source: the
platform's kits (Go, PHP, Java: CainiaoWaybillIi*) and answers kept by their users, who also name the error of an empty
account. Assumed: "cancelled before" and "no such number" are said as in the interface that Pinduoduo copied.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.partners.exchange import Wire, exchange, fields_of
from tongdan.adapters.partners.gateway import data_of, form, local, md5_sign, text_of
from tongdan.adapters.partners.labels import JSON, MAX_LABEL_BYTES, number_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable
from tongdan.adapters.partners.settings import CainiaoSettings, Partners, Sender
from tongdan.adapters.partners.sf_waybill import ERASED, SEALED
from tongdan.adapters.partners.taobao_api import ERRORS, REMOTE
from tongdan.domain.fulfillment.waybill_commands import (
    RecordWaybill,
    RecordWaybillCancelled,
    RecordWaybillPrinted,
    RecordWaybillRefused,
)
from tongdan.domain.fulfillment.waybill_facts import CancelWaybill, GetWaybill, PrintWaybill
from tongdan.domain.kernel.messages import Effect, Person
from tongdan.domain.kernel.policy import WaybillTerms
from tongdan.domain.sync.kinds import WAYBILLS_EXHAUSTED
from tongdan.ports import Done, Errand, Failed, Repeat, Undo, Verb

GET: Final = "cainiao.waybill.ii.get"
FIND: Final = "cainiao.waybill.ii.query.by.tradecode"
SHOW: Final = "cainiao.waybill.ii.query.by.waybillcode"
CANCEL: Final = "cainiao.waybill.ii.cancel"
PLATFORM: Final = {"TB": "TB"}  # order_channels_type; every other is OTHERS
OAID: Final = "oaid"
REMOTE_TOO: Final = 50  # the same as REMOTE, in answers that users have kept
EMPTY: Final = ("account not enough", "余额不足")
EMPTY_WAIT_S: Final = 300.0
GONE: Final = ("already-cancel", "not-exist", "已取消", "不存在")
MAX_NUMBERS: Final = 5  # of one key


class _Error(msgspec.Struct):
    code: int
    sub_code: str = ""
    sub_msg: str = ""
    request_id: str = ""


class _Waybill(msgspec.Struct):
    waybill_code: str
    print_data: str = ""
    cp_code: str = ""
    object_id: str = ""


class _Got(msgspec.Struct):
    waybill_cloud_print_response: list[_Waybill] = []


class _Given(msgspec.Struct):
    modules: _Got


class _Entry(msgspec.Struct):
    success: bool = False
    waybill_cloud_print_response: _Waybill | None = None


class _Entries(msgspec.Struct):
    waybill_cloud_print_with_result_desc_response: list[_Entry] = []


class _Found(msgspec.Struct):
    modules: _Entries = msgspec.field(default_factory=_Entries)


class _Cancelled(msgspec.Struct):
    cancel_result: bool


_error: Final = msgspec.json.Decoder(_Error)
_given: Final = msgspec.json.Decoder(_Given)
_found: Final = msgspec.json.Decoder(_Found)
_cancelled: Final = msgspec.json.Decoder(_Cancelled)


class _No(Exception):
    """Cainiao considered the call and refused: its sub-code, and whether it means that there is no such live number."""

    def __init__(self, code: str, *, gone: bool) -> None:
        super().__init__(code)
        self.reason: Final = f"Cainiao {code}"
        self.gone: Final = gone


class _Said(NamedTuple):
    data: bytes
    raw: bytes


class CainiaoActor:
    """`partner` is `carrier/CODE`; the credential `cainiao/{account}` has `app_key`, `app_secret`, `session`."""

    def __init__(
        self, partner: str, terms: WaybillTerms, settings: CainiaoSettings, partners: Partners, wire: Wire
    ) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            GetWaybill: Verb(Repeat.QUERY_FIRST, Undo.COMPENSABLE),
            CancelWaybill: Verb(Repeat.NATURAL, Undo.IRREVERSIBLE),
            PrintWaybill: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
        }
        self._terms: Final = terms
        self._settings: Final = settings
        self._partners: Final = partners
        self._wire: Final = wire
        self._zone: Final = ZoneInfo(settings.zone)

    async def perform(self, errand: Errand) -> Done | Failed:
        try:
            match errand.effect:
                case GetWaybill() as effect:
                    return await self._get(errand, effect)
                case CancelWaybill() as effect:
                    return await self._cancel(effect)
                case PrintWaybill() as effect:
                    return await self._print(effect)
        except UNREADABLE:
            return Failed("no Cainiao answer", partner_wide=True, unknown=True)
        return Failed(f"Cainiao knows no {type(errand.effect).__name__}", final=True)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        effect = errand.effect
        if not isinstance(effect, GetWaybill):
            return None
        try:
            found = await self._numbers(effect.carrier, effect.key)
        except UNREADABLE:
            return Failed("no Cainiao answer", partner_wide=True, unknown=True)
        if isinstance(found, Failed):
            return found
        return self._done(effect, found[0], b"") if found else None

    async def _get(self, errand: Errand, effect: GetWaybill) -> Done | Failed:
        person = errand.person()
        if person is None or set(person.sealed) - {OAID}:
            reason = ERASED if person is None else SEALED
            return Done(RecordWaybillRefused(shipment=effect.shipment, key=effect.key, reason=reason))
        asked = {"param_waybill_cloud_print_apply_new_request": self._asked(effect, person)}
        try:
            said = await self._call(GET, asked)
        except _No as no:
            return Done(RecordWaybillRefused(shipment=effect.shipment, key=effect.key, reason=no.reason))
        if isinstance(said, Failed):
            return said
        given = _given.decode(said.data).modules.waybill_cloud_print_response
        if len(given) != 1:
            raise NotReadable("expected one waybill")
        return self._done(effect, number_of(given[0].waybill_code), said.raw)

    def _done(self, effect: GetWaybill, waybill: str, raw: bytes) -> Done:
        return Done(RecordWaybill(shipment=effect.shipment, key=effect.key, waybill=waybill), raw)

    async def _numbers(self, carrier: str, key: str) -> list[str] | Failed:
        """What `key` was given and is not cancelled."""
        try:
            said = await self._call(FIND, {"param_list": [{"biz_sub_code": key, "object_id": key}]})
        except _No as no:
            return [] if no.gone else Failed(no.reason)
        if isinstance(said, Failed):
            return said
        return [number_of(each.waybill_code) for each in _shown(said.data) if each.cp_code in ("", carrier)]

    async def _cancel(self, effect: CancelWaybill) -> Done | Failed:
        numbers = [effect.waybill] if effect.waybill else await self._numbers(effect.carrier, effect.key)
        if isinstance(numbers, Failed):
            return numbers
        reason, raw = "", b""
        for number in numbers:
            try:
                said = await self._call(CANCEL, {"cp_code": effect.carrier, "waybill_code": number})
            except _No as no:
                reason = reason if no.gone else no.reason
                continue
            if isinstance(said, Failed):
                return said
            raw = said.raw
            if not _cancelled.decode(said.data).cancel_result:
                reason = "Cainiao did not cancel it"
        cancelled = RecordWaybillCancelled(
            shipment=effect.shipment,
            key=effect.key,
            waybill=effect.waybill,
            cancelled=not reason,
            reason=reason,
        )
        return Done(cancelled, raw)

    async def _print(self, effect: PrintWaybill) -> Done | Failed:
        """The print data as JSON: encrypted, to be given to the component as it is."""
        asked = [{"cp_code": effect.carrier, "waybill_code": effect.waybill, "object_id": effect.key}]
        try:
            said = await self._call(SHOW, {"param_list": asked})
        except _No as no:
            return Failed(no.reason, final=True)
        if isinstance(said, Failed):
            return said
        shown = [each for each in _shown(said.data) if each.waybill_code == effect.waybill]
        if not shown:
            return Failed("Cainiao shows no such number", final=True)
        label = shown[0].print_data.encode()
        if len(label) > MAX_LABEL_BYTES or not isinstance(msgspec.json.decode(label), dict):
            raise NotReadable("expected `print_data` to be an object")
        printed = RecordWaybillPrinted(
            shipment=effect.shipment, key=effect.key, form=JSON, length_bytes=len(label)
        )
        return Done(printed, label)

    async def _call(self, method: str, asked: Mapping[str, Any]) -> _Said | Failed:
        """Raises _No, or one of UNREADABLE."""
        names = ("app_key", "app_secret", "session")
        fields = fields_of(self._wire, f"cainiao/{self._settings.account}", *names)
        if isinstance(fields, Failed):
            return fields
        app_key, secret, session = fields
        parameters = {
            "method": method,
            "app_key": app_key,
            "session": session,
            "timestamp": local(self._wire.clock.now(), self._zone),
            "format": "json",
            "v": "2.0",
            "sign_method": "md5",
            **{name: text_of(value) for name, value in asked.items()},
        }
        parameters["sign"] = md5_sign(secret, parameters)
        response = await exchange(self._wire, form(self._settings.base_url, parameters))
        if isinstance(response, Failed):
            return response
        data = data_of(response.body, lambda raw: _failed(_error.decode(raw)))
        return data if isinstance(data, Failed) else _Said(data, response.body)

    def _asked(self, effect: GetWaybill, person: Person) -> dict[str, Any]:
        recipient: dict[str, Any] = {
            "name": person.name,
            "mobile": person.phone,
            "address": {
                "province": person.province,
                "city": person.city,
                "district": person.district,
                "detail": person.detail,
            },
        }
        if OAID in person.sealed:
            recipient |= {OAID: person.sealed[OAID], "tid": effect.natives[0]}
        order: dict[str, Any] = {
            "object_id": effect.key,
            "order_info": {
                "order_channels_type": PLATFORM.get(effect.channel, "OTHERS"),
                "trade_order_list": [effect.key],
            },
            "package_info": {
                "id": effect.key,
                "items": [{"name": item.sku, "count": item.units} for item in effect.items],
            },
            "recipient": recipient,
            "template_url": self._terms.template,
            **({"user_id": self._settings.user_id} if self._settings.user_id else {}),
        }
        asked: dict[str, Any] = {
            "cp_code": effect.carrier,
            "sender": _sender(self._partners.sender(effect.warehouse)),
            "trade_order_info_dtos": [order],
        }
        return {**asked, "product_code": self._terms.product} if self._terms.product else asked


def _sender(sender: Sender) -> dict[str, Any]:
    address = {
        "province": sender.province,
        "city": sender.city,
        "district": sender.district,
        "detail": sender.detail,
    }
    return {"name": sender.name, "mobile": sender.mobile, "address": address}


def _shown(data: bytes) -> list[_Waybill]:
    entries = _found.decode(data).modules.waybill_cloud_print_with_result_desc_response[:MAX_NUMBERS]
    return [
        each.waybill_cloud_print_response
        for each in entries
        if each.success and each.waybill_cloud_print_response
    ]


def _failed(said: _Error) -> Failed:
    """Whose fault it is. `sub_msg` is read for known words only: it may quote what we sent. Raises _No."""
    code = said.sub_code[:80]
    error = f"Cainiao {said.code} {code} request {said.request_id[:64]}"
    if any(word in said.sub_code or word in said.sub_msg for word in EMPTY):
        return Failed(
            f"{error}: the account has no numbers left", partner_wide=True, retry_after_s=EMPTY_WAIT_S,
            ticket=WAYBILLS_EXHAUSTED,
        )  # fmt: skip
    if said.code not in (REMOTE, REMOTE_TOO):
        return ERRORS.failed(said.code, error)
    if code.startswith("isp."):
        return Failed(error, partner_wide=True)
    raise _No(code, gone=any(word in code or word in said.sub_msg for word in GONE))
