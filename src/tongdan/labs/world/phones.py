"""What may be wrong with buyers' phones and their providers on a day, apart from the faults of single orders.

A phone's fate is drawn from its own number, so that whoever sends to it, in which world ever, meets the same.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from tongdan.labs.world.chance import Stream


class Weather(NamedTuple):
    """Shares (0…1) of phones: `off` never take a message, `silent` have their receipts lost, `refusing` forbid the
    mini-program to tell them. Between `rejects_from` and `rejects_until` the provider has withdrawn the template;
    `per_minute` messages are taken at most (0: any number); of all calls `broken` end without an answer, half of
    them carried out."""

    off: float = 0.0
    silent: float = 0.0
    refusing: float = 0.0
    broken: float = 0.0
    per_minute: int = 0
    rejects_from: datetime | None = None
    rejects_until: datetime | None = None

    def is_off(self, seed: int, phone: str) -> bool:
        return Stream(seed, "phone off", phone).chance(self.off)

    def is_silent(self, seed: int, phone: str) -> bool:
        return Stream(seed, "phone silent", phone).chance(self.silent)

    def refuses(self, seed: int, openid: str) -> bool:
        return Stream(seed, "phone refuses", openid).chance(self.refusing)

    def breaks(self, seed: int, call: str) -> str:
        """ "": it is answered; "before" or "after" it was carried out the line breaks."""
        stream = Stream(seed, "line", call)
        if not stream.chance(self.broken):
            return ""
        return stream.pick(("before", "after"))

    def rejects(self, at: datetime) -> bool:
        if self.rejects_from is None or self.rejects_until is None:
            return False
        return self.rejects_from <= at < self.rejects_until


FAIR = Weather()
RESEND_WINDOW = timedelta(minutes=1)
