"""Global ids: `DY20260127000892` = channel + day of creation in UTC+8 + sequence, where sequence = n·256 + slot.

An id tells its slot without a directory, and everything handed to partners begins with it: payment attempt `…-P1`,
shipment `…-S1`, refund `…-R1`, after-sale `…-A1`. Sequences have at least six digits, are neither dense nor ordered,
and never reused.
"""

import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from tongdan.domain.kernel.slots import SLOTS

SHANGHAI: Final = timezone(timedelta(hours=8), "UTC+8")
_ID: Final = re.compile(r"([A-Z]{2})(\d{8})(\d{6,18})(?:-([PSRA])([1-9]\d{0,3}))?", re.ASCII)


class ParsedId(NamedTuple):
    """A Tongdan id taken apart; `part` is P, S, R or A with its `part_no`, or "" and 0 for the order itself."""

    order: str
    channel: str
    slot: int
    part: str
    part_no: int


def business_day(at: datetime) -> date:
    """The calendar day in UTC+8, by which ids, promises and settlements count."""
    return at.astimezone(SHANGHAI).date()


def make_order_id(channel: str, day: str, n: int, slot: int) -> str:
    """The `n`-th id (n ≥ 0) of a slot on `day` (YYYYMMDD, UTC+8)."""
    return f"{channel}{day}{n * SLOTS + slot:06d}"


@lru_cache(maxsize=65_536)
def parse(text: str) -> ParsedId | None:
    """Take an order, payment, shipment or refund id apart; None when it cannot be one of ours."""
    found = _ID.fullmatch(text)
    if found is None:
        return None
    channel, day, sequence, part, no = found.groups()
    if not _is_day(day):
        return None
    return ParsedId(f"{channel}{day}{sequence}", channel, int(sequence) % SLOTS, part or "", int(no or 0))


@lru_cache(maxsize=4_096)
def _is_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def payment_id(order: str, attempt: int) -> str:
    return f"{order}-P{attempt}"


def shipment_id(order: str, no: int) -> str:
    return f"{order}-S{no}"


def refund_id(order: str, no: int) -> str:
    return f"{order}-R{no}"


def after_sale_id(order: str, no: int) -> str:
    return f"{order}-A{no}"
