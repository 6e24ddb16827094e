"""How the heartbeat asks other systems: rules as `conf/pulse.yml` says them.

An order that has changed is checked at the next beat; one that rests is checked less often the longer it rests. A
difference younger than its grace period is a lag, not a difference.
"""

from collections.abc import Mapping

import msgspec

OURS = "order"  # the system of record is the order centre itself


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """An order that has rested for `rested_s` is checked every `every_s`."""

    rested_s: int
    every_s: int


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of partner is asked. `grace_s` by field, or `status.NAME`; other fields have `grace_else_s`.

    `tiers`: its own, if not those of all. `orders_per_call`: no more than that, though its interface would take more
    (0: what it takes). `owner`: the role that mends what does not mend itself.
    """

    calls_per_minute: int = 300
    every_s: int = 300
    orders_per_call: int = 0
    tiers: tuple[Tier, ...] = ()
    grace_else_s: int = 600
    grace_s: Mapping[str, int] = {}
    owner: str = "operations"

    def grace_of(self, field: str, status: str = "") -> int:
        return self.grace_s.get(f"{field}.{status}", self.grace_s.get(field, self.grace_else_s))


class PulsePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """`partners` by the head of their names (finance, channel, wms …): who is not named is not asked.

    `record`: field, or `status.NAME`, → the kind of system whose word counts there; `OURS` where none is named. `tries`
    of a repair, `try_again_s` apart, until a person has it; a ticket is to be closed within `repair_within_s`.
    """

    tiers: tuple[Tier, ...] = (Tier(rested_s=0, every_s=300),)
    closed_within_days: int = 15
    lag_alert_s: int = 600
    tries: int = 3
    try_again_s: int = 300
    repair_within_s: int = 86_400
    partners: Mapping[str, Terms] = {}
    record: Mapping[str, str] = {}

    def terms_of(self, partner: str) -> Terms | None:
        return self.partners.get(head(partner))

    def record_of(self, field: str, status: str = "") -> str:
        """The kind of system whose word counts: of a status its own entry first."""
        return self.record.get(f"{field}.{status}") or self.record.get(field, OURS)

    def check_every_s(self, partner: str, rested_s: float) -> int:
        """How long an order that has rested so long waits for its next check with the partner."""
        terms = self.terms_of(partner)
        tiers = terms.tiers if terms is not None and terms.tiers else self.tiers
        fitting = [tier.every_s for tier in tiers if tier.rested_s <= rested_s]
        return fitting[-1] if fitting else tiers[0].every_s


def head(partner: str) -> str:
    """`wms/WH-SOUTH` is a `wms`."""
    return partner.partition("/")[0]
