"""`seven-orders`: yesterday's order count differs from finance's by 7, and nobody knows which and why.

A day of an own shop's orders. Finance's clock is an hour ahead, buyers cancel, a test order is left out, finance
refuses two milestones (a person gives one of them up), and at night its import loses entries and enters others twice,
as many as make seven, which the case tells of. The clerk and Tongdan get the same two lists the next morning.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import yaml

from tongdan.adapters.clock import run_virtual
from tongdan.domain.finance.causes import Cause
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.messages import Command, Refusal, SkipEffect
from tongdan.domain.orders.commands import CancelOrder
from tongdan.domain.orders.model import Order
from tongdan.flow.finance_desk import Reconciled
from tongdan.labs.incidents.ledger_clerk import Clerk, Named, Sold
from tongdan.labs.incidents.outcome import Incident, Outcome, Row
from tongdan.labs.incidents.quiet_conf import with_rare_listings
from tongdan.labs.world.finance import Finance
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.people import buyer_of
from tongdan.labs.world.retail import ShortDay
from tongdan.ports import Accepted, Clock, Inbound
from tongdan.surfaces.reconciling import repair, sheet_of

NAME: Final = "seven-orders"
MORNING: Final = datetime(2026, 1, 27, tzinfo=UTC)  # eight o'clock in UTC+8
DAY: Final = date(2026, 1, 27)
ORDERS: Final = 48
SEVEN: Final = 7
THEIR_ZONE: Final = ZoneInfo("Asia/Tokyo")
TESTS: Final = "M000-9"  # how numbers of test orders begin
OPEN_S: Final = 12 * 3_600  # in which the day's baskets are bought
CANCELS_AT, SKIPS_AT, IMPORTS_AT, ASKS_AT = (timedelta(hours=each) for each in (10, 14, 19, 25))
DIES, GIVEN_UP = 5, 9  # which of the milestones "paid" finance refuses
NO_SUCH_FIELD: Final = 400
TAKEN: Final = 200
LATE_AT: Final = (
    timedelta(hours=15, minutes=10),
    timedelta(hours=15, minutes=35),
)  # after 23:00, before midnight
LONGEST_WAIT_S: Final = 60.0


class Sides(NamedTuple):
    """What one side came to."""

    ours: int
    theirs: int
    found: int
    named: int
    right: int
    minutes: float
    missing: int


class Planted:
    """What goes wrong between the shop and finance, and with which order: it is noted when it happens."""

    def __init__(self, pair: Pair) -> None:
        self.causes: Final[dict[str, Cause]] = {}
        self._pair: Final = pair
        self._refused: Final[set[str]] = set()
        self._paid = 0
        self.mended = False
        self.finance.hears = self._hears

    @property
    def finance(self) -> Finance:
        return self._pair.world.finance

    def _hears(self, order: str, milestone: str) -> int:
        if self._pair.world.setting.names.native_of(order).startswith(TESTS):
            self.causes[order] = Cause.TEST_ORDER
            return TAKEN
        if milestone == "paid" and order not in self._refused and not self.mended:
            self._paid += 1
            if self._paid in (DIES, GIVEN_UP):
                self._refused.add(order)
                self.causes[order] = Cause.DEAD_LETTER if self._paid == DIES else Cause.NEVER_TOLD
        return NO_SUCH_FIELD if order in self._refused and not self.mended else 0

    async def cancel(self) -> None:
        """A buyer rings up and changes her mind, before the parcel has left."""
        for entry in reversed(self.finance.book):
            order = self._pair.centre.reads.order(entry.order)
            if entry.order in self.causes or not isinstance(order, Order) or order.cancelled:
                continue
            if await self._ask(CancelOrder(order=entry.order, reason="the buyer rang up")):
                return

    async def give_up(self) -> None:
        for letter in self._pair.centre.reads.dead_letters():
            if self.causes.get(letter.aggregate) is Cause.NEVER_TOLD:
                await self._ask(SkipEffect(effect=letter.effect, reason="told them by phone"))

    def import_again(self) -> None:
        """Finance's nightly import: entries are lost on the way, others come in twice: seven fewer than are missing."""
        finance = self.finance
        self.causes.update({each.order: Cause.CANCELLED_BEFORE for each in finance.struck})
        self.causes.update({each.order: Cause.DAY_BOUNDARY for each in finance.book if _is_late(each.at)})
        today = [each for each in finance.book if finance.day_of(each) == DAY.isoformat()]
        sound = sorted([each for each in today if each.order not in self.causes], key=lambda each: each.id)
        stream = self._pair.world.setting.stream("import")
        lost = max(1, SEVEN + 1 - len(self.causes))
        for n in range(lost + len(self.causes) + lost - SEVEN):
            entry = stream.pick([each for each in sound if each.order not in self.causes])
            if n < lost:
                finance.book.remove(entry)
                finance.accounts[entry.order].paid_fen = 0
                self.causes[entry.order] = Cause.LOST_THERE
            else:
                finance.enter(entry.order, entry.shop, entry.amount_fen, entry.at)
                self.causes[entry.order] = Cause.DUPLICATE

    async def _ask(self, command: Command) -> bool:
        now = self._pair.centre.clock.now()
        key = ("seven-orders", type(command).__name__, now.isoformat(), str(command))
        told = Inbound(
            command=command, key=key, source="staff", shop="", happened_at=now, raw=b"", operator="li"
        )
        return isinstance(await self._pair.centre.bus.ask(told), Accepted)


