"""What every part of the loop stands in: time, chance, secrets.

The only way to read a clock, to wait, to be unpredictable or to hold a secret, so that a replay can put its own in
their place and the same seed gives the same run.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from tongdan.domain.confighealth.commands import PutKey
from tongdan.domain.kernel.messages import Refusal


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


class NotForUse(KeyError):
    """There is a credential, and it must not be called with; `refusal` says why and how to mend it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal


class Credentials(Protocol):
    """Secrets by name, read when used, never logged. Raises KeyError naming what is missing, or NotForUse."""

    def get(self, name: str) -> Mapping[str, str]: ...


class KeyRing(Protocol):
    """The keys of every task as they lie on the disk; read again when they have changed, in every process."""

    @property
    def is_sealed(self) -> bool:
        """Whether they are encrypted. Where they are not, each task has one key, of which nothing is known."""

    def keys(self) -> Mapping[str, Mapping[str, PutKey]]:
        """task → key → what was said of it when it was put."""

    def fields(self, task: str, key: str) -> Mapping[str, str]:
        """The secret itself; the same object until it changes. Raises KeyError naming what is missing."""

    def put(self, said: PutKey, fields: Mapping[str, str]) -> PutKey:
        """Seal a key, or seal it anew; with its fingerprint. Raises OSError, and ValueError when it is too much."""


class UseBook(Protocol):
    """When a key was called with last: kept beside the journal, because a fact for each call would drown it."""

    def note(self, task: str, key: str, at: datetime) -> None: ...

    def last(self) -> Mapping[str, datetime]:
        """`TASK/KEY` → the last call of any process, as of a minute ago at most."""

    def flush(self) -> None: ...
