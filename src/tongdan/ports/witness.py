"""A witness is a partner that can be asked how it sees orders: its own query, or `GET /order/{id}/status?sync=1`.

What it tells is compared, and where its word counts it also brings the commands by which we would come to know the
same: the ordinary ones, with its answer as raw payload.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from tongdan.domain.kernel.messages import Command, Person
from tongdan.domain.kernel.standing import Standing
from tongdan.ports.outbound import Failed


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """An order under the names by which partners know it.

    `parcels` are (shipment, waybill), `payments` our numbers of attempts, `refunds` of refunds; `off` are those of the
    order and its shipments that are to be off by our word, so that who has forgotten them agrees. `person` opens the
    personal data, None when erased.
    """

    id: str
    channel: str
    shop: str
    native: str
    shipments: tuple[str, ...] = ()
    parcels: tuple[tuple[str, str], ...] = ()
    payments: tuple[str, ...] = ()
    refunds: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    person: Callable[[], Person | None]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How the partner sees one order; `standing` None: it does not know it. `news`: what it would teach us."""

    order: str
    standing: Standing | None
    news: tuple[Command, ...] = ()
    raw: bytes = b""


# To be awaited before each call to the partner: it returns when the partner's rate allows one more.
Turn = Callable[[], Awaitable[None]]


class Witness(Protocol):
    """`tells`: the canonical statuses it can tell; `hears`: the statuses and fields it can be told again; `at_once`:
    for how many orders it can be asked in one `see`."""

    partner: str
    tells: frozenset[str]
    hears: frozenset[str]
    at_once: int

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        """At most `at_once` orders, in as few calls as the partner's interface allows. Who is left out of the answer
        was not answered for."""
