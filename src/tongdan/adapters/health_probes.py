"""How a health scan looks outside: a real TLS handshake, the `Date` of an answer, our address as a service sees it.

The certificate is read whether or not it is trusted, because one that has expired is what is looked for; nothing is
sent over that line. `NoProbes` is for replays, where there is no outside: everything is unknown.
"""

import asyncio
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from tongdan.adapters.partners.exchange import Warm
from tongdan.domain.confighealth.checks import Ending
from tongdan.ports import Clock, HttpRequest, HttpResponse, NoAnswer, Transport, Unreachable

HANDSHAKE_WITHIN_S: Final = 10.0
LOOK_WITHIN_S: Final = 10.0
LONGEST_ADDRESS: Final = 64


class NetworkProbes:
    """`ports.Probes`. `address_from`: a URL that answers with the address of whoever asks; "": nobody can tell.

    `warmers`: task → a call that changes nothing.
    """

    def __init__(
        self, transport: Transport, clock: Clock, address_from: str, warmers: Mapping[str, Warm]
    ) -> None:
        self._transport: Final = transport
        self._clock: Final = clock
        self._address_from: Final = address_from
        self._warmers: Final = warmers

    async def certificate(self, host: str, port: int) -> Ending:
        try:
            async with asyncio.timeout(HANDSHAKE_WITHIN_S):
                _, writer = await asyncio.open_connection(
                    host, port, ssl=_any_certificate(), server_hostname=host
                )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            return Ending(None, str(getattr(error, "strerror", "") or type(error).__name__)[:120])
        try:
            session: ssl.SSLObject = writer.get_extra_info("ssl_object")
            shown = session.getpeercert(binary_form=True)
        finally:
            writer.transport.abort()
        if shown is None:
            return Ending(None, "no certificate")
        return Ending(x509.load_der_x509_certificate(shown).not_valid_after_utc)

    async def ahead_s(self, url: str) -> float | None:
        """The `Date` is whole seconds and half a round trip old: it is right to a second or two."""
        split = urlsplit(url)
        before = self._clock.now()
        answer = await self._get(f"{split.scheme}://{split.netloc}/")
        if answer is None:
            return None
        date = next((text for name, text in answer.headers.items() if name.lower() == "date"), "")
        try:
            theirs = parsedate_to_datetime(date)
        except (TypeError, ValueError):
            return None
        if theirs.tzinfo is None:
            return None
        middle = before + (self._clock.now() - before) / 2
        return (middle - theirs).total_seconds()

    async def address(self) -> str | None:
        answer = await self._get(self._address_from) if self._address_from else None
        if answer is None or answer.status != 200 or len(answer.body) > LONGEST_ADDRESS:
            return None
        try:
            return str(ip_address(answer.body.decode().strip()))
        except ValueError:
            return None

    async def callback(self, url: str) -> str | None:
        """A name that cannot be resolved or a refused connection is trouble; a proxy that says 404 has answered."""
        try:
            answer = await self._transport.send(_get(url))
        except (Unreachable, NoAnswer) as error:
            return str(error)[:120] or type(error).__name__
        return f"HTTP {answer.status}" if answer.status >= 500 else ""

    async def warm(self, task: str, fields: Mapping[str, str]) -> bool | None:
        warmer = self._warmers.get(task)
        return None if warmer is None else await warmer(fields)

    async def _get(self, url: str) -> HttpResponse | None:
        try:
            return await self._transport.send(_get(url))
        except (Unreachable, NoAnswer):
            return None


class NoProbes:
    """`ports.Probes` that see nothing."""

    async def certificate(self, host: str, port: int) -> Ending:
        return Ending(None, "not looked at")

    async def ahead_s(self, url: str) -> float | None:
        return None

    async def address(self) -> str | None:
        return None

    async def callback(self, url: str) -> str | None:
        return None

    async def warm(self, task: str, fields: Mapping[str, str]) -> bool | None:
        return None


def _get(url: str) -> HttpRequest:
    return HttpRequest(method="GET", url=url, timeout_s=LOOK_WITHIN_S)


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
