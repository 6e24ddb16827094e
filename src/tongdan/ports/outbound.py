"""The way out: an **actor** performs effects at a partner and says how each of its verbs may be repeated.

Actors send through a transport they are given, so the same code runs over real HTTP and, in a replay, in process.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Protocol

import msgspec

from tongdan.domain.kernel.messages import Command, Effect, Person


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    timeout_s: float = 10.0


class HttpResponse(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Unreachable(Exception):
    """The request certainly did not arrive (refused connection, unknown host)."""


class NoAnswer(Exception):
    """It may have arrived: a time-out or a connection that broke before the answer was whole."""


class Transport(Protocol):
    """Carries requests to partners. Raises Unreachable or NoAnswer, nothing else."""

    async def send(self, request: HttpRequest) -> HttpResponse: ...


class Repeat(Enum):
    """How a verb may be sent again when it is not known whether it took place."""

    KEYED = "keyed"  # the partner knows our idempotency key
    NATURAL = "natural"  # the same business key has the same effect
    QUERY_FIRST = "query-first"  # unknown until looked up
    # A second time does no harm worth preventing; but an outage may lose the answers of many, so what it has left
    # unanswered a person sends again.
    AT_LEAST_ONCE = "at-least-once"


class Undo(Enum):
    REVERSIBLE = "reversible"
    COMPENSABLE = "compensable"
    IRREVERSIBLE = "irreversible"


class Verb(msgspec.Struct, frozen=True):
    """What an actor declares of one effect type."""

    repeat: Repeat
    undo: Undo
    deadline_s: int = 86_400
    timeout_s: float = 10.0


class Errand(msgspec.Struct, frozen=True):
    """One effect on its way. `person` opens the sealed personal data of `aggregate`'s order; None when erased."""

    id: str
    aggregate: str
    effect: Effect
    tries: int
    person: Callable[[], Person | None]


class Done(msgspec.Struct, frozen=True):
    """It took place. `command` tells the aggregate what was learnt; `raw` is the partner's answer, for the journal.

    `found`: what a read found that a person waits for; it is handed on, and not kept.
    """

    command: Command | None
    raw: bytes = b""
    found: object = None


class Failed(msgspec.Struct, frozen=True):
    """It did not take place, or (`unknown`) nobody knows.

    `partner_wide`: an outage, a limit or a credential: the breaker counts it, and the effect's deadline pauses.
    `final`: sending the same again cannot help: a dead letter at once.
    `ticket`: the kind that tells people what only they can mend; one effect raises it for all that wait.
    `turned_away`: the partner did not take our key, so it has not looked at what was asked: another may be tried.
    `unreached`: nobody was there to ask.
    """

    error: str
    partner_wide: bool = False
    final: bool = False
    unknown: bool = False
    retry_after_s: float = 0.0
    ticket: str = ""
    turned_away: bool = False
    unreached: bool = False


class Actor(Protocol):
    """Performs effects at one partner. `partner` is matched with `Effect.partner`."""

    partner: str
    verbs: Mapping[type[Effect], Verb]

    async def perform(self, errand: Errand) -> Done | Failed: ...

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        """For QUERY_FIRST: has it taken place? None: certainly not, send it. Failed: could not tell."""
