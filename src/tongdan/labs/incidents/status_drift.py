"""`status-drift`: one order, five systems, three formats, two clocks; sooner or later they say different things.

A day of orders of Douyin Shop and an own shop, with a WMS whose clock is its server's. Three kinds of drift come to
some of them (`drifts.py`). The old process (`status_table.py`) hears the same messages and lays the same books side by
side; what a system said because Tongdan had repaired it is not shown to it.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import yaml

from tongdan.adapters.clock import run_virtual
from tongdan.domain.kernel.ids import parse
from tongdan.labs.incidents.drifts import Drift, Drifts, Planted
from tongdan.labs.incidents.outcome import Incident, Outcome, Row
from tongdan.labs.incidents.quiet_conf import with_rare_listings
from tongdan.labs.incidents.status_table import DOUYIN, Clerk, Heard, StatusTable, as_csv, read
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.retail import ShortDay
from tongdan.labs.world.world import World
from tongdan.ports import Clock, HttpRequest, HttpResponse

NAME: Final = "status-drift"
MORNING: Final = datetime(2026, 1, 27, tzinfo=UTC)  # eight o'clock in UTC+8
ORDERS: Final = 24
OPEN_S: Final = 4 * 3_600  # in which the day's baskets are bought
DRIFTS: Final = timedelta(hours=40)  # what drifts apart later is not looked for any more
LASTS_S: Final = 44 * 3_600.0  # two nights
SHARES: Final = {"DY": 0.6}
SERVER_ZONE: Final = "America/New_York"  # on the wall of the WMS
NIGHT: Final = timedelta(hours=18)  # two o'clock in UTC+8, when exports are made
OUTBOUND: Final = ("PARTDELIVERED", "DELIVERED", "SIGN")
FORMATS: Final = {b"{": "JSON", b"[": "JSON", b"<": "XML"}


class Message(NamedTuple):
    """What a system pushed, as it was on the line."""

    at: datetime
    raw: bytes


class Tape:
    """What was said in that day: pushes one by one, and with whom and in which formats anything was said at all."""

    def __init__(self) -> None:
        self.pushes: Final[list[Message]] = []
        self.hosts: Final[set[str]] = set()
        self.formats: set[str] = set()
        self.nights: Final[list[tuple[datetime, dict[str, dict[str, str]]]]] = []
        self.clock: Clock | None = None

    def hear(self, request: HttpRequest, response: HttpResponse) -> None:
        url = urlsplit(request.url)
        assert self.clock is not None
        if url.path.startswith("/push/"):
            self.pushes.append(Message(self.clock.now(), request.body))
        else:
            self.hosts.add(url.netloc)
        self.formats |= {_format(request.body), _format(response.body)} - {""}


class Case(NamedTuple):
    """What became of a planted drift: found and put right when (None: not)."""

    found_at: datetime | None = None
    mended_at: datetime | None = None
    by_itself: bool = False


class Side(NamedTuple):
    """What one side comes to. `false` are orders about which nothing was wrong."""

    interfaces: int
    formats: int
    clocks: int
    cases: dict[str, Case]
    tickets: int
    false: int


def replay(seed: int, conf: Path, data: Path) -> Outcome:
    own_conf, tape = _with_two_clocks(conf, data / "conf"), Tape()

    async def both(clock: Clock) -> tuple[dict[str, Planted], Side, Side]:
        tape.clock = clock
        async with together(
            data / "centre", own_conf, clock=clock, seed=seed, orders=ORDERS, faults=0.0, outages=0, most_lines=2,
            retail=ShortDay(seed, OPEN_S), shares=SHARES, overheard=tape.hear,
        ) as pair:  # fmt: skip
            planted = await _live(pair, tape)
            return planted, _as_before(pair, tape, planted), _ours(pair, tape, planted)

    planted, old, ours = run_virtual(both, MORNING)
    offenders = tuple(_offenders(planted, ours))
    return Outcome(
        incident=NAME,
        seed=seed,
        rows=tuple(_rows(planted, old, ours)),
        holds=bool(planted) and not offenders and not ours.false,
        offenders=offenders,
    )


def _rows(planted: dict[str, Planted], old: Side, new: Side) -> Iterator[Row]:
    yield Row("interfaces", "systems spoken with", "对接系统", old.interfaces, new.interfaces)
    yield Row("formats", "formats", "数据格式", old.formats, new.formats)
    yield Row("clocks", "clocks", "时钟", old.clocks, new.clocks)
    yield Row("planted", "orders whose statuses drift apart", "状态错位的订单", len(planted), len(planted))
    for drift, en, zh in (
        (Drift.UNSHIPPED, "of them paid and unshipped", "其中已付款未发货"),
        (Drift.NOT_OUTBOUND, "of them shipped and not outbound", "其中已发货未出库"),
        (Drift.UNSETTLED, "of them signed and unsettled", "其中已签收未结算"),
    ):
        count = sum(each.drift is drift for each in planted.values())
        yield Row(drift.value, en, zh, count, count)
    yield Row("found", "found", "被发现", _found(old), _found(new))
    yield Row("itself", "repaired without a person", "自动修复", _by_itself(old), _by_itself(new))
    yield Row("tickets", "with a person, in an open ticket", "交由人工的工单", old.tickets, new.tickets)
    yield Row("missed", "missed", "未发现", len(planted) - _found(old), len(planted) - _found(new))
    yield Row("false", "false alarms", "误报", old.false, new.false)
    for name, en, zh in (
        ("found_at", "to find", "发现"),
        ("mended_at", "to repair", "修复"),
    ):
        was, now = _minutes(planted, old, name), _minutes(planted, new, name)
        yield Row(f"{name}_median", f"minutes {en} (median)", f"{zh}所用分钟（中位数）", was[0], now[0])
        yield Row(f"{name}_max", f"minutes {en} (longest)", f"{zh}所用分钟（最长）", was[1], now[1])


def _found(side: Side) -> int:
    return sum(case.found_at is not None for case in side.cases.values())


def _by_itself(side: Side) -> int:
    return sum(case.by_itself for case in side.cases.values())


def _minutes(planted: dict[str, Planted], side: Side, name: str) -> tuple[float | None, float | None]:
    """(median, longest) of what was found, or put right."""
    taken = [
        (at - planted[order].at) / timedelta(minutes=1)
        for order, case in side.cases.items()
        if (at := getattr(case, name)) is not None
    ]
    return (round(median(taken), 1), round(max(taken), 1)) if taken else (None, None)


async def _live(pair: Pair, tape: Tape) -> dict[str, Planted]:
    drifts = Drifts(pair)
    beside = [
        asyncio.ensure_future(each) for each in (drifts.go_on(MORNING + DRIFTS), _export(pair.world, tape))
    ]
    await pair.world.run(deadline_s=LASTS_S)
    for each in beside:
        each.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    pair.centre.views.flush()
    return drifts.planted


async def _export(world: World, tape: Tape) -> None:
    """Every night each system writes down how it sees its orders."""
    at = MORNING.replace(hour=0) + NIGHT
    while True:
        await world.clock.sleep((at - world.clock.now()) / timedelta(seconds=1))
        names = world.setting.names
        ids = {names.native_of(order): order for order in world.finance.accounts}
        sold = world.platforms.douyin.orders
        deliveries = {_order(code): each for code, each in world.warehouses.deliveries.items()}
        words = {
            "channel": {ids.get(n, n): DOUYIN.get(str(each.status), "") for n, each in sold.items()},
            "wms": {
                order: "shipped" if each.stage in OUTBOUND else "working"
                for order, each in deliveries.items()
            },
            "finance": {order: each.status for order, each in world.finance.accounts.items()},
        }
        tape.nights.append((world.clock.now(), words))
        at += timedelta(days=1)


# ---- Tongdan's side


def _ours(pair: Pair, tape: Tape, planted: dict[str, Planted]) -> Side:
    cases, open_, false = dict.fromkeys(planted, Case()), set[tuple[str, str]](), set[str]()
    for row in pair.centre.reads.journal():
        if not row.aggregate.startswith("ticket/") or "/differs-" not in row.aggregate:
            continue
        _, order, kind = row.aggregate.split("/")
        if row.fact == "DifferenceFound":
            open_.add((order, kind))
            if order not in planted or row.recorded_at < planted[order].at:
                false.add(order)
            elif cases[order].found_at is None:
                cases[order] = Case(found_at=row.recorded_at)
        elif row.fact == "TicketResolved":
            open_.discard((order, kind))
            if order in planted:
                cases[order] = cases[order]._replace(mended_at=row.recorded_at)
    waiting = {order for order, _ in open_}
    done = {
        order: case._replace(mended_at=None)
        if order in waiting
        else case._replace(by_itself=bool(case.mended_at))
        for order, case in cases.items()
    }
    policy = pair.world.policy
    zones = {each.zone for each in policy.channels.values()} | {
        each.zone for each in policy.carriers.values()
    }
    idle = {urlsplit(each.base_url).netloc for code, each in policy.channels.items() if code not in SHARES}
    return Side(
        interfaces=len(tape.hosts - idle),
        formats=len(tape.formats),
        clocks=len(zones | {SERVER_ZONE}),
        cases=done,
        tickets=len(waiting & planted.keys()),
        false=len(false),
    )


def _offenders(planted: dict[str, Planted], ours: Side) -> Iterator[str]:
    for order, each in planted.items():
        case = ours.cases[order]
        if case.found_at is None:
            yield f"{order}: {each.drift} since {each.at:%m-%dT%H:%M} was not found"
        elif each.decided and not case.by_itself:
            yield f"{order}: {each.drift}, which a system of record decides, waits for a person"
        elif not each.decided and case.by_itself:
            yield f"{order}: {each.drift}, which nobody can decide, was closed"


# ---- as it was before


def _as_before(pair: Pair, tape: Tape, planted: dict[str, Planted]) -> Side:
    ids = {row.native: row.id for row in pair.centre.reads.orders(limit=1_000)}
    pushes = iter([(each.at, _named(heard, ids)) for each in tape.pushes for heard in read(each.raw)])
    table, clerk = StatusTable(), Clerk(Stream(pair.world.seed, NAME, "clerk"))
    cases, false, desk = dict.fromkeys(planted, Case()), set[str](), set[str]()
    systems, pending = set[str](), next(pushes, None)
    looked_at = set[tuple[str, str]]()  # nobody looks at the same difference twice
    for at, words in tape.nights:
        while pending is not None and pending[0] <= at:
            if not _is_mended(pending[1], pending[0], planted):
                table.hear(pending[1])
                systems.add(pending[1].system)
            pending = next(pushes, None)
        exports = {name: as_csv(_as_it_was(name, said, planted, cases, at)) for name, said in words.items()}
        listed = [each for each in table.compare(exports, at) if (each.order, each.system) not in looked_at]
        for entry, done_at in clerk.work(listed):
            each = planted.get(entry.order)
            looked_at.add((entry.order, entry.system))
            if each is None or each.at > at or each.system != entry.system:
                false.add(entry.order)
                continue
            found_at = cases[entry.order].found_at or at
            cases[entry.order] = Case(found_at, done_at if each.decided else None)
            if not each.decided:
                desk.add(entry.order)
    formats = {_format(each.raw) for each in tape.pushes if read(each.raw)} | {_format(b"order,status")}
    return Side(
        interfaces=len(systems),
        formats=len(formats),
        clocks=1,
        cases=cases,
        tickets=len(desk),
        false=len(false),
    )


def _is_mended(heard: Heard, at: datetime, planted: dict[str, Planted]) -> bool:
    """The system says so because Tongdan has told it."""
    each = planted.get(heard.order)
    return each is not None and each.system == heard.system and at > each.at


def _as_it_was(
    system: str, words: dict[str, str], planted: dict[str, Planted], cases: dict[str, Case], at: datetime
) -> dict[str, str]:
    """The export, in which what has drifted stays so until the clerk has put it right."""
    shown = dict(words)
    for order, each in planted.items():
        mended_at = cases[order].mended_at
        if each.system != system or each.at > at or (mended_at is not None and mended_at <= at):
            continue
        shown.pop(order, None)
        if each.word:
            shown[order] = each.word
    return shown


def _named(heard: Heard, ids: dict[str, str]) -> Heard:
    return heard._replace(order=ids.get(heard.order) or _order(heard.order))


def _order(code: str) -> str:
    parsed = parse(code)
    return code if parsed is None else parsed.order


def _format(body: bytes) -> str:
    """ "" of a form, which only carries another."""
    start, line = body.lstrip()[:1], body.partition(b"\n")[0]
    return FORMATS.get(start, "CSV" if b"," in line and b"=" not in line else "")


def _with_two_clocks(conf: Path, folder: Path) -> Path:
    """The configuration, with a WMS that tells the time of its server."""
    with_rare_listings(conf, folder)

    said = yaml.safe_load((folder / "partners.yml").read_text())
    said["qimen"]["zone"] = SERVER_ZONE
    (folder / "partners.yml").write_text(yaml.safe_dump(said, allow_unicode=True))
    return folder


INCIDENT: Final = Incident(
    NAME,
    ("One order, five systems: their statuses drift apart", "一张订单、五套系统，状态各说各话"),
    (
        "whoever speaks last writes the status; at night exports are compared, by day a clerk goes through them",
        "谁最后推送就以谁为准；夜间逐字比对导出表，白天由专人逐单处理",
    ),
    (
        "every drift is found, no other; what a system of record decides is repaired and proven, the rest a ticket",
        "每一处错位都被发现；有权威系统的自动修复并复核，其余均有未关闭的工单，无误报",
    ),
    replay,
)
