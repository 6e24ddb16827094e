"""What has happened to the pull of a shop, and the one thing it asks of a channel.

A span is half-open: `since` belongs to it, `until` does not. Both are whole seconds, because no platform can be asked
more finely, so spans laid end to end leave no instant out.
"""

from datetime import datetime

import msgspec

from tongdan.domain.kernel.messages import Effect, Fact


class Listed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order in a listing: the platform's number for it, and when it was last changed there; or one `after_sale` of
    that order."""

    native: str
    said_at: datetime
    after_sale: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A span that is being read, and what of it comes next.

    `job` 0 moves the watermark, any other number is a backfill's. `page` 0 is the first look, which tells how many
    pages there are; with a cursor it counts the pages read.
    """

    job: int
    since: datetime
    until: datetime
    page: int = 0
    cursor: str = ""


class PullStarted(Fact, frozen=True, kw_only=True):
    """The shop is asked from `next_at` on, going on from the watermark; what was being read begins anew."""

    channel: str
    shop: str
    read_to: datetime
    next_at: datetime
    what: str = ""


class PullStopped(Fact, frozen=True, kw_only=True):
    """The policy no longer says how this channel is listed."""


class BackfillQueued(Fact, frozen=True, kw_only=True):
    no: int
    since: datetime
    until: datetime
    next_at: datetime


class PageAsked(Fact, frozen=True, kw_only=True):
    reading: Reading
    asked_at: datetime


class PageListed(Fact, frozen=True, kw_only=True):
    """A page came. `then` is what of the span comes next; None: it has been read whole."""

    reading: Reading
    orders: tuple[Listed, ...]
    then: Reading | None
    next_at: datetime


class ListOrders(Effect, frozen=True, kw_only=True):
    """Ask which orders, or `what` else of them, were changed in [since, until). A read: natural. `page` and `cursor`
    are those of `Reading`."""

    channel: str
    shop: str
    since: datetime
    until: datetime
    page: int
    cursor: str
    what: str = ""
