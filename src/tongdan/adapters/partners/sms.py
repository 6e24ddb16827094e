"""Aliyun SMS receipts (`SmsReport`, HTTP batch push): an array of last words about messages that were sent.

The push carries no signature, so the secret last segment of its address is the credential. `out_id` is our own name of
the sending. One answer is for all: on anything but code 0 the whole push comes again. An account that sends for others
too needs a receipt address of its own for them. Source: SmsReport as its users have pasted it; times are local.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from tongdan.adapters.partners.authentic import same, secret_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, check_size, reason_of
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.keys import notice_of
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.notices.commands import RecordReceipt
from tongdan.ports import (
    Accepted,
    Credentials,
    Inbound,
    NotUnderstood,
    PushAnswer,
    PushRequest,
    Reply,
    Unauthentic,
)

SOURCE: Final = "notice/sms"
MAX_REPORTS: Final = 1_000
REPORT: Final = "report"


class _Report(msgspec.Struct):
    success: bool
    report_time: str
    out_id: str | None = None
    err_code: str | None = None


_push: Final = msgspec.json.Decoder(list[msgspec.Raw])
_report: Final = msgspec.json.Decoder(_Report)


class SmsDoor:
    """`/push/sms/{push_secret}` of the credential `sms/{account}`; `zone` is the provider's clock."""

    path = "/push/sms/"
    source: str = SOURCE

    def __init__(self, credentials: Credentials, account: str, zone: tzinfo) -> None:
        self._credentials: Final = credentials
        self._account: Final = account
        self._zone: Final = zone

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        check_size(request)
        secret = secret_of(self._credentials, f"sms/{self._account}").get("push_secret")
        if not secret:
            raise Unauthentic("the credential has no push secret")
        if not same(secret, request.path.removeprefix(self.path)):
            raise Unauthentic("the address is not the secret one")
        return self.read("", request.body, request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """`about` is REPORT for one report of a push, else empty."""
        if about == REPORT:
            return [self._read(raw)]
        try:
            reports = _push.decode(raw)
            if len(reports) > MAX_REPORTS:
                raise NotReadable(f"expected at most {MAX_REPORTS} reports")
        except UNREADABLE as error:
            return [NotUnderstood(source=SOURCE, reason=reason_of(error), raw=raw)]
        return [self._read(bytes(report)) for report in reports]

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        for reply in replies:
            if not isinstance(reply, Accepted):
                return self.refuse(request, reply)
        return PushAnswer(200, _said(0, "成功"))

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        return PushAnswer(refusal.status, _said(1, refusal.zh), retry_after_s=refusal.retry_after_s)

    def _read(self, raw: bytes) -> Inbound | NotUnderstood:
        try:
            report = _report.decode(raw)
            at = from_local(report.report_time, self._zone)
            sending, code = report.out_id or "", report.err_code or ""
            notice_of(sending)
            if len(code) > 64:
                raise NotReadable("expected `err_code` of at most 64 characters")
        except UNREADABLE as error:
            return NotUnderstood(source=SOURCE, reason=reason_of(error), raw=raw, about=REPORT)
        command = RecordReceipt(sending=sending, delivered=report.success, code=code, said_at=at)
        key = ("sms", self._account, sending, code, report.report_time)
        return Inbound(command=command, key=key, source=SOURCE, shop="", happened_at=at, raw=raw)


def _said(code: int, message: str) -> bytes:
    return msgspec.json.encode({"code": code, "msg": message})
