"""What `conf/confirmation.yml` has to say, so that no refund goes on fewer words than was meant."""

from collections.abc import Mapping
from typing import Final

from tongdan.domain.kernel.confirmation import CAUSES, REFUNDED, ConfirmationPolicy

FILE: Final = "confirmation.yml"
TELLS: Final = ("erp", "service")
WEBHOOK: Final = "webhook"
MAX_COOLING_S: Final = 30 * 86_400


def mistake(policy: ConfirmationPolicy, erps: Mapping[str, str]) -> tuple[str, str] | None:
    """The field that is wrong, and what was expected there; None: nothing is. `erps`: name → kind, of those in use."""
    named = {
        "statuses": (policy.statuses, (REFUNDED,)),
        "exempt": (policy.exempt, CAUSES),
        "marked_by_rule": ([each.cause for each in policy.marked_by_rule], CAUSES),
        "tells": (policy.tells, TELLS),
    }
    for field, (names, known) in named.items():
        if strange := [name for name in names if name not in known]:
            return field, f"one of {', '.join(known)}, got {strange[0]!r}"
        if len(set(names)) < len(names):
            return field, "each of them once"
    if not 0 <= policy.cooling_s <= MAX_COOLING_S:
        return "cooling_s", f"0 to {MAX_COOLING_S} seconds"
    if any(each.up_to_fen is not None and each.up_to_fen <= 0 for each in policy.marked_by_rule):
        return "marked_by_rule", "up_to_fen above 0"
    deaf = [name for name, kind in erps.items() if kind != WEBHOOK]
    if "erp" in policy.tells and deaf:
        return "tells", f"no erp, for {deaf[0]} of partners.yml is no {WEBHOOK} and takes no refunds"
    return None
