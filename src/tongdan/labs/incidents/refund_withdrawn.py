"""`refund-withdrawn`: a refund is taken back, and not every system hears of it.

A day of an own shop's orders, of each of which some money is asked back and withdrawn within hours: before anybody else
has looked at it, while it cools off, or after the provider has sent it. ERP, finance and customer service are out of
reach for a while that day. The old process and Tongdan meet the same orders, wishes, instants and outages.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from tongdan.adapters.clock import run_virtual
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.adapters.transport import Handler, InProcessTransport
from tongdan.domain.kernel.confirmation import CENTRE, FINANCE, Marker
from tongdan.domain.kernel.ids import refund_id
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import RefundUnits, RequestRefund
from tongdan.domain.orders.confirmation.commands import WithdrawRefund
from tongdan.domain.orders.confirmation.model import Confirmation, Undo
from tongdan.domain.orders.confirmation.words import WITHDRAWN
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import Order
from tongdan.labs.incidents.outcome import Incident, Outcome, Row
from tongdan.labs.incidents.quiet_conf import with_rare_listings
from tongdan.labs.incidents.refunder import OldRefunds, OldRow
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.erp import JsonErp
from tongdan.labs.world.faults import Faults
from tongdan.labs.world.finance import Finance
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.mini_program import OwnOrder
from tongdan.labs.world.provision import CREDENTIALS, read_credentials
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.service import ServiceDesk
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.wechat_books import SUCCESS, Trade
from tongdan.labs.world.wechat_refunds import Refunds
from tongdan.ports import Clock, HttpRequest, HttpResponse, Inbound, Unreachable

NAME: Final = "refund-withdrawn"
MORNING: Final = datetime(2026, 1, 27, tzinfo=UTC)  # eight o'clock in UTC+8
ORDERS: Final = 30
ERP: Final = "main"
LOOK_EVERY_S: Final = 600.0
LOOKS: Final = 300
ASKED_AFTER_MEAN_S: Final = 5_400.0
WITHDRAWN_AFTER_MEAN_S: Final = 3_600.0
OUTAGE_S: Final = (7_200.0, 21_600.0)
DAY_S: Final = 86_400.0
PULSE: Final = "pulse.yml"
SYSTEMS: Final = ("finance", f"erp/{ERP}", "service")
CLERK: Final = "clerk"


class Case(NamedTuple):
    """A refund that was asked for and withdrawn; `by` is the party that withdrew it, `trade` where its money was."""

    order: str
    refund: str
    amount_fen: int
    asked_at: datetime
    withdrawn_at: datetime
    by: str
    trade: Trade


class Side(NamedTuple):
    """What one side comes to. `reversed` are systems of those `told`; `followed_fen` is on record as owed by buyers."""

    cases: int
    on_one_word: int
    told: int
    reversed: int
    as_before: int
    left_fen: int
    followed_fen: int


def replay(seed: int, conf: Path, data: Path) -> Outcome:
    ours_conf = _with_erp(conf, data / "conf")

    async def ours(clock: Clock) -> tuple[Side, list[Case], tuple[str, ...]]:
        async with together(
            data / "centre", ours_conf, clock=clock, seed=seed, orders=ORDERS, faults=0.0, outages=0,
            most_lines=3, retail=SeededRetail(seed), shares={},
        ) as pair:  # fmt: skip
            return await _live(pair)

    tongdan, cases, offenders = run_virtual(ours, MORNING)
    old = run_virtual(
        lambda clock: _as_before(clock, seed, load_conf(ours_conf), data / "centre", cases), MORNING
    )
    return Outcome(
        incident=NAME,
        seed=seed,
        rows=tuple(_rows(old, tongdan)),
        holds=_holds(tongdan) and not offenders,
        offenders=offenders,
    )


def _holds(side: Side) -> bool:
    everywhere = side.reversed == side.told and side.as_before == side.cases
    return bool(side.cases) and everywhere and side.followed_fen == side.left_fen and not side.on_one_word


def _rows(old: Side, new: Side) -> Iterator[Row]:
    yield Row("withdrawn", "refunds withdrawn", "撤回的退款", old.cases, new.cases)
    yield Row(
        "on_one_word", "sent on one person's word", "凭一人之言即已退出", old.on_one_word, new.on_one_word
    )
    yield Row("told", "systems that were told of them", "已告知的系统", old.told, new.told)
    yield Row("reversed", "of these reversed", "其中已撤销", old.reversed, new.reversed)
    yield Row(
        "as_before",
        "refunds after which all is as before",
        "一切恢复如初的退款",
        old.as_before,
        new.as_before,
    )
    yield Row("left_fen", "fen that had left", "已退出的款项（分）", old.left_fen, new.left_fen)
    yield Row(
        "followed_fen",
        "of these on record as owed back",
        "其中已登记追回",
        old.followed_fen,
        new.followed_fen,
    )


def _with_erp(conf: Path, folder: Path) -> Path:
    """The configuration, with an ERP that hears of the own shop; nobody is asked how they see orders."""
    with_rare_listings(conf, folder)
    (folder / PULSE).unlink(missing_ok=True)
    partners = yaml.safe_load((folder / "partners.yml").read_text())
    partners["erps"] = {ERP: {"kind": "webhook", "base_url": "https://erp.example.com/orders"}}
    (folder / "partners.yml").write_text(yaml.safe_dump(partners, allow_unicode=True))
    shops = yaml.safe_load((folder / "shops.yml").read_text())
    own = [shop | {"erp": ERP} if shop["channel"] == "MP" else shop for shop in shops]
    (folder / "shops.yml").write_text(yaml.safe_dump(own, allow_unicode=True))
    return folder


def _outages(seed: int) -> Iterator[tuple[str, float, float]]:
    """(system, from when, how long), the same for both sides."""
    for name in SYSTEMS:
        stream = Stream(seed, NAME, "outage", name)
        yield name, stream.between(0.0, DAY_S / 2), stream.between(*OUTAGE_S)


# ---- Tongdan's side


async def _live(pair: Pair) -> tuple[Side, list[Case], tuple[str, ...]]:
    world, cases = pair.world, list[Case]()
    world.finance.marks_asked = True
    for name, begin_s, lasts_s in _outages(world.seed):
        world.bustle.start(world.faults.suffer(name, begin_s, lasts_s))
    world.bustle.start(_withdrawals(pair, cases))
    await world.run(busy=lambda: any(_is_open(pair, case) for case in cases))
    await pair.centre.quiet()
    pair.centre.views.flush()
    cases.sort()
    judged = {case.refund: _judged(pair, case) for case in cases}
    offenders = tuple(f"{refund}: {', '.join(wrong)}" for refund, (_, wrong) in judged.items() if wrong)
    return _added([side for side, _ in judged.values()]), cases, offenders


async def _withdrawals(pair: Pair, cases: list[Case]) -> None:
    """Every order of the day that is paid and handed over has some of its money asked back, and withdrawn."""
    world, begun = pair.world, set[str]()
    for _ in range(LOOKS):
        await world.clock.sleep(LOOK_EVERY_S)
        for own in world.own_shop.orders.values():
            if own.id and own.id not in begun and _of(pair, own.id).shipments:
                begun.add(own.id)
                world.bustle.start(_one(pair, own, cases))


async def _one(pair: Pair, own: OwnOrder, cases: list[Case]) -> None:
    world, stream = pair.world, Stream(pair.world.seed, NAME, own.no)
    await world.clock.sleep(stream.waiting_s(ASKED_AFTER_MEAN_S))
    order = _of(pair, own.id)
    if await _do(pair, _wish(order, own.id)) is not None or not _of(pair, own.id).confirmations:
        return
    asked_at, refund = world.clock.now(), _of(pair, own.id).refunds[-1]
    await world.clock.sleep(stream.waiting_s(WITHDRAWN_AFTER_MEAN_S))
    by, number = stream.pick((FINANCE, CENTRE)), refund_id(own.id, refund.no)
    if by == FINANCE:
        world.finance.mark(WITHDRAWN, own.id, number, refund.amount_fen, "withdrawn")
    else:
        marker = Marker(party=CENTRE, by=CLERK)
        withdrawal = WithdrawRefund(order=own.id, refund=refund.no, marker=marker, reason="withdrawn")
        await _do(pair, withdrawal)
    trade = next(each for each in own.trades if each.transaction_id == refund.transaction)
    cases.append(Case(own.id, number, refund.amount_fen, asked_at, world.clock.now(), by, trade))


def _wish(order: Order, id: str) -> Command:
    """The first of several lines if nothing has left yet, else half the price."""
    marker = Marker(party=CENTRE, by=CLERK)
    if len(order.lines) > 1 and not order.parcels:
        unit = Units(order.lines[0].line.no, 1)
        return RefundUnits(order=id, units=(unit,), reason="not wanted", marker=marker)
    return RequestRefund(order=id, amount_fen=order.amount_fen // 2 or 1, reason="goodwill", marker=marker)


async def _do(pair: Pair, command: Command) -> Refusal | None:
    """What the order centre's own people ask for."""
    reply = await pair.centre.bus.ask(
        Inbound(
            command=command, key=(NAME, repr(command)), source="cli", shop="", happened_at=pair.world.clock.now(),
            raw=b"", operator=CLERK,
        )
    )  # fmt: skip
    return reply if isinstance(reply, Refusal) else None


