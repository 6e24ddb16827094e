"""Kingdee Cloud Galaxy (金蝶云星空) over its WebAPI: an order becomes a sale order (SAL_SaleOrder) of the same number.

Addresses and operations: partner-apis.md (DynamicFormService Save, View, Delete). Signature headers, instead of a login
that would have to be kept: the official SDKs (kingdee-cdp-webapi-sdk, the PHP one), with a vector of the public Go
client kdclient in the tests. Fields of the sale order: public programs that save one; Save with the FID of one that is
there: Kingdee's community guides. Assumed: View tells the FID as `Result.Result.Id`, FBillNo may be given, each shop is
a customer, prices include tax, freight is a material of its own, and nobody has audited what is to be changed or
deleted; if somebody has, that is refused, and a person has to look.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.partners.erp_push import CANCELLED, SAVED, erp_said
from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.adapters.partners.settings import ErpSettings
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.orders.erp_facts import CancelAtErp, PushToErp, ReviseAtErp
from tongdan.ports import Done, Errand, Failed, HttpRequest, Repeat, Undo, Verb

FORM: Final = "SAL_SaleOrder"
LOCALE: Final = "2052"
MAX_NOTE: Final = 255
FIELDS: Final = ("acct_id", "user", "app_id", "app_secret")
_SERVICE: Final = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."
_XOR: Final = b"0054f397c6234378b09ca7d3e5debce7"  # with which the SDKs hide the second half of an app id
_SESSION_LOST: Final = 1
_NO_RIGHT: Final = 9


class _Error(msgspec.Struct):
    FieldName: str | None = None
    Message: str | None = None


class Status(msgspec.Struct):
    IsSuccess: bool
    MsgCode: int = 0
    Errors: list[_Error] = []


class _Result(msgspec.Struct):
    ResponseStatus: Status | None = None
    Number: str | None = None


class Answer(msgspec.Struct):
    Result: _Result


class _Bill(msgspec.Struct):
    Id: int


class _Seen(msgspec.Struct):
    Result: _Bill


class _View(msgspec.Struct):
    Result: _Seen


_answer: Final = msgspec.json.Decoder(Answer)
_view: Final = msgspec.json.Decoder(_View)


class K3CloudActor:
    """`partner` is `erp/NAME`, its credential has the same name (`acct_id`, `user`, `app_id`, `app_secret`)."""

    def __init__(self, partner: str, settings: ErpSettings, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            PushToErp: Verb(Repeat.QUERY_FIRST, Undo.COMPENSABLE, timeout_s=30.0),
            ReviseAtErp: Verb(Repeat.NATURAL, Undo.COMPENSABLE, timeout_s=30.0),
            CancelAtErp: Verb(Repeat.QUERY_FIRST, Undo.IRREVERSIBLE, timeout_s=30.0),
        }
        self._settings: Final = settings
        self._line: Final = K3Line(partner, settings, wire)
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if isinstance(effect, ReviseAtErp):
            return await self._revise(effect)
        if isinstance(effect, PushToErp):
            said = await self._call("Save", {"Model": sale_order(effect, self._settings)})
            return said if isinstance(said, Failed) else self._done(effect.order, SAVED, said)
        if isinstance(effect, CancelAtErp):
            known = await self.look_up(errand)
            if known is not None:
                return known
            said = await self._call("Delete", {"Numbers": [effect.order]})
            return said if isinstance(said, Failed) else self._done(effect.order, CANCELLED, said)
        return Failed(f"an ERP knows no {type(effect).__name__}", final=True)

    async def _revise(self, effect: ReviseAtErp) -> Done | Failed:
        """Save it over the sale order that is there, if one is; rows give way to rows, for it cannot be without any."""
        seen = await self._call("View", {"Number": effect.order})
        if isinstance(seen, Failed) and not seen.final:
            return seen
        model: dict[str, Any] = {"FBillNo": effect.order}
        if effect.copy.lines:
            model = sale_order(effect.copy, self._settings)
        model["FNote"] = _note(effect)
        if isinstance(seen, bytes):
            try:
                model["FID"] = _view.decode(seen).Result.Result.Id
            except UNREADABLE as error:
                return Failed(f"the answer cannot be read: {reason_of(error)}", unknown=True)
        anew = "true" if effect.copy.lines else "false"
        said = await self._call("Save", {"IsDeleteEntry": anew, "Model": model})
        return said if isinstance(said, Failed) else self._done(effect.order, SAVED, said)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        """Whether the sale order is there: then it has been saved, and is still to be deleted."""
        effect = errand.effect
        if not isinstance(effect, PushToErp | CancelAtErp):
            return None
        said = await self._call("View", {"Number": effect.order})
        if isinstance(said, Failed):
            if not said.final:
                return said
            return None if isinstance(effect, PushToErp) else self._done(effect.order, CANCELLED, b"")
        return self._done(effect.order, SAVED, said) if isinstance(effect, PushToErp) else None

    def _done(self, order: str, word: str, raw: bytes) -> Done:
        return Done(erp_said(order, word, self._wire.clock.now()), raw)

    async def _call(self, operation: str, data: Mapping[str, Any]) -> bytes | Failed:
        body = await self._line.call(operation, {"formid": FORM, "data": msgspec.json.encode(data).decode()})
        if isinstance(body, Failed):
            return body
        try:
            status = _answer.decode(body).Result.ResponseStatus
        except UNREADABLE as error:
            return Failed(f"the answer cannot be read: {reason_of(error)}", unknown=True)
        return failed(status) or body


class K3Line:
    """Signed calls with the credential that is called like the `partner`."""

    def __init__(self, partner: str, settings: ErpSettings, wire: Wire) -> None:
        self._partner: Final = partner
        self._settings: Final = settings
        self._wire: Final = wire

    async def call(self, operation: str, content: Mapping[str, str]) -> bytes | Failed:
        fields = fields_of(self._wire, self._partner, *FIELDS)
        if isinstance(fields, Failed):
            return fields
        url = f"{self._settings.base_url}/{_SERVICE}{operation}.common.kdsvc"
        headers = signed(
            dict(zip(FIELDS, fields, strict=True)), url, self._settings.org, self._wire.clock.now()
        )
        body = msgspec.json.encode(content)
        response = await exchange(
            self._wire, HttpRequest(method="POST", url=url, headers=headers, body=body, timeout_s=30.0)
        )
        if isinstance(response, Failed):
            return response
        if response.status >= 300:
            away = response.status == UNAUTHORIZED
            return Failed(f"HTTP {response.status}", partner_wide=True, turned_away=away)
        return response.body


def failed(status: Status | None) -> Failed | None:
    """View answers a success without a status. Messages are not repeated, as they may quote what we sent."""
    if status is None or status.IsSuccess:
        return None
    wide = status.MsgCode in (_SESSION_LOST, _NO_RIGHT)
    fields = ", ".join([error.FieldName or "?" for error in status.Errors[:5]])
    away = status.MsgCode == _SESSION_LOST
    return Failed(f"MsgCode {status.MsgCode}: {fields}", partner_wide=wide, final=not wide, turned_away=away)


def sale_order(effect: PushToErp, settings: ErpSettings) -> dict[str, Any]:
    """The Model of a sale order, whose rows add up to what the buyer pays. Prices are for one unit, rounded to six
    decimals; the sums beside them are exact.
    """
    zone = ZoneInfo(settings.zone)
    freight_fen = effect.freight_fen if settings.freight_material else 0
    amounts = _paid_for([line.amount_fen for line in effect.lines], effect.amount_fen - freight_fen)
    rows = [
        {
            "FMaterialId": {"FNumber": line.sku},
            "FQty": line.units,
            "FTaxPrice": f"{Decimal(amount_fen) / 100 / line.units:.6f}",
            "FAllAmount": yuan_from_fen(amount_fen),
            "FIsFree": line.gift,
            "FEntryNote": line.title,
        }
        for line, amount_fen in zip(effect.lines, amounts, strict=True)
    ]
    if freight_fen:
        freight = yuan_from_fen(freight_fen)
        material = {"FNumber": settings.freight_material}
        rows.append({"FMaterialId": material, "FQty": 1, "FTaxPrice": freight, "FAllAmount": freight})
    return {
        "FBillNo": effect.order,
        "FBillTypeID": {"FNUMBER": settings.bill_type},
        "FDate": (effect.paid_at or effect.placed_at).astimezone(zone).strftime("%Y-%m-%d"),
        "FSaleOrgId": {"FNumber": settings.org},
        "FCustId": {"FNumber": settings.customers.get(effect.shop, effect.shop)},
        "FNote": _number(effect),
        "FSaleOrderFinance": {"FSettleCurrId": {"FNumber": "PRE001"}},
        "FSaleOrderEntry": rows,
    }


def _number(effect: PushToErp) -> str:
    """The channel's own."""
    return f"{effect.channel} {effect.native}"


