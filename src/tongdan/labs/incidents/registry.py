"""The replays by name."""

from typing import Final

from tongdan.labs.incidents import never_notified, seven_orders
from tongdan.labs.incidents.outcome import Incident

INCIDENTS: Final[dict[str, Incident]] = {
    each.name: each for each in (never_notified.INCIDENT, seven_orders.INCIDENT)
}
