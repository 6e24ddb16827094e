"""A receipt: a provider's last word about a message to a buyer, where it names the message by its own number only.

It stands in the kernel because it crosses slices: it waits at an alias until that number is known, then goes to its
notice.
"""

from datetime import datetime

import msgspec


class Receipt(msgspec.Struct, frozen=True, kw_only=True, tag="receipt", gc=False):
    """`delivered`, or not for the reason `code`; `at` is the provider's time of it."""

    delivered: bool
    code: str
    at: datetime