def _note(effect: ReviseAtErp) -> str:
    """A sale order has no fields for parcels and refunds: they stand in its remark."""
    parcels = [f"{each.carrier} {each.waybill}" for each in effect.parcels]
    refunded = [f"退款 {yuan_from_fen(effect.refunded_fen)}"] if effect.refunded_fen else []
    return "; ".join([_number(effect.copy), *refunded, *parcels])[:MAX_NOTE]


def _paid_for(amounts: Sequence[int], sum_fen: int) -> list[int]:
    """The amounts with a discount of the whole order taken off each in its share, so that their sum is `sum_fen`."""
    whole, shares, given = sum(amounts) or 1, list[int](), 0
    for reached in accumulate(amounts):
        shares.append(reached * sum_fen // whole - given)
        given += shares[-1]
    return shares


def signed(credential: Mapping[str, str], url: str, org: str, at: datetime) -> dict[str, str]:
    """The headers of a call: those of the public cloud's gateway (X-Api) and those of the application (X-Kd)."""
    app_id, secret = credential["app_id"], credential["app_secret"].encode()
    client, _, hidden = app_id.partition("_")
    stamp = str(int(at.timestamp()))
    path = quote(urlsplit(url).path, safe="")
    said = f"POST\n{path}\n\nx-api-nonce:{stamp}\nx-api-timestamp:{stamp}\n"
    data = f"{credential['acct_id']},{credential['user']},{LOCALE},{org}"
    return {
        "content-type": "application/json",
        "x-api-clientid": client,
        "x-api-auth-version": "2.0",
        "x-api-timestamp": stamp,
        "x-api-nonce": stamp,
        "x-api-signheaders": "x-api-timestamp,x-api-nonce",
        "x-api-signature": _sign(said, _revealed(hidden)),
        "x-kd-appkey": app_id,
        "x-kd-appdata": base64.b64encode(data.encode()).decode(),
        "x-kd-signature": _sign(app_id + data, secret),
    }


def _sign(text: str, key: bytes) -> str:
    """Base64 of the hexadecimal HMAC-SHA256."""
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).hexdigest().encode()).decode()


def _revealed(hidden: str) -> bytes:
    """The gateway's secret in the second half of an app id; raises ValueError for what is no Base64."""
    raw = base64.b64decode(hidden)
    return base64.b64encode(bytes([one ^ other for one, other in zip(raw, _XOR, strict=False)]))
