"""The replays by name."""

from typing import Final

from tongdan.labs.incidents import (
    never_notified,
    refund_withdrawn,
    seven_orders,
    signed_without_track,
    status_drift,
)
from tongdan.labs.incidents.outcome import Incident

_ALL: Final = (
    never_notified.INCIDENT,
    refund_withdrawn.INCIDENT,
    seven_orders.INCIDENT,
    signed_without_track.INCIDENT,
    status_drift.INCIDENT,
)
INCIDENTS: Final[dict[str, Incident]] = {each.name: each for each in _ALL}
