"""The afternoon of `signed-without-track` as Tongdan lives it: a wave of parcels, a frozen key, a system that lies.

The key was tried once and left alone for a week. Everything is counted from the journal and from the carrier's own
books; what a person does is done after the delays that the old process states.
"""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.credentials_sealed import SealedRing
from tongdan.adapters.master_key import open_vault
from tongdan.domain.confighealth.checks import IDLE
from tongdan.domain.confighealth.commands import PutKey
from tongdan.domain.confighealth.facts import HealthScanned, KeySwitched
from tongdan.domain.fulfillment.track_facts import SignedWithoutTrack
from tongdan.domain.fulfillment.waybill_facts import WaybillAsked, WaybillGot
from tongdan.domain.guard.outage import Compensation
from tongdan.domain.kernel.health import PRODUCTION, TEST
from tongdan.domain.kernel.ids import SHANGHAI, parse
from tongdan.domain.kernel.keys import credential_key
from tongdan.domain.kernel.messages import Command, Person, Refusal
from tongdan.domain.orders.commands import NoteSystemStatus, PlaceOrder
from tongdan.domain.orders.entry_facts import Entry
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import Order
from tongdan.domain.sync import kinds
from tongdan.labs.incidents.carrier_pusher import CONSOLE_S, LOG_S, LOOK_AFTER_S, RELEASE_S, TABLE_S
from tongdan.labs.world.carrier import SIGNED, Scan
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.idle_keys import IdleKeys
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.people import Buyer, buyer_of
from tongdan.labs.world.retail import Basket
from tongdan.ports import Accepted, Inbound, Reply
from tongdan.profile import MASTER_KEY, SEALED, seal_credentials

NAME: Final = "signed-without-track"
TESTED: Final = datetime(2026, 1, 17, 23, 59, tzinfo=SHANGHAI)  # somebody has tried the key, and nobody after
IDLE_AFTER: Final = timedelta(days=7)
LIVE: Final = datetime(2026, 1, 25, 14, 0, tzinfo=SHANGHAI)  # the push job goes live with it
WAVE: Final = timedelta(minutes=13)
GAP_S: Final = (4.5, 6.5)  # from parcel to parcel on the packing line
REST_S: Final = 900.0  # after the wave and all that was done in it
LONGEST_S: Final = 3 * 86_400.0
LOOK_EVERY_S: Final = 600.0
MINUTE: Final = timedelta(minutes=1)
NEVER: Final = datetime.max.replace(tzinfo=SHANGHAI)
TASK, MAIN, SPARE = "sf/main", "main", "spare"
SPARE_KEY: Final = {"partner_id": "SPARE-1", "check_word": "the-check-word-of-the-spare-key"}
CARRIER, ERP = "carrier/SF", "erp"
BY: Final = "li"


class How(NamedTuple):
    """`warmed`: the partner offers a call that keeps a key warm. `lied`: an ERP still runs the old job, and tells what
    it wrote. `parcels` of the wave at most."""

    standby: bool
    warmed: bool
    lied: bool
    parcels: int | None = None


class Side(NamedTuple):
    """What one side comes to. `test_key`: how many were taken for the production task. `waited_minutes`: the longest
    that a parcel waited for the carrier to be told. The report of its outage says that so many were sent again
    (`reported`), and so many not (`left`).
    """

    parcels: int
    test_key: int
    warned_at: datetime | None
    frozen_at: datetime | None
    refused_at: datetime | None
    alarm_at: datetime | None
    mended_at: datetime | None
    done_at: datetime | None
    missed: int
    untold: int
    doubled: int
    false: int
    first_false: datetime | None
    last_false: datetime | None
    said: int
    found: int
    found_minutes: float | None
    alarms: int
    unresolved: int
    waited_minutes: float
    reported: int
    left: int


def wave(seed: int) -> list[datetime]:
    """When each parcel is handed over."""
    stream, at, instants = Stream(seed, NAME, "wave"), LIVE, list[datetime]()
    while at < LIVE + WAVE:
        instants.append(at)
        at += timedelta(seconds=stream.between(*GAP_S))
    return instants


def seal(data: Path, how: How) -> None:
    """The keys, encrypted: the one that may be frozen, and, if anybody thought of it, a standby of the contract."""
    seal_credentials(data, BY)
    entropy = SystemEntropy()
    ring = SealedRing(data / SEALED, open_vault(data / MASTER_KEY, entropy), entropy, SystemClock())
    ring.put(_key(MAIN, idle_days=IDLE_AFTER.days), ring.fields(TASK, MAIN))
    if how.standby:
        ring.put(_key(SPARE, standby=True), SPARE_KEY)


