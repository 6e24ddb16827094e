"""Whatever the number of processes, wherever slots lie and move, whoever dies meanwhile: the answers are the same.

The same messages from outside go to one process that lives through it all, and to a centre that is restarted with
other numbers of processes, whose slots move, whose wires break and whose processes are killed at each step of a move.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.flow.company import Company
from tests.flow.parties import count, pay, place
from tests.flow.rig import NOON, SHARDS, findings
from tests.scratch import scratch

from tongdan.adapters.clock import run_virtual
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.slots import SLOTS, slot_of
from tongdan.domain.orders.commands import CancelOrder, RequestPayment
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.status import status
from tongdan.ports import Accepted, Clock

POINTS = (
    "move-incoming", "move-copied", "move-sealed", "move-ready", "move-decided", "move-gone", "move-active",
    "before-commit", "after-commit", "relay",
)  # fmt: skip
BUYERS = [f"user-{n}" for n in range(4)]
STOCK = "stock/SHIRT"
HOT = sorted({*(slot_of("user", "mp-1", buyer) for buyer in BUYERS), key_slot(STOCK)})

_steps = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.integers(0, 99)),
        st.tuples(st.just("place"), st.integers(0, 99)),
        st.tuples(st.sampled_from(["pay", "cancel"]), st.integers(0, 99)),
        st.tuples(st.just("move"), st.integers(0, 99)),
        st.tuples(st.just("move"), st.integers(0, 99)),
        st.tuples(st.just("kill"), st.integers(0, 99)),
        st.tuples(st.sampled_from(["cut", "restart", "rest"]), st.integers(0, 99)),
    ),
    min_size=4,
    max_size=24,
)


class Life:
    """A centre that lives through steps; `shaped` False: one process, and nothing ever happens to it."""

    def __init__(self, clock: Clock, data: Path, *, shaped: bool) -> None:
        self.clock = clock
        self.data = data
        self.shaped = shaped
        self.centre = Company(data, clock, 2 if shaped else 1)
        self.orders: list[str] = []
        self.answers: list[str] = []
        self.happened: Counter[str] = Counter()

    async def live(self, steps: list[tuple[str, int]]) -> dict[str, Any]:
        await self.centre.start()
        await self._ask(0, count(500), "count")
        for n, (what, at) in enumerate(steps):
            await self._step(n, what, at)
        await self._calm()
        found = self._outcome()
        await self._end()
        assert findings(self.data) == []
        return found

    async def _step(self, n: int, what: str, at: int) -> None:
        if what == "place":
            reply = await self._ask(at, place(f"A-{n}", buyer=BUYERS[at % len(BUYERS)]), f"place-{n}")
            assert isinstance(reply, Accepted)
            self.orders.append(reply.aggregate)
        elif what == "pay" and self.orders:
            order = self.orders[at % len(self.orders)]
            await self._ask(at, RequestPayment(order=order, method="wechat"), f"request-{n}")
            await self._ask(at + 1, pay(order, f"T-{order}"), f"pay-{order}")
        elif what == "cancel" and self.orders:
            await self._calm()  # what a cancel meets must not depend on how fast reactions are
            await self._ask(
                at, CancelOrder(order=self.orders[at % len(self.orders)], reason="no"), f"cancel-{n}"
            )
        elif what == "rest":
            await self._calm()
        elif self.shaped:
            await self._shape(what, at)

    async def _shape(self, what: str, at: int) -> None:
        centre = self.centre
        if what == "move":
            slot, to = (HOT[at % len(HOT)] if at % 5 else at % SLOTS), at // 7 % SHARDS
            await self._move(slot, to, at % centre.processes)
        elif what == "kill":
            centre.kill_at(POINTS[at % len(POINTS)])
        elif what == "cut":
            centre.cut(at % centre.processes)
        elif what == "restart":
            await self._end()
            self.centre = Company(self.data, self.clock, 1 + at % SHARDS, seed=f"again-{at}")
            await self.centre.start()

    async def _move(self, slot: int, to: int, at: int) -> None:
        """Ask for it and do not wait; whoever dies meanwhile gives no answer."""

        async def ask() -> None:
            said = await self.centre.rigs[at].mover.move(slot, to)
            assert not isinstance(said, Refusal) or said.name in ("slot-busy", "slot-already-there")

        task = asyncio.create_task(ask())
        await asyncio.wait((task,), timeout=0.2)
        task.cancel()

    async def _ask(self, at: int, command: Command, key: str) -> Accepted | Refusal:
        reply = await self.centre.ask(at, command, key)
        while isinstance(reply, Refusal) and reply.name == "stock-pending":
            await self.clock.sleep(0.5)
            reply = await self.centre.ask(at, command, key)
        told = reply.aggregate if isinstance(reply, Accepted) else reply.name
        self.answers.append(f"{type(command).__name__} {told}")
        return reply

    async def _calm(self) -> None:
        """Until everything has come to rest, also what an abandoned move holds (it is opened after half a minute)."""
        self.centre.deadly = ""
        await self.clock.sleep(45)
        await self.centre.quiet(400)

    async def _end(self) -> None:
        self.happened.update(
            {id: n for partner in self.centre.partners for id, n in partner.happened.items()}
        )
        await self.centre.stop()

    def _outcome(self) -> dict[str, Any]:
        """What anybody can see at the end, whichever process is asked."""
        seen = [self._seen_by(rig.state) for rig in self.centre.rigs]
        assert all(each == seen[0] for each in seen)
        return seen[0]

    def _seen_by(self, state: Callable[[str], Any]) -> dict[str, Any]:
        orders = {order: state(order) for order in self.orders}
        assert all(isinstance(order, Order) for order in orders.values())
        return {
            "answers": self.answers,
            "orders": {id: (status(order), order.native, order.amount_fen) for id, order in orders.items()},
            "stock": [(each.on_hand, each.reserved) for each in state(STOCK).levels.values()],
        }


async def _both(clock: Clock, steps: list[tuple[str, int]]) -> None:
    with scratch() as folder:
        plain = await Life(clock, Path(folder) / "plain", shaped=False).live(steps)
    with scratch() as folder:
        shaped = Life(clock, Path(folder) / "shaped", shaped=True)
        assert await shaped.live(steps) == plain


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_steps)
def test_the_shape_of_the_centre_changes_no_answer(steps: list[tuple[str, int]]) -> None:
    run_virtual(lambda clock: _both(clock, steps), NOON)
