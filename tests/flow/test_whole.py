"""Whatever is asked in whatever order: the journal folds to the states, and accounts for all that is outstanding.

Random commands of every kind go to the real routes, with partners that fail at random, time that passes, restarts and
crashes; at the end (and after each crash) a check must find nothing.
"""

from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.flow.parties import PERSON, Partner, count, detail, everybody, pay, place, say
from tests.flow.rig import NOON, Rig, as_after_a_crash, findings, later
from tests.scratch import scratch

from tongdan.adapters.clock import run_virtual
from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    Package,
    PackageItem,
    RecallShipment,
    RecordWmsProcess,
    RecordWmsRefused,
)
from tongdan.domain.kernel.messages import Command, ReplayEffect, SkipEffect
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAddress,
    ChangeAmount,
    CommentOnOrder,
    CompleteOrder,
    ErasePerson,
    LiftHold,
    NoteSystemStatus,
    PlaceHold,
    RecordPaymentFailure,
    RecordSettlement,
    RequestPayment,
    RevealPerson,
)
from tongdan.domain.sync.commands import ClaimAlias, RaiseTicket, ResolveTicket
from tongdan.ports import Clock

Make = Callable[[str, int], Command]

# What may be asked of an order: made from its id and a small number.
ASKED: dict[str, Make] = {
    "request payment": lambda order, n: RequestPayment(order=order, method="wechat"),
    "pay": lambda order, n: pay(order, f"T-{n}", attempt=1 + n % 2, amount_fen=9_900 + n // 3),
    "payment failed": lambda order, n: RecordPaymentFailure(order=order, attempt=1, reason="declined"),
    "hold": lambda order, n: PlaceHold(order=order, hold=f"hold-{n % 2}"),
    "lift": lambda order, n: LiftHold(order=order, hold=("hold-0", "hold-1", "payment")[n % 3]),
    "address": lambda order, n: ChangeAddress(order=order, region="上海", person=PERSON),
    "amount": lambda order, n: ChangeAmount(order=order, amount_fen=9_900 + n, reason="rebate"),
    "comment": lambda order, n: CommentOnOrder(order=order, text=f"rang {n} times"),
    "reveal": lambda order, n: RevealPerson(order=order),
    "erase": lambda order, n: ErasePerson(order=order),
    "cancel": lambda order, n: CancelOrder(order=order, reason="no longer"),
    "complete": lambda order, n: CompleteOrder(order=order),
    "settle": lambda order, n: RecordSettlement(
        order=order, amount_fen=9_900, reference=f"R-{n % 2}", settled_at=NOON
    ),
    "status": lambda order, n: NoteSystemStatus(
        order=order, system="erp", native_status=str(n), said_at=later(n)
    ),
    "confirm": lambda order, n: ConfirmDelivery(
        shipment=f"{order}-S1",
        warehouse="EAST",
        packages=(Package("SF", f"SF{n % 2}", 500, (PackageItem("SHIRT", 1 + n % 2),)),),
        final=n % 3 == 0,
        confirmed_at=later(n),
    ),
    "step": lambda order, n: RecordWmsProcess(
        shipment=f"{order}-S1",
        status=("ACCEPT", "PACKAGE", "SIGN", "REJECT")[n % 4],
        operated_at=later(n),
    ),
    "refused by the warehouse": lambda order, n: RecordWmsRefused(shipment=f"{order}-S1", reason="full"),
    "recall": lambda order, n: RecallShipment(shipment=f"{order}-S1", reason="recalled"),
    "ticket": lambda order, n: RaiseTicket(subject=order, kind=f"kind-{n % 2}", summary="look"),
    "resolve": lambda order, n: ResolveTicket(subject=order, kind=f"kind-{n % 2}", evidence="seen"),
    "alias": lambda order, n: ClaimAlias(alias=f"test/{n % 3}", order=order),
}
_numbers = st.integers(0, 5)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("place"), _numbers),
        st.tuples(st.just("push"), _numbers),
        st.tuples(st.just("detail"), _numbers),
        st.tuples(st.just("count"), _numbers),
        st.tuples(st.sampled_from(sorted(ASKED)), _numbers),
        st.tuples(st.sampled_from(sorted(ASKED)), _numbers),
        st.tuples(st.sampled_from(["skip", "replay"]), _numbers),
        st.tuples(st.sampled_from(["partners fail", "time passes", "restart", "crash"]), _numbers),
    ),
    min_size=5,
    max_size=40,
)