def _key(name: str, *, standby: bool = False, idle_days: int = 0, environment: str = PRODUCTION) -> PutKey:
    return PutKey(
        task=TASK, key=name, fingerprint="", environment=environment, by=BY, standby=standby, idle_days=idle_days
    )  # fmt: skip


# ---- what happens


async def live(pair: Pair, how: How) -> Side:
    world, clock = pair.world, pair.world.clock
    scanned = _signatures(pair)
    idle = world.sf.idle = IdleKeys(clock, {_partner(pair): clock.now()}, IDLE_AFTER)
    world.sf.spares[SPARE_KEY["partner_id"]] = SPARE_KEY["check_word"]
    taken = await _bind_test_key(pair)
    orders, tasks = list[str](), list[asyncio.Task[None]]()
    for no, at in enumerate(wave(world.seed)[: how.parcels]):
        await clock.sleep((at - clock.now()).total_seconds())
        orders.append(await _order(pair, no))
        if how.lied:
            tasks.append(asyncio.ensure_future(_lie(pair, orders[-1])))
        if not how.standby and not tasks:
            tasks.append(asyncio.ensure_future(_help(pair)))
    await asyncio.gather(*tasks)
    await clock.sleep(REST_S)
    for _ in range(int(LONGEST_S / LOOK_EVERY_S) if how.lied else 0):
        if not _tickets(pair, kinds.SIGNED_WITHOUT_TRACK):
            break
        await clock.sleep(LOOK_EVERY_S)
    pair.centre.views.flush()
    return _counted(pair, idle, orders, scanned, taken)


def _signatures(pair: Pair) -> dict[str, datetime]:
    """When the carrier saw each parcel signed."""
    seen: dict[str, datetime] = {}

    def note(scan: Scan) -> None:
        if scan.code == SIGNED:
            seen.setdefault(scan.waybill, scan.at)

    pair.world.carrier.on_scan.append(note)
    return seen


def _partner(pair: Pair) -> str:
    return pair.centre.credentials.ring.fields(TASK, MAIN)["partner_id"]


async def _bind_test_key(pair: Pair) -> int:
    """Somebody tries what was done then: a key of the test environment for the production task."""
    said = _key("trial", standby=True, environment=TEST)
    reply = await pair.centre.credentials.put(said, SPARE_KEY, "cli")
    return 0 if isinstance(reply, Refusal) else 1


async def _order(pair: Pair, no: int) -> str:
    """One order that is paid already goes to its warehouse, which wants a number of the carrier; its id."""
    world, basket = pair.world, pair.world.baskets[no]
    buyer, now = buyer_of(world.seed, basket.buyer), world.clock.now()
    reply = await _do(pair, _placed(pair, basket, buyer, f"W{no:04d}", now), f"W{no:04d}")
    assert isinstance(reply, Accepted), reply
    return reply.aggregate


def _placed(pair: Pair, basket: Basket, buyer: Buyer, native: str, now: datetime) -> PlaceOrder:
    first = basket.lines[0]
    line = Line(no=1, sku=first.sku, units=first.units, amount_fen=first.amount_fen, title=first.title)
    person = Person(
        name=buyer.name, phone=buyer.phone, province=buyer.province, city=buyer.city, district=buyer.district,
        detail=buyer.street + buyer.detail, buyer=buyer.id, payer=buyer.openid,
    )  # fmt: skip
    return PlaceOrder(
        channel="MP", shop=pair.world.shops["MP"].id, native=native, buyer=f"{buyer.id}-{native}", lines=(line,),
        amount_fen=first.amount_fen, placed_at=now, region=buyer.province, person=person,
        entry=Entry(reason="团购", payment="transfer", reference=native),
    )  # fmt: skip


async def _lie(pair: Pair, order: str) -> None:
    clock = pair.world.clock
    await clock.sleep(LOOK_AFTER_S)
    word = NoteSystemStatus(order=order, system=ERP, native_status="5", said_at=clock.now(), status="signed")
    await _do(pair, word, order)


async def _help(pair: Pair) -> None:
    """A person is called by the ticket, needs as long as in the old process, and seals the spare key."""
    clock = pair.world.clock
    while not _tickets(pair, kinds.CREDENTIAL_FAILED):
        await clock.sleep(1.0)
    await clock.sleep(TABLE_S + LOG_S + CONSOLE_S + RELEASE_S)
    reply = await pair.centre.credentials.put(_key(SPARE, standby=True), SPARE_KEY, "cli")
    assert not isinstance(reply, Refusal), reply


async def _do(pair: Pair, command: Command, key: str) -> Reply:
    return await pair.centre.bus.ask(
        Inbound(
            command=command, key=(NAME, type(command).__name__, key), source=ERP, shop="",
            happened_at=pair.world.clock.now(), raw=b"", operator=BY,
        )
    )  # fmt: skip


