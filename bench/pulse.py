"""`python -m bench.pulse`: whether the heartbeat keeps up with 200,000 open orders under the delivered conf/pulse.yml.

Real are the book of checks (its SQLite file), the heartbeat, the states that it reads from a shard's file, which
partner has to know which order, and the rates. Partners answer `--latency` later, on virtual time, that they agree. The
orders lie in the book as if it had always kept up; `--cold` has all of them due at once, as after its file was lost.
Prints what is due and allowed by partner, then hour by hour what was checked, and writes build/bench/pulse.json.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import apsw
import msgspec

from bench.processes import ROOT, machine
from tongdan.adapters.checks_sqlite import SqliteChecks
from tongdan.adapters.clock import SeededEntropy, SystemClock, run_virtual
from tongdan.adapters.partners import connect_actors, witnesses_of
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.adapters.transport import HttpTransport
from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.fulfillment.shipment import Departure, Shipment, ShipmentStage
from tongdan.domain.kernel.ids import make_order_id, shipment_id
from tongdan.domain.kernel.keys import ORDER, SHIPMENT
from tongdan.domain.kernel.pulse import Tier, head
from tongdan.domain.kernel.standing import Standing
from tongdan.domain.orders.axes import AttemptStage
from tongdan.domain.orders.lines import Line, PlannedShipment, Units
from tongdan.domain.orders.model import Attempt, LineState, Order, Parcel, Payment
from tongdan.flow.aggregates import KINDS
from tongdan.flow.bus import Bus
from tongdan.flow.heartbeat import Heartbeat, lag_s
from tongdan.flow.reads import Reader
from tongdan.flow.watching import watched
from tongdan.ports import Checked, Clock, Inbound, Seen, Subject, Turn, Watched, Witness

START: Final = datetime(2026, 1, 27, tzinfo=UTC)
CHUNK: Final = 20_000
HOUR_S: Final = 3_600
# How many of a hundred open orders last changed so long ago (seconds from … to).
AGES: Final = ((2, 0, HOUR_S), (18, HOUR_S, 86_400), (40, 86_400, 604_800), (40, 604_800, 1_296_000))
YOUNG: Final = 0.8  # of changes befall orders that have changed within a day
CHANNELS: Final = {"DY": 40, "PD": 20, "TB": 15, "JD": 10, "KS": 5, "MP": 10}
WAREHOUSES: Final = (40, 35, 25)  # of a hundred orders, in the order of conf/warehouses.yml
RELEASED, SHIPPED = "released", "shipped"
STAGES: Final = {RELEASED: 20, SHIPPED: 80}
CHANGE_EVERY_S: Final = 10.0
LOOK_EVERY_S: Final = 60.0
LAG_AIM_S: Final = 600
_encode: Final = msgspec.msgpack.Encoder().encode


class Instant:
    """A partner that agrees, `latency_s` later, and takes as many orders in a call as the real one."""

    def __init__(self, real: Witness, clock: Clock, latency_s: float) -> None:
        self.partner = real.partner
        self.tells = real.tells
        self.hears = real.hears
        self.at_once = real.at_once
        self.calls = self.orders = 0
        self._clock: Final = clock
        self._latency_s: Final = latency_s

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen]:
        for _ in range(calls_for(self.partner, self.at_once, subjects)):
            await turn()
            await self._clock.sleep(self._latency_s)
            self.calls += 1
        self.orders += len(subjects)
        return [Seen(order=each.id, standing=Standing()) for each in subjects]


def calls_for(partner: str, at_once: int, subjects: Sequence[Subject]) -> int:
    """As the real witnesses call: parcels and orders together, shipments and payments one by one."""
    match head(partner):
        case "carrier":
            return -(-sum(len(each.parcels) for each in subjects) // at_once)
        case "wms":
            return sum(len(each.shipments) for each in subjects)
        case "payment":
            return sum(len(each.payments) + len(each.refunds) for each in subjects)
    return 1 if at_once > 1 else len(subjects)


class Loop:
    """What of the bus the heartbeat leans on; what it is told it keeps."""

    def __init__(self, clock: Clock) -> None:
        self.clock: Final = clock
        self.stopping = False
        self.told: Final = Counter[str]()
        self._tasks: Final = set[asyncio.Task[None]]()

    def owns(self, slot: int) -> bool:
        return True

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ask(self, inbound: Inbound) -> None:
        self.told[type(inbound.command).__name__] += 1


class Orders:
    """`n` orders of a stated mix, under one seed; their states lie in a shard's file."""

    def __init__(self, conf: Conf, n: int) -> None:
        self.n: Final = n
        self.ages_s: Final = [self._age_s(each) for each in range(n)]
        self._shops: Final = {shop.channel: shop.id for shop in conf.policy.shops.values()}
        self._warehouses: Final = list(conf.policy.warehouses)

    def _age_s(self, no: int) -> float:
        dice = random.Random(f"age {no}")
        (_, low, high), *_ = dice.choices(AGES, [share for share, _, _ in AGES])
        return dice.uniform(low, high)

    def id_of(self, no: int) -> str:
        return make_order_id(self._channel(no), "20260120", no // 256, no % 256)

    def _channel(self, no: int) -> str:
        return random.Random(f"channel {no}").choices(list(CHANNELS), list(CHANNELS.values()))[0]

    def states_of(self, no: int) -> Iterator[tuple[str, Order | Shipment]]:
        """The order, and its shipment."""
        dice, channel, id = random.Random(f"order {no}"), self._channel(no), self.id_of(no)
        shipped = dice.choices(list(STAGES), list(STAGES.values()))[0] == SHIPPED
        warehouse = dice.choices(self._warehouses, WAREHOUSES)[0]
        shipment, shop, native = shipment_id(id, 1), self._shops[channel], f"47{no:011d}"
        at = START - timedelta(seconds=self.ages_s[no])
        paid = Payment(attempt=1, transaction=native, amount_fen=9_900, paid_at=at)
        line = Line(no=1, sku="SHIRT", units=1, amount_fen=9_900, native=f"{native}-1", title="龙井 250g")
        moved = LineState(line=line, warehouse=warehouse, released=int(not shipped), shipped=int(shipped))
        parcel = Parcel(
            dispatch=f"{shipment}.1", shipment=shipment, carrier="SF", waybill=f"SF{no:013d}", units=(Units(1, 1),),
            shipped_at=at,
        )  # fmt: skip
        yield id, Order(
            channel=channel, shop=shop, native=native, own=channel == "MP", placed_at=at, amount_fen=9_900,
            lines=(moved,), payments=(paid,), paid=paid,
            attempts=(Attempt(no=1, stage=AttemptStage.PAID),) if channel == "MP" else (),
            shipments=(PlannedShipment(no=1, warehouse=warehouse, units=(Units(1, 1),)),),
            parcels=(parcel,) if shipped else (),
        )  # fmt: skip
        items = (Item(1, "SHIRT", 1, 9_900),)
        left = Departure(
            dispatch=parcel.dispatch,
            parcel=parcel.waybill,
            carrier="SF",
            waybill=parcel.waybill,
            items=items,
            at=at,
        )
        yield shipment, Shipment(
            order=id, channel=channel, shop=shop, native=native, warehouse=warehouse, items=items,
            stage=ShipmentStage.DISPATCHED if shipped else ShipmentStage.ACCEPTED,
            departures=(left,) if shipped else (),
        )  # fmt: skip


class Run:
    def __init__(self, asked: argparse.Namespace, clock: Clock, folder: Path) -> None:
        conf = load_conf(ROOT / "conf")
        self.asked: Final = asked
        self.clock: Final = clock
        self.policy: Final = conf.policy
        self.orders: Final = Orders(conf, asked.orders)
        wire = (_NoKeys(), HttpTransport(), SystemClock())
        actors = connect_actors(conf, *wire, SeededEntropy("bench"))
        real = [
            each for each in witnesses_of(conf, actors, *wire) if self.policy.pulse.terms_of(each.partner)
        ]
        self.witnesses: Final = {each.partner: Instant(each, clock, asked.latency) for each in real}
        self.checks: Final = SqliteChecks(folder / "checks.sqlite")
        self.loop: Final = Loop(clock)
        self.watched: Final = list[Watched]()
        self._write_states(folder / "shard-0.sqlite")
        shard = SqliteShard(folder / "shard-0.sqlite", 0, readonly=True)
        reads = Reader([shard], cast(Any, None), cast(Any, None), cast(Any, None))
        self.heartbeat: Final = Heartbeat(
            cast(Bus, self.loop),
            self.policy,
            cast(Any, reads),
            self.checks,
            self.witnesses.values(),
            lambda _: None,
        )

    def _write_states(self, path: Path) -> None:
        """And who is to be asked about each order."""
        SqliteShard(path, 0).close()
        shard = apsw.Connection(str(path))
        for begin in range(0, self.orders.n, CHUNK):
            rows = []
            for no in range(begin, min(begin + CHUNK, self.orders.n)):
                for id, state in self.orders.states_of(no):
                    kind = KINDS[ORDER if isinstance(state, Order) else SHIPMENT]
                    rows.append((id, 1, kind.schema, 0, _encode(state), None))
                    if isinstance(state, Order):
                        at = START - timedelta(seconds=self.orders.ages_s[no])
                        self.watched.append(watched(id, state, at, self.witnesses.keys(), self.policy))
            with shard:
                shard.executemany("INSERT INTO states VALUES (?, ?, ?, ?, ?, ?)", rows)
        shard.close()

    def fill(self) -> None:
        """The book as it would be: each order due somewhere within its tier, or now."""
        dice = random.Random("due")
        for begin in range(0, len(self.watched), CHUNK):
            chunk = self.watched[begin : begin + CHUNK]
            self.checks.put(chunk, {})
            for partner in self.witnesses if not self.asked.cold else ():
                done = [
                    Checked(
                        each.order, START + timedelta(seconds=dice.uniform(0, self._every_s(partner, each)))
                    )
                    for each in chunk
                    if partner in each.partners
                ]
                self.checks.done(partner, done, START)

    def _every_s(self, partner: str, each: Watched) -> int:
        return self.policy.pulse.check_every_s(partner, (START - each.changed_at).total_seconds())

    async def change(self) -> None:
        """Orders change, most of them young ones."""
        dice = random.Random("changes")
        young = [each for each in self.watched if (START - each.changed_at).total_seconds() < 86_400]
        owed = 0.0
        while not self.loop.stopping:
            await self.clock.sleep(CHANGE_EVERY_S)
            owed += self.asked.changes * CHANGE_EVERY_S / HOUR_S
            n, owed = int(owed), owed % 1
            chosen = [dice.choice(young if dice.random() < YOUNG else self.watched) for _ in range(n)]
            now = self.clock.now()
            self.checks.put([Watched(each.order, each.partners, now) for each in chosen], {})

    # ---- told

    def arithmetic(self) -> list[dict[str, Any]]:
        """By partner: how many orders of which tier fall due in a beat, and what its calls have room for."""
        rows = []
        for partner, witness in sorted(self.witnesses.items()):
            terms = self.policy.pulse.terms_of(partner)
            mine = [each for each in self.watched if partner in each.partners]
            if terms is None or not mine:
                continue
            tiers = terms.tiers or self.policy.pulse.tiers
            held = Counter(tier_of(tiers, (START - each.changed_at).total_seconds()) for each in mine)
            due = {tier.rested_s: held[tier.rested_s] * terms.every_s / tier.every_s for tier in tiers}
            changed = self.asked.changes * terms.every_s / HOUR_S * len(mine) / self.orders.n
            together = min(witness.at_once, terms.orders_per_call or witness.at_once)
            allowed = terms.calls_per_minute * terms.every_s / 60
            rows.append({
                "partner": partner, "orders": len(mine), "due_by_tier": due, "changed": changed,
                "orders_per_call": together, "calls_allowed": allowed,
                "utilisation": (sum(due.values()) + changed) / together / allowed,
            })  # fmt: skip
        return rows

    async def hours(self) -> list[dict[str, Any]]:
        rows, worst = [], Counter[str]()
        before = dict.fromkeys(self.witnesses, (0, 0))
        cpu_s = time.process_time()
        for minute in range(1, int(self.asked.hours * 60) + 1):
            await self.clock.sleep(LOOK_EVERY_S)
            now = self.clock.now()
            for partner in self.witnesses:
                worst[partner] = max(worst[partner], lag_s(self.checks.due(partner, now, 1), now))
            if minute % 60:
                continue
            checked = {
                each: (its.orders - before[each][0], its.calls - before[each][1])
                for each, its in self.witnesses.items()
            }
            used_s, cpu_s = time.process_time() - cpu_s, time.process_time()
            total = sum(orders for orders, _ in checked.values())
            for partner, (orders, calls) in sorted(checked.items()):
                backlog = self.checks.backlog(partner, now)
                if backlog.orders:
                    rows.append({
                        "hour": minute // 60, "partner": partner, "checked": orders, "calls": calls, "due": backlog.due,
                        "oldest_unchecked_s": int((now - backlog.oldest).total_seconds()) if backlog.oldest else 0,
                        "worst_lag_s": worst[partner], "cpu_us_per_check": used_s * 1e6 / max(1, total),
                    })  # fmt: skip
            _print_hour(rows, minute // 60)
            before, worst = {each: (its.orders, its.calls) for each, its in self.witnesses.items()}, Counter()
            cpu_s = time.process_time()
        return rows


class _NoKeys:
    def get(self, name: str) -> Mapping[str, str]:
        return {}


def tier_of(tiers: Sequence[Tier], rested_s: float) -> int:
    return max(tier.rested_s for tier in tiers if tier.rested_s <= rested_s)


def _print_arithmetic(rows: Sequence[Mapping[str, Any]]) -> None:
    print(
        f"{'partner':22}{'orders':>9}  {'due a beat by tier, and changed':44}{'a call':>7}{'calls a beat':>16}"
    )
    for row in rows:
        due = (
            " + ".join([f"{each:,.0f}" for each in row["due_by_tier"].values()]) + f" + {row['changed']:,.0f}"
        )
        needed = row["utilisation"] * row["calls_allowed"]
        calls = f"{needed:,.0f}/{row['calls_allowed']:,.0f} {row['utilisation']:.0%}"
        print(f"{row['partner']:22}{row['orders']:9,}  {due:44}{row['orders_per_call']:7}{calls:>16}")


def _print_hour(rows: Sequence[Mapping[str, Any]], hour: int) -> None:
    mine = [row for row in rows if row["hour"] == hour]
    print(f"\nhour {hour}: {mine[0]['cpu_us_per_check']:.0f} µs of CPU a check" if mine else "")
    print(
        f"{'partner':22}{'checked':>9}{'calls':>8}{'due':>8}{'oldest unchecked h':>20}{'worst lag s':>13}",
        flush=True,
    )
    for row in mine:
        oldest_h = row["oldest_unchecked_s"] / HOUR_S
        numbers = (
            f"{row['checked']:9,}{row['calls']:8,}{row['due']:8,}{oldest_h:20.1f}{row['worst_lag_s']:13,}"
        )
        print(f"{row['partner']:22}{numbers}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pulse", description=__doc__)
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--changes", type=int, default=6_000, help="orders that change in an hour")
    parser.add_argument("--latency", type=float, default=0.15, help="seconds until a partner answers")
    parser.add_argument("--cold", action="store_true", help="all orders are due at the start")
    asked = parser.parse_args()
    with TemporaryDirectory() as place:

        async def whole(clock: Clock) -> dict[str, Any]:
            run = Run(asked, clock, Path(place))
            run.fill()
            arithmetic = run.arithmetic()
            _print_arithmetic(arithmetic)
            run.heartbeat.start()
            run.loop.spawn(run.change())
            hours = await run.hours()
            run.heartbeat.stop()
            run.loop.stopping = True
            return {"arithmetic": arithmetic, "hours": hours, "told": run.loop.told}

        found = run_virtual(whole, START)
    out = ROOT / "build" / "bench" / f"pulse{'-cold' if asked.cold else ''}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({**vars(asked), **found, "machine": machine()}, indent=2) + "\n")
    late = {row["partner"] for row in found["hours"] if row["worst_lag_s"] > LAG_AIM_S}
    print(f"\nlag beyond {LAG_AIM_S} s: {', '.join(sorted(late)) or 'nobody'}")
    return int(bool(late))


if __name__ == "__main__":
    raise SystemExit(main())
