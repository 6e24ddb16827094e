"""What a health scan asks of the world outside. Whatever cannot be seen is None, and never taken for fine."""

from collections.abc import Mapping
from typing import Protocol

from tongdan.domain.confighealth.checks import Ending


class Probes(Protocol):
    """Looks; raises nothing, and may be given up."""

    async def certificate(self, host: str, port: int) -> Ending:
        """Until when the certificate is good that a TLS handshake with the host shows."""

    async def ahead_s(self, url: str) -> float | None:
        """How many seconds our clock is ahead of the `Date` that the host of `url` answers with."""

    async def address(self) -> str | None:
        """Our address as others see it."""

    async def callback(self, url: str) -> str | None:
        """ "" when `url` answers a GET below 500, else what it did; None: nobody could ask."""

    async def warm(self, task: str, fields: Mapping[str, str]) -> bool | None:
        """Make a call that changes nothing, with this key; False: it did not go, None: the partner offers none."""
