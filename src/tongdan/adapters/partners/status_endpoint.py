"""`GET /order/{id}/status?sync=1`: how a system of the seller's own sees an order, asked for by the heartbeat.

The request is signed as `authentic.py` says, with its target (path and query) in place of a body. The answer is JSON,
in canonical words; a field that it leaves out is not compared, and 404 means that the order is not known there. Many
are asked for by `GET /orders/status?sync=1&id=…&id=…`; a system that has no such address answers 404, and is asked for
one after the other. The order centre is asked in the same way (docs/http-api.md).
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final
from urllib.parse import urlencode

import msgspec

from tongdan.adapters.partners.authentic import signed_headers, target_of
from tongdan.adapters.partners.exchange import Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.domain.kernel.instants import from_rfc3339
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.money import check_fen
from tongdan.domain.kernel.standing import Standing
from tongdan.domain.orders.commands import RecordSettlement
from tongdan.ports import Failed, HttpRequest, HttpResponse, Seen, Subject, Turn

NOT_KNOWN: Final = 404
MOST: Final = 50  # orders of one call: an address of some 1,400 characters
REFERENCE_MAX: Final = 128


class Settled(msgspec.Struct, frozen=True):
    """How the books were closed on it."""

    amount_fen: int
    reference: str
    settled_at: str


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sums in fen, instants as RFC 3339, units by SKU."""

    order_id: str
    status: str
    amount_fen: int | None = None
    refunded_fen: int | None = None
    units: dict[str, int] | None = None
    waybills: list[str] | None = None
    changed_at: str | None = None
    settlement: Settled | None = None


class StatusAnswers(msgspec.Struct, frozen=True):
    """`unknown`: the orders that it does not know. One that is in neither was not answered for."""

    orders: list[msgspec.Raw]
    unknown: list[str] = []


_answer: Final = msgspec.json.Decoder(StatusAnswer)
_answers: Final = msgspec.json.Decoder(StatusAnswers)


class StatusWitness:
    """A system reached at `status_url` with `secret` of `credential`."""

    def __init__(
        self,
        partner: str,
        status_url: str,
        credential: str,
        tells: frozenset[str],
        hears: frozenset[str],
        wire: Wire,
    ) -> None:
        self.partner = partner
        self.tells = tells
        self.hears = hears
        self.at_once = MOST
        self._url: Final = status_url.rstrip("/")
        self._credential: Final = credential
        self._wire: Final = wire

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        orders = [subject.id for subject in subjects]
        if len(orders) > 1:
            many = await self._see_many(orders, turn)
            if many is not None:
                return many
            self.at_once = 1
        seen = []
        for order in orders:
            answer = await self._see(order, turn)
            if isinstance(answer, Failed):
                return answer
            seen.append(answer)
        return seen

    async def _see_many(self, orders: Sequence[str], turn: Turn) -> Sequence[Seen] | Failed | None:
        """None: there is no such address."""
        response = await self._get(
            f"/orders/status?{urlencode([('sync', 1), *[('id', id) for id in orders]])}", turn
        )
        if isinstance(response, Failed):
            return response
        if response.status == NOT_KNOWN:
            return None
        if response.status >= 300:
            return Failed(f"HTTP {response.status}", partner_wide=True)
        try:
            said = _answers.decode(response.body)
            known = [_seen(bytes(each)) for each in said.orders]
        except UNREADABLE as error:
            return Failed(f"the answer is not understood: {reason_of(error)}")
        unknown = [Seen(order=each, standing=None) for each in said.unknown]
        return [each for each in (*known, *unknown) if each.order in orders]

    async def _see(self, order: str, turn: Turn) -> Seen | Failed:
        response = await self._get(f"/order/{order}/status?sync=1", turn)
        if isinstance(response, Failed):
            return response
        if response.status == NOT_KNOWN:
            return Seen(order=order, standing=None, raw=response.body)
        if response.status >= 300:
            return Failed(f"HTTP {response.status}", partner_wide=True)
        try:
            seen = _seen(response.body)
        except UNREADABLE as error:
            return Failed(f"the answer is not understood: {reason_of(error)}")
        return seen if seen.order == order else Failed("the answer is about another order")

    async def _get(self, target: str, turn: Turn) -> HttpResponse | Failed:
        fields = fields_of(self._wire, self._credential, "secret")
        if isinstance(fields, Failed):
            return fields
        await turn()
        now, url = self._wire.clock.now(), f"{self._url}{target}"
        nonce = blake2b(f"{url} {now.timestamp()}".encode(), digest_size=16).hexdigest()
        headers = signed_headers(fields[0].encode(), now, nonce, target_of(url))
        return await exchange(self._wire, HttpRequest(method="GET", url=url, headers=headers))


def _seen(raw: bytes) -> Seen:
    said = _answer.decode(raw)
    return Seen(order=said.order_id, standing=_standing(said), news=_news(said), raw=raw)


def _standing(said: StatusAnswer) -> Standing:
    return Standing(
        status=said.status,
        native=said.status,
        amount_fen=None if said.amount_fen is None else check_fen(said.amount_fen),
        refunded_fen=None if said.refunded_fen is None else check_fen(said.refunded_fen),
        units=said.units,
        waybills=None if said.waybills is None else tuple(sorted(said.waybills)),
        said_at=_instant(said.changed_at),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else from_rfc3339(text)


def _news(said: StatusAnswer) -> tuple[Command, ...]:
    settled = said.settlement
    if settled is None:
        return ()
    return (
        RecordSettlement(
            order=said.order_id,
            amount_fen=check_fen(settled.amount_fen),
            reference=settled.reference[:REFERENCE_MAX],
            settled_at=from_rfc3339(settled.settled_at),
        ),
    )
