"""Aliyun SMS receipts (`SmsReport`, HTTP batch push): an array of last words about messages that were sent.

`out_id` is our own name of the sending. An account that sends for others too needs a receipt address of its own for
them. Source: SmsReport as its users have pasted it; times are local.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tongdan.adapters.partners.reading import NotReadable
from tongdan.adapters.partners.secret_door import SecretDoor
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.keys import notice_of
from tongdan.domain.notices.commands import RecordReceipt
from tongdan.ports import Inbound

MAX_REPORTS: Final = 1_000


class _Report(msgspec.Struct):
    success: bool
    report_time: str
    out_id: str | None = None
    err_code: str | None = None


_push: Final = msgspec.json.Decoder(list[msgspec.Raw])
_report: Final = msgspec.json.Decoder(_Report)


class SmsDoor(SecretDoor):
    """Code 0 is a yes."""

    partner = "sms"
    source = "notice/sms"
    item = "report"
    listed = "reports"
    most = MAX_REPORTS

    def _split(self, raw: bytes) -> Sequence[bytes]:
        return _push.decode(raw)

    def _inbound(self, raw: bytes) -> Inbound:
        report = _report.decode(raw)
        at = from_local(report.report_time, self._zone)
        sending, code = report.out_id or "", report.err_code or ""
        notice_of(sending)
        if len(code) > 64:
            raise NotReadable("expected `err_code` of at most 64 characters")
        return Inbound(
            command=RecordReceipt(sending=sending, delivered=report.success, code=code, said_at=at),
            key=("sms", self._account, sending, code, report.report_time),
            source=self.source,
            shop="",
            happened_at=at,
            raw=raw,
        )

    def _said(self, done: bool, message: str) -> bytes:
        return msgspec.json.encode({"code": 0 if done else 1, "msg": message})