def replay(seed: int, conf: Path, data: Path) -> Outcome:
    own_conf = _with_their_clock(conf, data / "conf")

    async def both(clock: Clock) -> tuple[Sides, Sides, dict[str, Cause], Reconciled]:
        async with together(
            data / "centre", own_conf, clock=clock, seed=seed, orders=ORDERS, faults=0.0, outages=0, most_lines=2,
            retail=ShortDay(seed, OPEN_S), shares={},
        ) as pair:  # fmt: skip
            return await _live(pair, seed)

    old, ours, planted, found = run_virtual(both, MORNING)
    offenders = tuple(_offenders(planted, found))
    return Outcome(
        incident=NAME,
        seed=seed,
        rows=tuple(_rows(old, ours, len(planted), found.bridge.residue.found)),
        holds=not offenders and not ours.missing and ours.ours - ours.theirs == SEVEN,
        offenders=offenders,
    )


def _rows(old: Sides, new: Sides, planted: int, residue: int) -> Iterator[Row]:
    yield Row("ours", "orders by our list", "我方单数", old.ours, new.ours)
    yield Row("theirs", "orders by finance's list", "财务单数", old.theirs, new.theirs)
    yield Row("difference", "difference", "差异", old.ours - old.theirs, new.ours - new.theirs)
    yield Row("planted", "orders about which they differ", "实际不一致的订单", planted, planted)
    yield Row("found", "of them found", "其中被找出", old.found, new.found)
    yield Row("named", "with a cause named", "说出原因", old.named, new.named)
    yield Row("right", "the right one", "原因正确", old.right, new.right)
    yield Row("unexplained", "left without a cause", "未解释", old.found - old.named, residue)
    yield Row("minutes", "minutes until that was known", "得出结论所用分钟", old.minutes, new.minutes)
    yield Row(
        "missing", "that finance should have, missing after the day's work", "应入账而仍缺失", old.missing, new.missing
    )  # fmt: skip


async def _live(pair: Pair, seed: int) -> tuple[Sides, Sides, dict[str, Cause], Reconciled]:
    planted, clock = Planted(pair), pair.world.clock
    day = asyncio.ensure_future(pair.world.run())
    for no, at in enumerate(LATE_AT):
        pair.world.bustle.start(_buy(pair, seed, 80_000 + no, at))
    pair.world.bustle.start(_buy(pair, seed, 90_000, CANCELS_AT))
    await _until(clock, CANCELS_AT)
    await planted.cancel()
    await _until(clock, SKIPS_AT)
    await planted.give_up()
    await _until(clock, IMPORTS_AT)
    planted.import_again()
    await _until(clock, ASKS_AT)
    old = await _as_before(pair, planted)
    ours, found = await _ours(pair, planted)
    day.cancel()
    await asyncio.gather(day, return_exceptions=True)
    return old, ours, planted.causes, found


async def _buy(pair: Pair, seed: int, no: int, at: timedelta) -> None:
    """One more basket; it is bought again, under another number, until somebody has paid for it."""
    await _until(pair.world.clock, at)
    world = pair.world
    for again in range(9):
        buyer, stream = buyer_of(seed, f"{no}-{again}"), world.setting.stream("more", no, again)
        native = world.buy(no + again, world.baskets[again], buyer, stream, "MP")
        await world.clock.sleep(5 * LONGEST_WAIT_S)
        order = pair.centre.reads.order(world.own_shop.orders[native].id)
        if isinstance(order, Order) and order.paid is not None:
            return


