"""What may be asked of an alias, of a ticket and of a slot."""

from datetime import datetime

from tongdan.domain.kernel.lost import Lost
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.receipts import Receipt
from tongdan.domain.kernel.tracks import Track
from tongdan.domain.sync.pull_facts import Listed


class ClaimAlias(Command, frozen=True, kw_only=True):
    """`alias` is to lead to `order`, and to no other: client-order/SHOP/NO, waybill/CARRIER/NO, receipt/MEANS/NO.

    `order` is the id of what it leads to: an order, a shipment or one sending of a notice.
    """

    alias: str
    order: str


class SendByAlias(Command, frozen=True, kw_only=True):
    """Bring `letter` to whatever `alias` leads to; until that is known it waits there. `source`: who sent it."""

    alias: str
    source: str
    letter: Track | Receipt


class RaiseTicket(Command, frozen=True, kw_only=True):
    """Something about `subject` (an aggregate's id) needs eyes. One open ticket a subject and `kind`."""

    subject: str
    kind: str
    summary: str


class ResolveTicket(Command, frozen=True, kw_only=True):
    """The cause of a ticket is gone, on the evidence named; no open ticket is no error."""

    subject: str
    kind: str
    evidence: str


class OpenEpoch(Command, frozen=True, kw_only=True):
    """The slot was restored from `backup` (a name that tells restores apart): its sequence begins anew."""

    slot: int
    backup: str
    lost: Lost


class StartPull(Command, frozen=True, kw_only=True):
    """The shop is to be asked regularly for what has changed; one that is asked already stays as it is.

    `what` of it: "" is its orders. `given_up`: a person has skipped the page that was asked for.
    """

    channel: str
    shop: str
    what: str = ""
    given_up: bool = False


class RequestBackfill(Command, frozen=True, kw_only=True):
    """All that was changed in [since, until) is to be read (again). What is known already stays as it is."""

    channel: str
    shop: str
    what: str = ""
    since: datetime
    until: datetime


class RecordListing(Command, frozen=True, kw_only=True):
    """The outcome of `ListOrders`. `pages` in all, where the channel counts them; `cursor` of the next, "" for none."""

    channel: str
    shop: str
    what: str = ""
    orders: tuple[Listed, ...]
    pages: int = 0
    cursor: str = ""
