"""What `conf/pulse.yml` has to be, so that every order is asked about and no partner is asked too often."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from tongdan.domain.kernel.pulse import OURS, PulsePolicy, Terms, Tier
from tongdan.domain.kernel.standing import Field
from tongdan.domain.kernel.status import NAMES

FILE: Final = "pulse.yml"
PARTNERS: Final = frozenset({"finance", "channel", "wms", "carrier", "payment", "erp", "service"})
ROLES: Final = frozenset({"operations", "warehouse", "service", "finance", "admin"})
DAY_S: Final = 86_400
PLACES: Final = f"a field ({', '.join(Field)}), or status.NAME"


def mistake(policy: PulsePolicy) -> tuple[str, str] | None:
    """The first place that is wrong, and what was expected there; None: nowhere."""
    return next(_mistakes(policy), None)


def _mistakes(policy: PulsePolicy) -> Iterator[tuple[str, str]]:
    yield from _tiers(policy.tiers)
    if not 0 < policy.closed_within_days <= 366:
        yield "closed_within_days", "1 to 366 days"
    for name in ("lag_alert_s", "try_again_s", "repair_within_s"):
        if getattr(policy, name) <= 0:
            yield name, "a positive number of seconds"
    if not 1 <= policy.tries <= 10:
        yield "tries", "1 to 10 attempts"
    for name, terms in policy.partners.items():
        if name not in PARTNERS:
            yield f"partners.{name}", f"one of {', '.join(sorted(PARTNERS))}"
        yield from ((f"partners.{name}.{place}", what) for place, what in _terms(terms))
    yield from _records(policy)


def _tiers(tiers: Sequence[Tier]) -> Iterator[tuple[str, str]]:
    rested = [tier.rested_s for tier in tiers]
    if not rested or rested[0] != 0 or any(b <= a for a, b in pairwise(rested)):
        yield "tiers", "a first tier with rested_s: 0, and rising rested_s after it"
    if not all(60 <= tier.every_s <= 7 * DAY_S for tier in tiers):
        yield "tiers", "every_s from 60 seconds to 7 days"


def _terms(terms: Terms) -> Iterator[tuple[str, str]]:
    if not 1 <= terms.calls_per_minute <= 60_000:
        yield "calls_per_minute", "1 to 60000"
    if not 10 <= terms.every_s <= DAY_S:
        yield "every_s", "10 seconds to a day"
    if terms.tiers:
        yield from _tiers(terms.tiers)
    if terms.orders_per_call < 0:
        yield "orders_per_call", "a positive number, or 0 for what the partner takes"
    if terms.grace_else_s < 0 or any(s < 0 for s in terms.grace_s.values()):
        yield "grace_s", "seconds, 0 or more"
    if strange := [place for place in terms.grace_s if not _is_place(place)]:
        yield f"grace_s.{strange[0]}", PLACES
    if terms.owner not in ROLES:
        yield "owner", f"one of {', '.join(sorted(ROLES))}"


def _records(policy: PulsePolicy) -> Iterator[tuple[str, str]]:
    for place, record in policy.record.items():
        if not _is_place(place):
            yield f"record.{place}", PLACES
        if record not in PARTNERS | {OURS}:
            yield f"record.{place}", f"{OURS}, or one of {', '.join(sorted(PARTNERS))}"


def _is_place(place: str) -> bool:
    field, dot, status = place.partition(".")
    return field in set(Field) and (not dot or (field == Field.STATUS and status in NAMES))
