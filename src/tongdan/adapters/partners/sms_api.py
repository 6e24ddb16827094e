"""Aliyun SMS calls (dysmsapi 2017-05-25): `SendSms`, and `QuerySendDetails` for what became of one.

Signed with ACS3-HMAC-SHA256. `OutId` carries our name of the sending: it comes back with the receipt and with the
details, so a time-out is looked up before it is sent again; but it is no idempotency key, and the details lag by an
amount nobody states, so a second message remains possible. Sources: Aliyun's signature V3 page (its published example
is a test) and the fields of its Java and Go kits; which code is whose fault is our reading of its error list.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from tongdan.adapters.partners.exchange import Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import SmsSettings
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.messages import Effect, Person
from tongdan.domain.kernel.slots import digest
from tongdan.domain.notices.commands import (
    RecordNobodyThere,
    RecordNoticeRefused,
    RecordNoticeSent,
    RecordReceipt,
)
from tongdan.domain.notices.facts import AskReceipt, SendNotice
from tongdan.ports import Done, Errand, Failed, HttpRequest, Repeat, Undo, Verb

VERSION: Final = "2017-05-25"
SEND: Final = "SendSms"
DETAILS: Final = "QuerySendDetails"
OK: Final = "OK"
# The account, its signature, its money, the platform: nothing of it is this message's fault.
WIDE: Final = frozenset(
    {
        "isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL", "isv.OUT_OF_SERVICE", "isv.AMOUNT_NOT_ENOUGH",
        "isv.PRODUCT_UNSUBSCRIBE", "isv.PRODUCT_UN_SUBSCRIPT", "isv.DENY_IP_RANGE", "isv.SYSTEM_ERROR",
        "isp.SYSTEM_ERROR", "isp.RAM_PERMISSION_DENY", "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive",
        "SignatureDoesNotMatch", "IncompleteSignature", "InvalidTimeStamp.Expired", "SignatureNonceUsed",
        "Forbidden.RAM", "NoPermission", "ServiceUnavailable", "InternalError",
    }
)  # fmt: skip
AWAY: Final = frozenset(
    {
        "InvalidAccessKeyId.NotFound",
        "InvalidAccessKeyId.Inactive",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
    }
)
LIMITED: Final = frozenset({"Throttling", "Throttling.User", "Throttling.Api", "isv.DAY_LIMIT_CONTROL"})
LIMITED_PAUSE_S: Final = 60.0
# So many messages to one phone in a minute, an hour or a day: this one may go later.
PHONE_LIMITED: Final = "isv.BUSINESS_LIMIT_CONTROL"
PHONE_PAUSE_S: Final = 900.0
LOOKS: Final = 3  # attempts after which a message that the details do not show is believed not to be there
LOOK_PAUSE_S: Final = 30.0
PAGE_SIZE: Final = 50  # messages to one phone on one day that are looked through
ARRIVED, LOST = 3, 2  # SendStatus; 1: no receipt yet
EMPTY: Final = hashlib.sha256(b"").hexdigest()
SHOWN: Final = 64

_PHONE: Final = re.compile(r"(?:\+?86)?(1\d{10})", re.ASCII)


class _Answer(msgspec.Struct, rename="pascal"):
    code: str
    biz_id: str | None = None


class _Detail(msgspec.Struct, rename="pascal"):
    send_status: int
    out_id: str | None = None
    err_code: str | None = None
    receive_date: str | None = None


class _DetailList(msgspec.Struct, rename={"details": "SmsSendDetailDTO"}):
    details: list[_Detail] = []


class _Details(msgspec.Struct, rename={"code": "Code", "found": "SmsSendDetailDTOs"}):
    code: str
    found: _DetailList | None = None


_answer: Final = msgspec.json.Decoder(_Answer)
_details: Final = msgspec.json.Decoder(_Details)


class SmsActor:
    """Calls with the credential `sms/{account}`: `access_key_id`, `access_key_secret`."""

    def __init__(self, partner: str, settings: SmsSettings, zone: tzinfo, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            SendNotice: Verb(Repeat.QUERY_FIRST, Undo.IRREVERSIBLE),
            AskReceipt: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
        }
        self._settings: Final = settings
        self._zone: Final = zone
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if not isinstance(effect, SendNotice | AskReceipt):
            return Failed(f"SMS knows no {type(effect).__name__}", final=True)
        person = errand.person()
        if person is None:
            return Done(RecordNobodyThere(sending=effect.sending))
        if isinstance(effect, AskReceipt):
            return await self._ask(errand, effect, phone_of(person))
        phone = phone_of(person)
        if not phone:
            return Done(RecordNoticeRefused(sending=effect.sending, reason="no-phone"))
        asked = {
            "PhoneNumbers": phone,
            "SignName": effect.signature,
            "TemplateCode": effect.template,
            "TemplateParam": msgspec.json.encode(effect.values).decode(),
            "OutId": effect.sending,
        }
        body = await self._call(errand, SEND, asked)
        if isinstance(body, Failed):
            return body
        try:
            answer = _answer.decode(body)
        except UNREADABLE:
            return Failed(f"no answer of {SEND}", partner_wide=True, unknown=True)
        if answer.code == OK:
            return Done(
                RecordNoticeSent(sending=effect.sending, reference=(answer.biz_id or "")[:SHOWN]), body
            )
        return _refused(answer.code) or Done(
            RecordNoticeRefused(sending=effect.sending, reason=answer.code[:SHOWN]), body
        )

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        """By phone and day, today's and yesterday's: the first attempt may have been before midnight."""
        effect, person = errand.effect, errand.person()
        assert isinstance(effect, SendNotice)
        if person is None or not phone_of(person):
            return None
        now = self._wire.clock.now()
        for day in (now, now - timedelta(days=1)):
            found = await self._detail(errand, effect.sending, phone_of(person), day, "")
            if isinstance(found, Failed):
                return found
            if found is not None:
                return Done(RecordNoticeSent(sending=effect.sending, reference=""))
        if errand.tries <= LOOKS:
            return Failed("not among the details yet", unknown=True, retry_after_s=LOOK_PAUSE_S)
        return None

    async def _ask(self, errand: Errand, effect: AskReceipt, phone: str) -> Done | Failed:
        found = await self._detail(errand, effect.sending, phone, effect.sent_at, effect.reference)
        if isinstance(found, Failed):
            return found
        if found is None or found.send_status not in (ARRIVED, LOST):
            return Done(None)
        try:
            said_at = from_local(found.receive_date or "", self._zone)
        except ValueError:
            said_at = self._wire.clock.now()
        receipt = RecordReceipt(
            sending=effect.sending,
            delivered=found.send_status == ARRIVED,
            code=(found.err_code or "")[:SHOWN],
            said_at=said_at,
        )
        return Done(
            receipt, msgspec.json.encode({"SendStatus": found.send_status, "ErrCode": found.err_code})
        )

    async def _detail(
        self, errand: Errand, sending: str, phone: str, at: datetime, reference: str
    ) -> _Detail | Failed | None:
        """The message among those to this phone on the local day of `at`."""
        asked = {
            "PhoneNumber": phone,
            "SendDate": at.astimezone(self._zone).strftime("%Y%m%d"),
            "PageSize": str(PAGE_SIZE),
            "CurrentPage": "1",
        }
        if reference:
            asked["BizId"] = reference
        body = await self._call(errand, DETAILS, asked)
        if isinstance(body, Failed):
            return body
        try:
            answer = _details.decode(body)
        except UNREADABLE:
            return Failed(f"no answer of {DETAILS}", partner_wide=True, unknown=True)
        if answer.code != OK:
            return _refused(answer.code) or Failed(answer.code[:SHOWN], final=True)
        return next(
            (each for each in (answer.found or _DetailList()).details if each.out_id == sending), None
        )

    async def _call(self, errand: Errand, action: str, asked: dict[str, str]) -> bytes | Failed:
        name = f"sms/{self._settings.account}"
        fields = fields_of(self._wire, name, "access_key_id", "access_key_secret")
        if isinstance(fields, Failed):
            return fields
        nonce = digest(errand.id, str(errand.tries), action, *asked.values()).hex()
        key_id, key_secret = fields
        request = signed(
            self._settings.base_url, action, asked, key_id, key_secret, self._wire.clock.now(), nonce
        )
        response = await exchange(self._wire, request)
        return response if isinstance(response, Failed) else response.body


def _refused(code: str) -> Failed | None:
    """The failure of more than this message; None: of this one for good."""
    if code in WIDE:
        return Failed(f"SMS: {code}", partner_wide=True, turned_away=code in AWAY)
    if code in LIMITED:
        return Failed(f"SMS: {code}", partner_wide=True, retry_after_s=LIMITED_PAUSE_S)
    return Failed(f"SMS: {code}", retry_after_s=PHONE_PAUSE_S) if code == PHONE_LIMITED else None


def phone_of(person: Person) -> str:
    """A mobile number of the mainland; "" for one that is masked, sealed by a platform, or none."""
    found = _PHONE.fullmatch(re.sub(r"[\s-]", "", person.phone))
    return found[1] if found is not None else ""


def signed(
    base_url: str,
    action: str,
    asked: dict[str, str],
    key_id: str,
    key_secret: str,
    at: datetime,
    nonce: str,
    version: str = VERSION,
) -> HttpRequest:
    """A call of Aliyun's RPC kind: parameters in the query, no body, ACS3-HMAC-SHA256 over both and the headers."""
    query = "&".join(f"{_quoted(name)}={_quoted(asked[name])}" for name in sorted(asked))
    headers: dict[str, Any] = {
        "host": urlsplit(base_url).netloc,
        "x-acs-action": action,
        "x-acs-content-sha256": EMPTY,
        "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{EMPTY}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"
    )
    return HttpRequest(method="POST", url=f"{base_url.rstrip('/')}/?{query}", headers=headers)


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
