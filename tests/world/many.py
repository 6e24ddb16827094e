"""Many small worlds, each under its own seed: was every order found once, whole, and every parcel told once?

A world of up to 30 orders lives 45 times as fast as the centre beside it, so that whole lives fit into six of the
centre's hours, and its channels list one order a page. Every order has a fault in store; half of them come to it.
Then the partners' books are tampered with, and the heartbeat has two more hours to find it while they answer badly,
and half an hour when they are well again.
"""

import os
import re
import shutil
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import NamedTuple

from tests.world import planting
from tests.world.planting import NOTHING_PLANTED, Found, together_found
from tests.world.seeded import findings
from tests.world.stage import START
from tests.world.unhurried import unhurried

from tongdan.adapters.clock import run_virtual
from tongdan.domain.orders.facts import WriteBackShipment
from tongdan.domain.orders.model import Order
from tongdan.labs.world.faults import LATE, LIMITED, LOST, NEVER_TOLD, OVERTAKEN, SHIFTED
from tongdan.labs.world.in_process import together
from tongdan.labs.world.report import report
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.world import World
from tongdan.ports import Clock, DeadLetter, Reads

SPEED = 45.0
HOURS = 6
EVERY_S = 600
STILL_S = 2_400.0  # two listings, and what a WMS has not told is asked for
BEATS_S = 7_200.0
WELL_S = 1_800.0
REFUND_WITHIN_S = 240
PROCESSES = 2
LATE_NEWS = frozenset({LOST, NEVER_TOLD, LATE, OVERTAKEN})


class Outcome(NamedTuple):
    """Of one world, or of many. `faults` count by kind; `wrong` says with its seed what does not hold."""

    worlds: int
    orders: int
    faults: Counter[str]
    write_backs: int
    missing: int
    doubled: int
    wrong: list[str]
    heartbeat: Found

    def __str__(self) -> str:
        lost = self.faults[LOST] + self.faults[NEVER_TOLD]
        return (
            f"{self.worlds} worlds: {self.orders} orders, {self.faults.total()} faults, {lost} pushes lost, "
            f"{self.faults[SHIFTED]} lists shifted, {self.faults[LIMITED]} limited, {self.write_backs} parcels "
            f"told, missing {self.missing}, doubled {self.doubled}\nheartbeat: {self.heartbeat}"
        )


def together_all(outcomes: list[Outcome]) -> Outcome:
    return Outcome(
        sum(each.worlds for each in outcomes),
        sum(each.orders for each in outcomes),
        sum((each.faults for each in outcomes), Counter()),
        sum(each.write_backs for each in outcomes),
        sum(each.missing for each in outcomes),
        sum(each.doubled for each in outcomes),
        [wrong for each in outcomes for wrong in each.wrong],
        together_found([each.heartbeat for each in outcomes]),
    )


def orders_of(seed: int) -> int:
    return 12 + seed % 19


def run_world(place: Path, seed: int) -> Outcome:
    """In `place`, which holds credentials."""

    async def main(clock: Clock) -> Outcome:
        async with together(
            place, hurried(), clock=clock, seed=seed, speed=SPEED, orders=orders_of(seed), faults=1.0, outages=1,
            most_lines=3, retail=SeededRetail(seed),
        ) as pair:  # fmt: skip
            silent, troubles = planting.mute(pair.world), planting.listen(pair.world)
            quiet = await pair.world.run(still_s=STILL_S, deadline_s=HOURS * 3_600)
            await pair.centre.quiet()
            pair.centre.views.flush()
            outcome = judged(pair.world, pair.centre.reads, quiet=quiet)
            silenced = {ids_of(pair.centre.reads)[no]: silent[no] for no in silent}
            planted = silenced | planting.tamper(pair.world, pair.centre.reads)
            planting.trouble(pair.world)
            await clock.sleep(BEATS_S)
            troubles.shares = {}
            await clock.sleep(WELL_S)
            await pair.centre.quiet()
            late = {fault.order for fault in pair.world.faults.injected if fault.kind in LATE_NEWS}
            found = planting.judged(pair.centre.reads, planted, troubles, late)
            return outcome._replace(heartbeat=found)

    outcome = run_virtual(main, START)
    return outcome._replace(wrong=[*outcome.wrong, *(f"seed {seed}: {each}" for each in findings(place))])


def ids_of(reads: Reads) -> dict[str, str]:
    """A platform's or client's number → ours."""
    return {row.native: row.id for row in reads.orders(limit=1_000)}


def judged(world: World, reads: Reads, *, quiet: bool) -> Outcome:
    counts, ledger = reads.counts(), report(world, reads, quiet=quiet)
    told = [order.waybills for each in world.platforms.by_code.values() for order in each.orders.values()]
    twice = sum(len(waybills) - len(set(waybills)) for waybills in told)
    wrong = [f"{one.order} {one.id}: {one.what} {one.detail}" for one in ledger.offenders]
    wrong += [f"dead letter {each}" for each in reads.dead_letters() if not _is_late(reads, each)]
    wrong += [f"quarantined: {counts['quarantined']}"] if counts["quarantined"] else []
    wrong += [] if quiet else ["not quiet in time"]
    wrong += [] if ledger.holds or wrong else ["an equation does not hold"]
    return Outcome(
        worlds=1,
        orders=ledger.born,
        faults=Counter(fault.kind for fault in world.faults.injected),
        write_backs=sum(map(len, told)),
        missing=ledger.born - ledger.in_centre - sum(ledger.refused.values()),
        doubled=counts["orders"] - ledger.in_centre + twice,
        wrong=[f"seed {world.seed}: {each}" for each in wrong],
        heartbeat=NOTHING_PLANTED,
    )


def _is_late(reads: Reads, letter: DeadLetter) -> bool:
    """A parcel whose confirmation was lost, found after its platform had completed the order, is told to nobody there:
    that is for a person."""
    order = reads.order(letter.aggregate)
    late = isinstance(order, Order) and order.completed_at is not None
    return late and letter.verb == WriteBackShipment.__name__


@cache
def hurried() -> Path:
    """What is delivered, with small pages; an abnormal refund is asked for 56 times, which has to end in time."""
    folder = Path(mkdtemp(prefix="tongdan-conf-"))
    shutil.copytree(unhurried(EVERY_S, page_size=1, check_every_s=0), folder, dirs_exist_ok=True)
    deadlines = folder / "deadlines.yml"
    text = re.sub(r"(?m)^refund_within_s: \d+", f"refund_within_s: {REFUND_WITHIN_S}", deadlines.read_text())
    deadlines.write_text(text)
    return folder


def run_many(seeds: range, credentials: Path) -> Outcome:
    """Over PROCESSES processes; `credentials` is a folder that `provision` has filled."""
    context = get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context) as pool:
        return together_all(list(pool.map(_one, seeds, [credentials] * len(seeds))))


def _one(seed: int, credentials: Path) -> Outcome:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        for file in os.scandir(credentials):
            shutil.copy2(file.path, place)
        return run_world(Path(place), seed)
