"""What has happened to units that are not wanted any more, and to the price of lines that goes back.

The two are apart: units are withdrawn only while they have not left, a price goes back before and after. Nothing here
moves money; what the provider is asked for stands in `refund_facts.py`.
"""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.lines import ReservedLine, Units


class UnitsWithdrawn(Fact, frozen=True, kw_only=True):
    """Units that have not left are not to leave.

    `stopped` are those that no warehouse had been given; the others lie in parcels, of which `shipments` are called
    back and `apart` lie beside units that are wanted, so that a person has to split them off. The reservations of
    `freed` end; the lines of `again` ask for what is left of them (`again_units`) under new attempts, until `until`.
    `complete_at`: nothing is to come any more and all is signed for, so an own shop's order ends then.
    """

    units: tuple[Units, ...]
    stopped: tuple[Units, ...]
    reason: str
    freed: tuple[ReservedLine, ...] = ()
    again: tuple[ReservedLine, ...] = ()
    again_units: tuple[Units, ...] = ()
    region: str = ""
    until: datetime | None = None
    shipments: tuple[str, ...] = ()
    apart: tuple[Units, ...] = ()
    complete_at: datetime | None = None
    ends: tuple[str, ...] = ()


class UnitsWantedAgain(Fact, frozen=True, kw_only=True):
    """Units that were withdrawn with a refund, which was withdrawn itself, are to leave after all: stock is asked for
    `units` under the attempts of `again`. `stays` lie in parcels still, and leave with them; `kept` cannot come back by
    themselves, so a person has to send them."""

    units: tuple[Units, ...]
    again: tuple[ReservedLine, ...]
    region: str
    reason: str
    stays: tuple[Units, ...] = ()
    kept: tuple[Units, ...] = ()
    ends: tuple[str, ...] = ()


class LinesRefunded(Fact, frozen=True, kw_only=True):
    """The price of these units goes back: by the refunds of these numbers, or by the platform under its `reference`.

    A platform says what it paid back (`amount_fen`) for what it calls `sold`; `counts_fen` is what of it lies within
    the buyer's money. `unknown` are names of lines that the order does not have.
    """

    units: tuple[Units, ...]
    amount_fen: int
    reason: str
    refunds: tuple[int, ...] = ()
    reference: str = ""
    counts_fen: int = 0
    sold: tuple[tuple[str, int], ...] = ()
    unknown: tuple[str, ...] = ()
    refunded_at: datetime | None = None
