"""What has happened to a mark: a keyed token by which a buyer is known again, whose value stands nowhere."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact


class MarkChecked(Fact, frozen=True, kw_only=True):
    """`hit` and `denied`: the rules that hold of this buyer, and those that do not. `why`: of the blacklist."""

    mark: str
    order: str
    no: int
    hit: tuple[str, ...]
    denied: tuple[str, ...]
    why: str
    checked_at: datetime


class MarkListed(Fact, frozen=True, kw_only=True):
    mark: str
    reason: str
    listed_at: datetime


class MarkUnlisted(Fact, frozen=True, kw_only=True):
    mark: str
    reason: str
