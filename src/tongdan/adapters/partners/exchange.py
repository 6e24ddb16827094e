"""One request to a partner and what its failure means before the partner's own words are read.

Whether a request may have arrived is all that matters for sending it again; whose fault it was decides
between a breaker (the partner as a whole) and a dead letter (this effect).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from tongdan.domain.sync.kinds import CREDENTIAL_UNUSABLE
from tongdan.ports import (
    Clock,
    Credentials,
    Failed,
    HttpRequest,
    HttpResponse,
    NoAnswer,
    NotForUse,
    Transport,
    Unreachable,
)

MAX_RETRY_AFTER_S: Final = 3_600
UNAUTHORIZED: Final = 401  # the key; 403 is the right to do this, or our address


# Makes a call that changes nothing with these fields of a key; whether the partner took it.
Warm = Callable[[Mapping[str, str]], Awaitable[bool]]


class Wire(NamedTuple):
    """What every actor needs to speak to its partner."""

    transport: Transport
    credentials: Credentials
    clock: Clock


async def exchange(wire: Wire, request: HttpRequest) -> HttpResponse | Failed:
    """The partner's answer, or why there is none worth reading (no answer, a limit, a server's error)."""
    try:
        response = await wire.transport.send(request)
    except Unreachable as error:
        return Failed(f"unreachable: {error}", partner_wide=True, unreached=True)
    except NoAnswer as error:
        return Failed(f"no answer: {error}", partner_wide=True, unknown=True)
    if response.status == 429 or response.status == 503:
        return Failed(f"HTTP {response.status}", partner_wide=True, retry_after_s=_retry_after_s(response))
    if response.status >= 500 or response.status < 200:
        return Failed(f"HTTP {response.status}", partner_wide=True, unknown=True)
    return response


def fields_of(wire: Wire, name: str, *fields: str) -> tuple[str, ...] | Failed:
    """The named fields of a credential; a missing one stops the partner, not the effect: it can be mended."""
    try:
        credential = wire.credentials.get(name)
        return tuple(credential[field] for field in fields)
    except NotForUse as no:
        return Failed(
            f"{no.refusal.name}: {no.refusal.en}",
            partner_wide=True,
            retry_after_s=60,
            ticket=CREDENTIAL_UNUSABLE,
        )
    except KeyError:
        return Failed(f"the credential {name} is missing or incomplete", partner_wide=True, retry_after_s=60)


def _retry_after_s(response: HttpResponse) -> float:
    text = response.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        return 0.0
    return float(min(int(text), MAX_RETRY_AFTER_S))