def _is_open(pair: Pair, case: Case) -> bool:
    """Something of it is still under way."""
    its, refund = _confirmation(pair, case), _of(pair, case.order).refunds[0]
    over = (RefundStage.SUCCEEDED, RefundStage.FAILED, RefundStage.WITHDRAWN)
    return not (its.undone and refund.stage in over)


def _judged(pair: Pair, case: Case) -> tuple[Side, list[str]]:
    """One case beside the partners' books, and what is wrong with it."""
    order, its, books = _of(pair, case.order), _confirmation(pair, case), _books(pair, case)
    undone = [each.undo is Undo.PROVEN and books.get(each.partner) for each in its.steps]
    with_goods = bool(its.units) and not order.cancelled  # nobody wants those of a cancelled order
    told = len(undone) + with_goods
    goods = all((line := order.line(each.line)) and not line.withdrawn for each in its.units)
    back = sum(map(bool, undone)) + (with_goods and goods)
    left = pair.world.wechat.refunds.books.get(case.refund)
    left_fen = left.amount_fen if left is not None and left.status == SUCCESS else 0
    recorded_fen = its.recovery.amount_fen if its.recovery is not None else 0
    alone = its.executed and len({mark.by for mark in its.marks}) < len({mark.party for mark in its.marks})
    whole = back == told and _is_as_before(order, its) and left_fen == recorded_fen
    wrong = [] if whole else [f"{back} of {told} reversed, {left_fen} fen left, {recorded_fen} on record"]
    return Side(1, alone, told, back, whole, left_fen, recorded_fen), wrong


