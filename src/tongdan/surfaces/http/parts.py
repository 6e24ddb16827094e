"""What the API is put together from, and how an endpoint gets at it.

Endpoints run on the loop's thread and read through connections that belong to it; none of them blocks longer than
one read of bounded size, for intake shares the thread. Whoever is narrowed to some shops gets parts that see no others.
"""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Request

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.refusals import UNKNOWN_ID
from tongdan.domain.orders.model import Order
from tongdan.flow.meters import Meters
from tongdan.ports import Clock, CommandBus, Entropy, Reads
from tongdan.ports.identity import IdentityProvider
from tongdan.surfaces.board import Boards
from tongdan.surfaces.front_door import Sample
from tongdan.surfaces.http.callers import Caller
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import ApiKeys, Principal, Scope
from tongdan.surfaces.http.members import Members
from tongdan.surfaces.http.narrowed import NarrowedReads, Sight
from tongdan.surfaces.http.pace import Pace
from tongdan.surfaces.http.sessions import Patience, Sessions

T = TypeVar("T")

SIGN_INS_A_SECOND: Final = 20  # each has the provider asked
STEP: Final = 200  # states read before the loop may do something else
COUNTS_FRESH_S: Final = 1.0  # a page that is asked for in a loop need not count each time


class Parts:
    """`samples()` are the last unauthentic pushes; `ready()` is False while the centre starts or stops; `all_meters()`
    adds up what each process of the centre counts; `provider`: by which people may sign in beside their passwords."""

    def __init__(
        self, *, reads: Reads, bus: CommandBus, meters: Meters, policy: Policy, keys: ApiKeys, clock: Clock,
        entropy: Entropy, samples: Callable[[], list[Sample]] = list, ready: Callable[[], bool] = lambda: True,
        sessions: Sessions, members: Members, all_meters: Callable[[], Awaitable[Meters]] | None = None,
        provider: IdentityProvider | None = None,
    ) -> None:  # fmt: skip
        self.reads = reads
        self.boards = Boards(reads, clock)
        self.bus: Final = bus
        self.meters: Final = meters
        self.policy: Final = policy
        self.keys: Final = keys
        self.members: Final = members
        self.sessions: Final = sessions
        self.patience: Final = Patience()
        self.provider = provider
        self.sign_in_pace: Final = Pace(SIGN_INS_A_SECOND)
        self.widget_pace: Final = Pace()
        self.clock: Final = clock
        self.entropy: Final = entropy
        self.samples: Final = samples
        self.ready: Final = ready
        self._all_meters: Final = all_meters
        self._counted: Final[dict[str, tuple[float, Mapping[str, int]]]] = {}  # one for all who look

    def counts(self) -> Mapping[str, int]:
        """`reads.counts()`, at most COUNTS_FRESH_S old."""
        now_s = self.clock.monotonic()
        counted_s, counts = self._counted.get("", (-COUNTS_FRESH_S, {}))
        if now_s - counted_s >= COUNTS_FRESH_S:
            counts = self.reads.counts()
            self._counted[""] = now_s, counts
        return counts

    async def all_meters(self) -> Meters:
        return self.meters if self._all_meters is None else await self._all_meters()

    def seen_by(self, who: Principal) -> "Parts":
        seen = copy.copy(self)
        sight = Sight(who.shops, who.warehouses, cost=Scope.COST in who.scopes)
        seen.reads = NarrowedReads(self.reads, sight)
        seen.boards = self.boards.seen_through(seen.reads, sight[:2])
        return seen

    def find_order(self, id: str) -> Order:
        """Raises Refused when there is no such order."""
        parsed = parse(id)
        order = self.reads.order(id) if parsed is not None and not parsed.part else None
        if not isinstance(order, Order):
            raise Refused(UNKNOWN_ID.of(id=id[:64]))
        return order


async def parts_of(request: Request, caller: Caller) -> Parts:
    """What this caller may see; one who is not known sees nothing through it, for the endpoint's right refuses."""
    parts: Parts = request.app.state.parts
    return parts.seen_by(caller) if isinstance(caller, Principal) else parts


async def gently(parts: Parts, many: Iterable[T]) -> AsyncIterator[T]:
    """`many`, however many, without keeping intake from the thread."""
    for n, each in enumerate(many, 1):
        yield each
        if n % STEP == 0:
            await parts.clock.sleep(0)


PartsOf = Annotated[Parts, Depends(parts_of)]
