"""A partner that freezes keys which nobody has called with for so long: from then on it answers HTTP 401."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from tongdan.ports import Clock, HttpResponse


class IdleKeys:
    """`called`: each key that it may freeze, and when it was called with last."""

    def __init__(self, clock: Clock, called: Mapping[str, datetime], idle: timedelta) -> None:
        self.frozen: Final[dict[str, datetime]] = {}
        self.refused: Final[list[datetime]] = []
        self._clock: Final = clock
        self._called: Final = dict(called)
        self._idle: Final = idle

    def refuses(self, key: str) -> HttpResponse | None:
        """The answer to a call with a frozen key; None: it is taken."""
        now = self._clock.now()
        if key not in self._called:
            return None
        if now > self._called[key] + self._idle:
            self.frozen[key] = self._called[key] + self._idle
        if key in self.frozen:
            self.refused.append(now)
            return HttpResponse(401, {"content-type": "application/json"}, b'{"errorMsg":"Invalid AppKey"}')
        self._called[key] = now
        return None
