"""What a person says of an order that they enter, besides what every order has."""

from datetime import datetime

import msgspec

from tongdan.domain.kernel.messages import Fact


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why an order is entered by hand, and how it is paid: `payment` is a means of `money.offline`, then with the
    `reference` of the receipt and when it was paid (None: now), or `cod`, or `none` for an order that costs nothing."""

    reason: str
    payment: str
    reference: str = ""
    paid_at: datetime | None = None


class OrderEntered(Fact, frozen=True, kw_only=True):
    """A person entered it; who it was stands in the row."""

    reason: str
