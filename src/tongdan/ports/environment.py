"""What every part of the loop stands in: time, chance, secrets.

The only way to read a clock, to wait, to be unpredictable or to hold a secret, so that a replay can put its own in
their place and the same seed gives the same run.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only way to read or wait on time."""

    def now(self) -> datetime:
        """The current instant, aware, UTC, to the microsecond."""

    async def sleep(self, seconds: float) -> None: ...

    def monotonic(self) -> float:
        """Seconds that only grow, for durations."""

    def call_later(self, seconds: float, then: Callable[[], object]) -> Callable[[], None]:
        """Call `then` on the loop's thread after `seconds`; what is returned cancels it."""


class Entropy(Protocol):
    """The only source of chance: the operating system's, or in a replay the seed's."""

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""

    def uniform(self) -> float:
        """A number in [0, 1)."""


class Credentials(Protocol):
    """Secrets by name, read when used, never logged. Raises KeyError naming what is missing."""

    def get(self, name: str) -> Mapping[str, str]: ...