async def _ours(pair: Pair, planted: Planted) -> tuple[Sides, Reconciled]:
    """Asked, then mended with one click where that is certain, then asked again."""
    centre = pair.centre
    began = centre.clock.now()
    found = await _reconciled(pair)
    minutes = _minutes(began, centre.clock.now())
    sheet, planted.mended = sheet_of(found), True
    for each in [each for each in sheet.differences if each.mends]:
        told = [
            await centre.bus.ask(repair(sheet, each, centre.clock.now())) for _ in range(2)
        ]  # clicked twice
        assert all(isinstance(reply, Accepted) for reply in told), told
    await centre.clock.sleep(LONGEST_WAIT_S)
    after = await _reconciled(pair)
    named = [each for each in found.findings if each.cause is not Cause.UNEXPLAINED]
    return Sides(
        ours=found.bridge.ours[0],
        theirs=found.bridge.theirs[0],
        found=len({each.order for each in found.findings} & planted.causes.keys()),
        named=len({each.order for each in named}),
        right=sum(planted.causes.get(each.order) is each.cause for each in named),
        minutes=minutes,
        missing=sum(each.mends for each in after.findings),
    ), found


async def _reconciled(pair: Pair) -> Reconciled:
    found = await pair.centre.books.reconcile(DAY)
    if isinstance(found, Refusal):
        raise RuntimeError(found.en)
    return found


async def _as_before(pair: Pair, planted: Planted) -> Sides:
    """Two spreadsheets and a chat. Nothing is told again: whoever should do so is never asked."""
    clock, finance = pair.world.clock, planted.finance
    sold = [
        Sold(order.id, state.placed_at, state.cancelled)
        for order in pair.world.own_shop.orders.values()
        if isinstance(state := pair.centre.reads.order(order.id) if order.id else None, Order)
        and state.placed_at is not None
        and state.payments
    ]
    clerk = Clerk(clock, sold, finance, pair.world.setting.stream("clerk"))
    began = clock.now()
    named: list[Named] = await clerk.work(DAY)
    should = {order for order, cause in planted.causes.items() if cause in _SHOULD_BE_THERE}
    return Sides(
        ours=clerk.ours,
        theirs=clerk.theirs,
        found=len({each.order for each in named} & planted.causes.keys()),
        named=sum(each.cause is not None for each in named),
        right=sum(each.cause is not None and planted.causes.get(each.order) is each.cause for each in named),
        minutes=_minutes(began, clock.now()),
        missing=len(should - {entry.order for entry in finance.book}),
    )


_SHOULD_BE_THERE: Final = frozenset({Cause.DEAD_LETTER, Cause.NEVER_TOLD, Cause.LOST_THERE})


def _offenders(planted: dict[str, Cause], found: Reconciled) -> Iterator[str]:
    named = {each.order: each.cause for each in found.findings}
    for order in sorted(planted.keys() | named.keys()):
        if planted.get(order) is not named.get(order):
            yield f"{order}: {_name(planted.get(order))} was planted, {_name(named.get(order))} was found"
    yield from _uncited(found)


def _uncited(found: Reconciled) -> Iterator[str]:
    for each in found.findings:
        if each.cause is not Cause.UNEXPLAINED and not each.cited:
            yield f"{each.order}: {each.cause} rests on no row of the audit trail"


def _name(cause: Cause | None) -> str:
    return "nothing" if cause is None else cause.value


def _is_late(at: datetime) -> bool:
    return at.astimezone(SHANGHAI).date() == DAY and at.astimezone(THEIR_ZONE).date() != DAY


def _minutes(since: datetime, until: datetime) -> float:
    return round((until - since) / timedelta(minutes=1), 1)


async def _until(clock: Clock, at: timedelta) -> None:
    await clock.sleep(max(0.0, (MORNING + at - clock.now()).total_seconds()))


def _with_their_clock(conf: Path, folder: Path) -> Path:
    """The configuration of a seller who knows how finance counts: its clock, and what is a test to it."""
    with_rare_listings(conf, folder)
    said = yaml.safe_load((folder / "partners.yml").read_text())
    said["finance"]["zone"] = str(THEIR_ZONE)
    said["finance"]["books"] |= {"test_numbers": [TESTS]}
    (folder / "partners.yml").write_text(yaml.safe_dump(said, allow_unicode=True))
    return folder


INCIDENT: Final = Incident(
    NAME,
    ("Yesterday's order count differs from finance's by 7", "昨天的订单数与财务相差 7 单"),
    (
        "a clerk lays two exported lists side by side, and asks finance about each order by chat",
        "由人工比对两份导出表格，并逐单在聊天中询问财务",
    ),
    (
        "every order about which they differ is named with its true cause, and finance has what it should by one click",
        "每一张不一致的订单都有真实原因，无未解释差异，应入账的一键补齐",
    ),
    replay,
)