class Story:
    """A centre that lives through steps; `folder` holds its files and those of its earlier lives."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.clock = clock
        self.folder = folder
        self.data = folder / "0"
        self.partners = everybody(clock)
        self.orders = ["MP20260127000001"]  # one that never is
        self.rig = Rig(self.data, clock, actors=self.partners)

    async def live(self, steps: list[tuple[str, int]]) -> None:
        await self.rig.start()
        await self.begin()
        for what, n in steps:
            await self.step(what, n)
            await self.clock.sleep((0, 0, 0.5)[n % 3])
        await self.rig.quiet(100)
        await self.rig.stop()
        assert findings(self.data) == []

    async def begin(self) -> None:
        """Two orders with their warehouse, one that waits for its payment."""
        for what, n in (("count", 20), ("place", 0), ("detail", 4), ("place", 3)):
            await self.step(what, n)
        await self.rig.quiet()
        for order in self.orders[1::2]:
            await self.rig.ask(RequestPayment(order=order, method="wechat"))
        await self.rig.ask(pay(self.orders[1], "T-first", attempt=1))
        await self.rig.quiet()

    async def step(self, what: str, n: int) -> None:
        rig = self.rig
        if what == "partners fail":
            self.fail(n)
        elif what == "time passes":
            await self.clock.sleep((0.01, 1, 60, 700, 1_900, 90_000)[n])
        elif what in ("restart", "crash"):
            await self.reopen(crash=what == "crash")
        elif what in ("skip", "replay"):
            letters = [effect.id for shard in rig.bus.shards for effect in shard.env.outstanding.all()]
            for id in letters[n : n + 1]:
                tend = SkipEffect if what == "skip" else ReplayEffect
                await rig.ask(tend(effect=id, reason="because"), raw=b"by hand")
        else:
            reply = await rig.ask(self.command(what, n), raw=b"as received")
            aggregate = getattr(reply, "aggregate", "")
            if what in ("place", "push", "detail") and aggregate and aggregate not in self.orders:
                self.orders.append(aggregate)

    def command(self, what: str, n: int) -> Command:
        if what == "place":
            return place(f"A-{n}", buyer=f"user-{n}", units=1 + n % 3)
        if what == "push":
            event, status = (("created", "1"), ("paid", "2"), ("shipped", "3"), ("cancelled", "4"))[n % 4]
            return say(str(5_000 + n % 2), event, status, later(n))
        if what == "detail":
            return detail(str(5_000 + n % 2), paid=n > 2)
        if what == "count":
            return count(n)
        return ASKED[what](self.orders[-1 - n % len(self.orders)], n)

    def fail(self, n: int) -> None:
        for partner in self.partners:
            ways = (
                partner.down,
                partner.busy,
                partner.never,
                partner.lost_answer,
                partner.broken,
                partner.absurd,
            )
            partner.next.extend([ways[n]] * 3)

    async def reopen(self, *, crash: bool) -> None:
        left = self.folder / str(len(list(self.folder.iterdir())))
        if crash:
            as_after_a_crash(self.data, left)
        await self.rig.stop()
        if crash:
            assert findings(left) == []
            self.data = left
        self.partners = [self.successor(partner) for partner in self.partners]
        self.rig = Rig(self.data, self.clock, actors=self.partners)
        await self.rig.start()

    def successor(self, partner: Partner) -> Partner:
        again = Partner(partner.partner, self.clock)
        again.next, again.happened = partner.next, partner.happened
        return again


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_steps)
def test_the_journal_folds_to_the_states_and_accounts_for_what_is_outstanding(
    steps: list[tuple[str, int]],
) -> None:
    with scratch() as folder:
        run_virtual(lambda clock: Story(clock, Path(folder)).live(steps), NOON)