def _is_as_before(order: Order, its: Confirmation) -> bool:
    """It owes nothing, or all that came in if its buyer has cancelled it since; the refund counts for nothing."""
    others = [each for each in order.refunds if each.no != its.refund and each.stage is RefundStage.SUCCEEDED]
    owed_fen = order.received_fen if order.cancelled else 0
    back_fen = sum(each.amount_fen for each in others)
    return (order.owed_fen, order.refunded_fen) == (owed_fen, back_fen)


def _books(pair: Pair, case: Case) -> dict[str, bool]:
    """Which partner's own books are as before."""
    world, erp = pair.world, pair.world.erps.by_name[ERP]
    assert isinstance(erp, JsonErp)
    assert world.tellers.service is not None
    account = world.finance.accounts[case.order]
    return {
        "finance": case.refund not in account.refunds_fen and account.refunds[case.refund] == WITHDRAWN,
        f"erp/{ERP}": erp.refunds.get(case.refund) == WITHDRAWN,
        "service": world.tellers.service.refunds.get(case.refund) == WITHDRAWN,
    }


def _of(pair: Pair, id: str) -> Order:
    order = pair.centre.reads.order(id)
    assert isinstance(order, Order)
    return order


def _confirmation(pair: Pair, case: Case) -> Confirmation:
    its = _of(pair, case.order).confirmations[0]
    assert refund_id(case.order, its.refund) == case.refund
    return its


