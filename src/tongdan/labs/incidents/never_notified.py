"""`never-notified`: shipped, but the customer was never told.

A day of an own shop's orders on which the SMS provider withdraws a template for some hours, limits the rate and now and
then breaks the line, phones are off, receipts get lost, and some buyers forbid the mini-program to tell them. The old
job and Tongdan see the same parcels leave at the same instants and the same phones.
"""

import asyncio
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from tongdan.adapters.clock import run_virtual
from tongdan.adapters.policy_files import load_conf
from tongdan.adapters.transport import InProcessTransport
from tongdan.domain.kernel.keys import NOTICE
from tongdan.domain.notices.facts import NoticeSending
from tongdan.domain.notices.model import WORRY_MISSED, Notice, NoticeStage
from tongdan.domain.orders.model import Order
from tongdan.labs.incidents.notifier import OldNotifier, OldOrder, deaf_ear
from tongdan.labs.incidents.outcome import Incident, Outcome, Row
from tongdan.labs.incidents.quiet_conf import with_rare_listings
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.faults import Faults
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.notice_books import IN_HAND, MISSED, Books, untold
from tongdan.labs.world.phones import Weather
from tongdan.labs.world.provision import CREDENTIALS, read_credentials
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.sms import SmsGateway
from tongdan.ports import Clock

NAME: Final = "never-notified"
MORNING: Final = datetime(2026, 1, 27, tzinfo=UTC)  # eight o'clock in UTC+8
ORDERS: Final = 60
WEATHER: Final = Weather(
    off=0.05, silent=0.1, refusing=0.5, broken=0.05, per_minute=4,
    rejects_from=MORNING + timedelta(hours=5), rejects_until=MORNING + timedelta(hours=11),
)  # fmt: skip
LONGEST: Final = timedelta(days=12)


class Departure(NamedTuple):
    """A parcel that left, and when it arrived."""

    order: str
    phone: str
    left_at: datetime
    signed_at: datetime | None


class Side(NamedTuple):
    """What one side can say at the end, parcel by parcel, beside what the providers' books say."""

    orders: int
    shipped: int
    told: int
    delivered: int
    known: int
    unknown: int
    found_minutes: float | None


def replay(seed: int, conf: Path, data: Path) -> Outcome:
    quiet_conf = with_rare_listings(conf, data / "conf")

    async def ours(clock: Clock) -> tuple[Side, list[Departure], tuple[str, ...]]:
        async with together(
            data / "centre", quiet_conf, clock=clock, seed=seed, orders=ORDERS, faults=0.0, outages=0,
            most_lines=2, retail=SeededRetail(seed), shares={},
        ) as pair:  # fmt: skip
            return await _live(pair)

    tongdan, departures, offenders = run_virtual(ours, MORNING)
    old = run_virtual(lambda clock: _as_before(clock, seed, quiet_conf, data / "centre", departures), MORNING)
    return Outcome(
        incident=NAME,
        seed=seed,
        rows=tuple(_rows(old, tongdan)),
        holds=not offenders and tongdan.unknown == 0 and tongdan.delivered + tongdan.known == tongdan.shipped,
        offenders=offenders,
    )


def _rows(old: Side, new: Side) -> Iterator[Row]:
    yield Row("orders", "orders", "订单", old.orders, new.orders)
    yield Row("shipped", "parcels shipped", "已发包裹", old.shipped, new.shipped)
    yield Row("told", "said to be told", "系统认为已通知", old.told, new.told)
    yield Row("delivered", "reached the buyer's phone", "买家手机实际收到", old.delivered, new.delivered)
    yield Row("known", "failed, and known", "失败且已知", old.known, new.known)
    yield Row("unknown", "never told, and nobody knows", "从未告知且无人知晓", old.unknown, new.unknown)
    yield Row(
        "found_minutes", "minutes from the first try to the ticket (median)", "首次发送到产生工单的分钟数（中位数）",
        old.found_minutes, new.found_minutes,
    )  # fmt: skip


# ---- Tongdan's side