def _tickets(pair: Pair, kind: str, *, open_only: bool = True) -> list[Any]:
    pair.centre.views.flush()
    rows = pair.centre.reads.tickets(open_only=open_only, limit=10_000)
    return [row for row in rows if kinds.matter_of(row.kind) == kind]


# ---- what came of it


class Trail(NamedTuple):
    """What the journal says: when each shipment's number was asked for and given, and what else is counted."""

    asked: dict[str, datetime]
    got: dict[str, datetime]
    switched_at: datetime | None
    warned_at: datetime | None
    found: dict[str, float]


def _trail(pair: Pair) -> Trail:
    asked, got, found = dict[str, datetime](), dict[str, datetime](), dict[str, float]()
    switched_at = warned_at = None
    for row in pair.centre.reads.journal():
        if row.fact == WaybillAsked.__name__:
            asked.setdefault(row.aggregate, row.recorded_at)
        elif row.fact == WaybillGot.__name__:
            got.setdefault(row.aggregate, row.recorded_at)
        elif row.fact == SignedWithoutTrack.__name__:
            said_at = datetime.fromisoformat(str(row.body["said_at"]))
            found.setdefault(row.aggregate, (row.recorded_at - said_at) / MINUTE)
        elif row.fact == KeySwitched.__name__ and row.aggregate == credential_key(TASK):
            switched_at = switched_at or row.recorded_at
        elif row.fact == HealthScanned.__name__ and warned_at is None:
            findings: Any = row.body["findings"]
            warned = any((each["check"], each["about"]) == (IDLE, f"{TASK}/{MAIN}") for each in findings)
            warned_at = row.recorded_at if warned else None
    return Trail(asked, got, switched_at, warned_at, found)


def _counted(pair: Pair, idle: IdleKeys, orders: list[str], scanned: dict[str, datetime], taken: int) -> Side:
    trail, numbers = (
        _trail(pair),
        Counter(each.key.partition(".")[0] for each in pair.world.carrier.numbers.live()),
    )
    refused, alarms = idle.refused, _tickets(pair, kinds.CREDENTIAL_FAILED, open_only=False)
    until = max([*refused[-1:], *filter(None, [trail.switched_at])], default=None) or NEVER
    missed = [
        shipment
        for shipment, asked_at in trail.asked.items()
        if refused and asked_at <= until and trail.got.get(shipment, until) >= refused[0]
    ]
    false = [at for order in orders for at in _signed_unscanned(pair, order, scanned)]
    reports = _reports(pair)
    whole = {order for shipment in numbers if (parsed := parse(shipment)) for order in (parsed.order,)}
    return Side(
        parcels=len(orders),
        test_key=taken,
        warned_at=trail.warned_at,
        frozen_at=next(iter(idle.frozen.values()), None),
        refused_at=refused[0] if refused else None,
        alarm_at=min([each.raised_at for each in alarms], default=None),
        mended_at=trail.switched_at,
        done_at=max([trail.got[each] for each in missed if each in trail.got], default=None),
        missed=len(missed),
        untold=len(set(orders) - whole),
        doubled=sum(numbers.values()) - len(numbers),
        false=len(false),
        first_false=min(false, default=None),
        last_false=max(false, default=None),
        said=sum(ERP in _state(pair, order).said for order in orders),
        found=len(trail.found),
        found_minutes=max(trail.found.values(), default=None),
        alarms=len(_tickets(pair, kinds.MANY_WITHOUT_TRACK, open_only=False)),
        unresolved=len(_tickets(pair, kinds.SIGNED_WITHOUT_TRACK)),
        waited_minutes=max([(trail.got[each] - trail.asked[each]) / MINUTE for each in trail.got], default=0.0),
        reported=sum(each.outage.resent + each.outage.found for each in reports),
        left=sum(each.outage.left + each.waiting + each.outage.lanes_broken for each in reports),
    )  # fmt: skip


def _reports(pair: Pair) -> list[Compensation]:
    reads, now = pair.centre.reads, pair.world.clock.now()
    found = [
        reads.compensation(CARRIER, outage.no, now) for name, outage in reads.outages() if name == CARRIER
    ]
    return [each for each in found if each is not None]


def _signed_unscanned(pair: Pair, order: str, scanned: dict[str, datetime]) -> list[datetime]:
    """When parcels were signed in the books that the carrier had not seen signed."""
    return [
        each.signed_at
        for each in _state(pair, order).parcels
        if each.signed_at is not None and each.signed_at < scanned.get(each.waybill, NEVER)
    ]


def _state(pair: Pair, id: str) -> Order:
    order = pair.centre.reads.order(id)
    assert isinstance(order, Order)
    return order
