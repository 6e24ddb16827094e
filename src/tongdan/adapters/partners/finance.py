"""The finance system: it tells which orders were settled, and is told of their milestones. It marks refunds, too.

Its messages are JSON, signed as `authentic.py` says. A sum comes as integer fen (`amount_fen`) or as yuan
in text (`amount`), a time as RFC 3339 or as local time in the zone that the system has declared. What it confirms or
withdraws it names by the refund's id (of a platform's refund: the platform's number), and may say who did `by`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from tongdan.adapters.partners.authentic import check_signed, secret_of
from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.finance_books import fen_of, instant, list_books
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, check_size, reason_of
from tongdan.adapters.partners.settings import FinanceSettings
from tongdan.adapters.partners.telling import tell, tell_refund
from tongdan.domain.finance.books import ListBooks
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.confirmation import FINANCE as PARTY
from tongdan.domain.kernel.confirmation import Marker
from tongdan.domain.kernel.messages import Command, Effect, Refusal
from tongdan.domain.orders.commands import NoteDone, RecordSettlement
from tongdan.domain.orders.confirmation.commands import ConfirmRefund, DisputeRefund, WithdrawRefund
from tongdan.domain.orders.confirmation.facts import TellRefund
from tongdan.domain.orders.confirmation.words import CONFIRMED, WITHDRAWN
from tongdan.domain.orders.facts import TellFinance
from tongdan.ports import (
    Accepted,
    Credentials,
    Done,
    Errand,
    Failed,
    Inbound,
    NotUnderstood,
    PushAnswer,
    PushRequest,
    Repeat,
    Reply,
    Unauthentic,
    Undo,
    Verb,
)

SOURCE: Final = "finance"
SETTLED: Final = "settled"
MAX_REASON: Final = 200
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
CURRENCY: Final = "CNY"


class _Message(msgspec.Struct):
    id: str
    type: str
    order_id: str
    settled_at: str = ""
    at: str = ""
    refund_id: str = ""
    by: str = ""
    reason: str = ""
    amount_fen: int | None = None
    amount: str | None = None
    reference: str = ""
    currency: str = CURRENCY


_message: Final = msgspec.json.Decoder(_Message)


class FinanceDoor:
    """`/push/finance/{system}`, with the credential `finance/{system}` (`secret`)."""

    path = "/push/finance/"
    source: str = SOURCE

    def __init__(self, credentials: Credentials, zone: tzinfo) -> None:
        self._credentials: Final = credentials
        self._zone: Final = zone

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        check_size(request)
        system = request.path.removeprefix(self.path)
        secret = secret_of(self._credentials, f"finance/{system}").get("secret")
        if not secret:
            raise Unauthentic("the credential has no secret")
        check_signed(request, secret.encode())
        return self.read(system, request.body, request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """`about` is the system."""
        try:
            message = _message.decode(raw)
            command, at = _command(message, about, self._zone)
        except UNREADABLE as error:
            return [NotUnderstood(source=SOURCE, reason=reason_of(error), raw=raw, about=about)]
        inbound = Inbound(
            command=command,
            key=("finance", about, message.id),
            source=SOURCE,
            shop="",
            happened_at=at,
            raw=raw,
        )
        return [inbound]

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        for reply in replies:
            if not isinstance(reply, Accepted):
                return self.refuse(request, reply)
        return PushAnswer(200, b'{"ok":true}')

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        said = {"ok": False, "error": refusal.name, "message": refusal.en, "message_zh": refusal.zh}
        return PushAnswer(refusal.status, msgspec.json.encode(said), retry_after_s=refusal.retry_after_s)


def _command(message: _Message, system: str, zone: tzinfo) -> tuple[Command, datetime]:
    """What the message asks for, and when it was said."""
    if message.currency != CURRENCY:
        raise NotReadable(f"currency-not-supported: expected `currency` {CURRENCY}")
    if not 0 < len(message.id) <= 128 or len(message.reference) > 128:
        raise NotReadable("expected `id` and `reference` of at most 128 characters")
    parsed = ids.parse(message.order_id)
    if parsed is None or parsed.part:
        raise NotReadable("`order_id` is no order of ours")
    if message.type != SETTLED:
        return _about_refund(message, parsed.order, system), instant(message.at, zone)
    settled_at = instant(message.settled_at, zone)
    settlement = RecordSettlement(
        order=parsed.order,
        amount_fen=fen_of(message.amount_fen, message.amount),
        reference=message.reference,
        settled_at=settled_at,
    )
    return settlement, settled_at


def _about_refund(message: _Message, order: str, system: str) -> Command:
    if message.type not in (CONFIRMED, WITHDRAWN):
        raise NotReadable(f"expected `type` {SETTLED}, {CONFIRMED} or {WITHDRAWN}")
    if not 0 < len(message.refund_id) <= 128 or len(message.reason) > MAX_REASON:
        raise NotReadable(f"expected `refund_id`, and a `reason` of at most {MAX_REASON} characters")
    if message.by and _NAME.fullmatch(message.by) is None:
        raise NotReadable("`by` is a user's name of a-z, 0-9, '.', '_' and '-'")
    marker = Marker(party=PARTY, by=message.by or f"{SOURCE}/{system}")
    refund = ids.parse(message.refund_id)
    if refund is None and message.type == WITHDRAWN:
        return DisputeRefund(order=order, reference=message.refund_id, by=marker.by, reason=message.reason)
    if refund is None or (refund.order, refund.part) != (order, "R"):
        raise NotReadable("`refund_id` is no refund of that order")
    if message.type == WITHDRAWN:
        return WithdrawRefund(order=order, refund=refund.part_no, marker=marker, reason=message.reason)
    return ConfirmRefund(
        order=order,
        refund=refund.part_no,
        marker=marker,
        amount_fen=fen_of(message.amount_fen, message.amount),
    )


class FinanceActor:
    """Tells milestones, signed with `finance/{system}` (`secret`); finance keeps the first of an id."""

    def __init__(self, partner: str, settings: FinanceSettings, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            TellFinance: Verb(Repeat.KEYED, Undo.COMPENSABLE),
            TellRefund: Verb(Repeat.KEYED, Undo.REVERSIBLE),
        }
        if settings.books.url:
            self.verbs = {**self.verbs, ListBooks: Verb(Repeat.NATURAL, Undo.REVERSIBLE)}
        self._settings: Final = settings
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        credential = f"finance/{self._settings.system}"
        if isinstance(effect, TellRefund):
            return await tell_refund(self._wire, self._settings.base_url, credential, errand, effect)
        if isinstance(effect, ListBooks):
            return await list_books(self._wire, self._settings, errand, effect)
        if not isinstance(effect, TellFinance):
            return Failed(f"finance knows no {type(effect).__name__}", final=True)
        said: dict[str, object] = {
            "type": effect.milestone,
            "order_id": effect.order,
            "channel": effect.channel,
            "shop": effect.shop,
            "amount_fen": effect.amount_fen,
            "currency": CURRENCY,
            "at": effect.at,
        }
        if effect.refund:
            said["refund_id"] = effect.refund
        response = await tell(self._wire, self._settings.base_url, credential, errand, said)
        if isinstance(response, Failed):
            return response
        return Done(NoteDone(order=effect.order, outcome=f"finance/{effect.milestone}"), response.body)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None