async def _live(pair: Pair) -> tuple[Side, list[Departure], tuple[str, ...]]:
    world, reads = pair.world, pair.centre.reads
    for teller in (world.tellers.sms, world.tellers.mini):
        assert teller is not None
        teller.weather = WEATHER

    def notices() -> dict[str, Notice]:
        return {key: each for key, each in reads.under(NOTICE) if each.kind == "shipped"}

    await world.run(busy=lambda: any(each.stage in IN_HAND for each in notices().values()))
    await pair.centre.quiet()
    pair.centre.views.flush()
    tickets = {(row.subject, row.kind): row.raised_at for row in reads.tickets(limit=100_000)}
    began = _first_sendings(pair)
    found = [
        (tickets[key, WORRY_MISSED] - began[key]) / timedelta(minutes=1)
        for key in notices()
        if (key, WORRY_MISSED) in tickets
    ]
    departures = list(_departures(pair))
    side = _counted(pair, notices(), departures, found)
    missing = [f"{each.order}: {each.detail}" for each in untold(world, reads, tickets.keys())]
    return side, departures, tuple(missing)


def _first_sendings(pair: Pair) -> dict[str, datetime]:
    """When each notice was sent for the first time; from then on its failure could be known."""
    began: dict[str, datetime] = {}
    for row in pair.centre.reads.journal():
        if row.fact == NoticeSending.__name__:
            began.setdefault(row.aggregate, row.recorded_at)
    return began


def _departures(pair: Pair) -> Iterator[Departure]:
    """What left the warehouses, as the orders know it."""
    for sold in pair.world.own_shop.orders.values():
        order = pair.centre.reads.order(sold.id) if sold.id else None
        for parcel in order.parcels if isinstance(order, Order) else ():
            yield Departure(sold.no, sold.buyer.phone, parcel.shipped_at, parcel.signed_at)


def _counted(
    pair: Pair, notices: dict[str, Notice], departures: Collection[Departure], found: list[float]
) -> Side:
    """A failure counts as known while its ticket is open; what reached the phone all the same is delivered."""
    books = Books(pair.world)
    reached = {key for key, each in notices.items() if books.has_arrived(key, each)}
    known = {key for key, each in notices.items() if each.stage in MISSED} - reached
    return Side(
        orders=len(pair.world.own_shop.orders),
        shipped=len(departures),
        told=sum(each.stage is NoticeStage.DELIVERED for each in notices.values()),
        delivered=len(reached),
        known=len(known),
        unknown=len(departures) - len(reached) - len(known),
        found_minutes=round(median(found), 1) if found else None,
    )


# ---- as it was before


async def _as_before(
    clock: Clock, seed: int, conf: Path, data: Path, departures: Collection[Departure]
) -> Side:
    sms = load_conf(conf).partners.sms
    assert sms is not None
    account = read_credentials(data / CREDENTIALS)[f"sms/{sms.account}"]
    centre = "http://old.example.com"
    ear = InProcessTransport({urlsplit(centre).netloc: deaf_ear}, clock)
    setting = Setting(seed, clock, clock, ear, centre, Faults(seed, clock, 0.0), Bustle(clock), Names())
    gateway = SmsGateway(setting, account, WEATHER)
    job = OldNotifier(
        clock, gateway.handle, sms.base_url, account["access_key_id"], account["access_key_secret"]
    )
    tasks = [asyncio.ensure_future(_happen(clock, job, each)) for each in departures]
    await job.run(MORNING + LONGEST)
    await asyncio.gather(*tasks)
    await setting.bustle.quiet(3_600.0, 86_400.0, lambda: False)
    reached = [report.sms.phone for report in gateway.reports.values() if report.arrived]
    return _judged(list(job.table.values()), reached, len(departures))


async def _happen(clock: Clock, job: OldNotifier, each: Departure) -> None:
    await clock.sleep((each.left_at - clock.now()).total_seconds())
    job.update(each.order, each.phone, "shipped")
    if each.signed_at is not None:
        await clock.sleep((each.signed_at - clock.now()).total_seconds())
        job.update(each.order, each.phone, "signed")


def _judged(table: list[OldOrder], reached: list[str], shipped: int) -> Side:
    """What the old system's own table says, beside the provider's books."""
    known = sum(bool(row.error) for row in table)
    return Side(
        orders=ORDERS,
        shipped=shipped,
        told=sum(row.notified for row in table),
        delivered=len(reached),
        known=known,
        unknown=shipped - len(reached) - known,
        found_minutes=None,
    )


INCIDENT: Final = Incident(
    NAME,
    ("Shipped, but the customer was never told", "已发货，却从未通知客户"),
    (
        "a job polls for shipped orders, fires an SMS and forgets it; what goes wrong is swallowed",
        "定时任务轮询已发货订单，发出短信后不再理会，出错即吞掉",
    ),
    (
        "every parcel's notice has reached the buyer, or is known to have failed and stands in a ticket",
        "每个包裹的通知要么送达买家，要么已知失败并有未关闭的工单",
    ),
    replay,
)
