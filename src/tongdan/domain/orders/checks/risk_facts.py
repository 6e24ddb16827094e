"""What rules about an order and its buyer have led to. The buyer is named by marks: keyed tokens, never a value."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact


class RiskAsked(Fact, frozen=True, kw_only=True):
    """The order is held until each of `marks` has said which of `rules` hold of the buyer.

    `unless`: those of the rules that hold unless a mark denies it (a first order).
    """

    no: int
    marks: tuple[str, ...]
    rules: tuple[str, ...]
    unless: tuple[str, ...] = ()


class RiskAnswered(Fact, frozen=True, kw_only=True):
    """`hit`: the rules that hold, as this mark knows the buyer; `denied`: those that do not."""

    no: int
    mark: str
    hit: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


class HeldByRule(Fact, frozen=True, kw_only=True):
    """A rule of `conf/holds.yml` holds the order as `hold`, until a person lifts it or, by itself, until `lift_at`."""

    rule: str
    hold: str
    why: str
    why_zh: str
    note: str = ""
    lift_at: datetime | None = None