def _added(sides: list[Side]) -> Side:
    return Side(*[sum(column) for column in zip(*sides, strict=True)])


# ---- as it was before


async def _as_before(clock: Clock, seed: int, conf: Conf, data: Path, cases: list[Case]) -> Side:
    credentials = read_credentials(data / CREDENTIALS)
    ear = InProcessTransport({}, clock)
    faults = Faults(seed, clock, 0.0)
    setting = Setting(seed, clock, clock, ear, "http://old.example.com", faults, Bustle(clock), Names())
    secret = credentials[f"finance/{conf.partners.finance.system}"]["secret"]
    finance = Finance(setting, conf.partners.finance.system, secret, UTC)
    erp = JsonErp(setting, f"erp/{ERP}", credentials[f"erp/{ERP}"])
    assert conf.partners.service is not None
    desk = ServiceDesk(setting, credentials[f"service/{conf.partners.service.system}"]["secret"])
    trades = {case.trade.out_trade_no: case.trade for case in cases}
    provider = Refunds(setting, "1900000109", trades, _deaf, _deaf)
    systems = {
        "finance": (_guarded(faults, "finance", finance.handle), secret.encode()),
        f"erp/{ERP}": (_guarded(faults, f"erp/{ERP}", erp.handle), credentials[f"erp/{ERP}"]["secret"].encode()),
        "service": (
            _guarded(faults, "service", desk.handle),
            credentials[f"service/{conf.partners.service.system}"]["secret"].encode(),
        ),
    }  # fmt: skip
    job = OldRefunds(clock, systems, provider)
    for name, begin_s, lasts_s in _outages(seed):
        setting.bustle.start(faults.suffer(name, begin_s, lasts_s))
    await asyncio.gather(*[_happen(clock, job, case) for case in cases])
    await job.finish()
    await setting.bustle.quiet(LOOK_EVERY_S, 30 * DAY_S, lambda: False)

    def judged(case: Case) -> Side:
        account = finance.accounts.get(case.order)
        words = {
            f"erp/{ERP}": erp.refunds.get(case.refund),
            "service": desk.refunds.get(case.refund),
            "finance": "refunded" if account is not None and case.refund in account.refunds_fen
            else WITHDRAWN if account is not None else None,
        }  # fmt: skip
        told = [word for word in words.values() if word is not None]
        back = sum(word == WITHDRAWN for word in told)
        left = provider.books.get(case.refund)
        left_fen = left.amount_fen if left is not None and left.status == SUCCESS else 0
        followed_fen = 0 if account is None else account.receivable_fen
        alone = left is not None and len(set(job.table[case.refund].by)) < len((FINANCE, CENTRE))
        return Side(
            1, alone, len(told), back, back == len(told) and left_fen == followed_fen, left_fen, followed_fen
        )

    return _added([judged(case) for case in cases])


async def _happen(clock: Clock, job: OldRefunds, case: Case) -> None:
    await clock.sleep((case.asked_at - clock.now()) / timedelta(seconds=1))
    job.refund(OldRow(case.order, case.refund, case.amount_fen, by=[CLERK]), case.trade)
    await clock.sleep((case.withdrawn_at - clock.now()) / timedelta(seconds=1))
    job.withdraw(case.refund)


def _guarded(faults: Faults, name: str, handler: Handler) -> Handler:
    async def guarded(request: HttpRequest) -> HttpResponse:
        if faults.is_down(name):
            raise Unreachable("the system is down")
        return await handler(request)

    return guarded


def _deaf(notice: object, order: str) -> None:
    """Notices of the provider, which nobody reads."""


INCIDENT: Final = Incident(
    NAME,
    ("A refund is withdrawn, and not every system hears of it", "退款撤回，却不是每个系统都知道"),
    (
        "one person sets the status, the money goes at once; a job pushes the status and, when withdrawn, its reverse",
        "一人改状态，款项立即退出；任务推送状态，撤回时再推送相反的状态",
    ),
    (
        "n of n systems reversed, balances as before; money that had left is on record as owed back, to the fen",
        "n 个系统全部撤销，余额如初；已退出的款项分毫不差地登记追回",
    ),
    replay,
)
