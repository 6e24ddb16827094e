"""Whatever order news arrives in, however often, an order ends the same; and no unit and no fen gets lost on the way.

What must be the same (`canonical`): the status and its flags; the payment that counts, and what is owed back; for every
SKU how many units are at which stage; the parcels, what they carry, whether they were signed for; how it was closed;
what the channel last said; that nothing is left waiting; and the stock on hand and free. What may differ: when
something was noticed, the number of facts, the numbering of departures, which tickets were raised and resolved
meanwhile, and to which of two lines of one SKU a parcel's units are counted (a warehouse does not say).

The world keeps one rule: cause before effect. A warehouse reports on a shipment once it was given to it. Everything
else is drawn: which message comes next, again, or late, and which lane of the relay moves.
"""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.centre import Centre, after, detail, line, place, said

from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    CountStock,
    DeductStock,
    KeepReservation,
    Package,
    PackageItem,
    RecordRecall,
    RecordWmsAccepted,
    RecordWmsProcess,
    ReleaseStock,
    ReserveStock,
)
from tongdan.domain.fulfillment.facts import CancelAtWms, PushToWms
from tongdan.domain.kernel.messages import Command, Decision, WakeUp
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Closing, Stage
from tongdan.domain.orders.commands import RecordPayment, RecordPaymentFailure, RecordPrepay, RequestPayment
from tongdan.domain.orders.model import CHANNEL, Order
from tongdan.domain.orders.status import partly, status

LINES = (
    line(1, "SHIRT", 2, 9_900, native="N1"),
    line(2, "HAT", 1, 3_000, native="N2"),
    line(3, "SHIRT", 1, 4_900, native="N3"),
)
SUM_FEN = 17_800
UNITS = 4


# ---- a platform's order


def platform_story(ending: str) -> list[Command]:
    """What the platform says, each with its own time; the detail is a snapshot of the time it was asked for."""
    paid = {"amount_fen": SUM_FEN, "transaction": "D1"}
    story: list[Command] = [
        said("created", 1, "1"),
        said("paid", 60, "2", **paid),
        said("other", 62, "105"),
        detail(*LINES, seconds=63, status="2", paid_at=after(60), transaction="D1"),
    ]
    if ending == "completed":
        return [*story, said("shipped", 1_000, "3"), said("completed", 9_000, "5")]
    return [*story, said("cancelled", 500, "4")]


def reports(push: PushToWms, *, split: bool) -> list[Command]:
    """What a warehouse reports of a shipment: steps, one parcel or two, and a signature for each."""
    id, items = push.shipment, push.items

    def confirm(waybill: str, units: list[tuple[str, int]], final: bool, seconds: float) -> Command:
        parcel = Package("SF", f"{waybill}-{id}", 300, tuple(PackageItem(*each) for each in units))
        return ConfirmDelivery(
            shipment=id,
            warehouse=push.warehouse,
            packages=(parcel,),
            final=final,
            confirmed_at=after(seconds),
            out_biz_code=waybill,
        )

    def step(name: str, seconds: float) -> Command:
        return RecordWmsProcess(shipment=id, status=name, operated_at=after(seconds))

    skus = [(item.sku, item.units) for item in items]
    told = [RecordWmsAccepted(shipment=id, wms_order=f"W-{id}"), step("ACCEPT", 600), step("PICK", 700)]
    if not split or sum(units for _, units in skus) == 1:
        return [*told, confirm("A", skus, True, 800), step("DELIVERED", 801), step("SIGN", 5_000)]
    first, rest = [(skus[0][0], 1)], [(skus[0][0], skus[0][1] - 1), *skus[1:]]
    return [
        *told,
        confirm("A", first, False, 800),
        step("SIGN", 850),
        confirm("B", [each for each in rest if each[1]], True, 900),
        step("SIGN", 5_000),
    ]


def play(centre: Centre, story: list[Command], *, split: bool, draw: Any = None) -> str:
    """Deliver everything. Without `draw` in order and once; with it in any order, some of it again.

    Returns the order's id.
    """
    waiting, answered = list(story), 0
    repeats: list[Command] = []
    for _ in range(2_000):
        pushes = [effect for _, effect in centre.effects if isinstance(effect, PushToWms | CancelAtWms)]
        for push in pushes[answered:]:
            if isinstance(push, PushToWms):
                waiting += reports(push, split=split)
            else:
                waiting.append(RecordRecall(shipment=push.shipment, stopped=True, reason="ok"))
        answered = len(pushes)
        if draw is None:
            centre.catch_up()
            if not waiting:
                break
            centre.send(waiting.pop(0))
            continue
        moves = [*centre.lanes, *range(len(waiting))]
        if not moves:
            break
        move = draw(st.sampled_from(moves))
        if isinstance(move, tuple):
            centre.step(move)
        else:
            message = waiting.pop(move)
            told = centre.tell(message)
            assert isinstance(told, Decision), f"news was refused: {told}"
            if draw(st.integers(0, 3)) == 0 and len(repeats) < 12:
                repeats.append(message)
                waiting.append(message)
    else:
        raise AssertionError("the story does not end")
    return centre.names["DY", "dy-1", "4781"]


def canonical(centre: Centre, id: str) -> dict[str, Any]:
    order: Order = centre.order(id)
    return {
        "status": (status(order), partly(order)),
        "paid": order.paid,
        "owed": (order.received_fen, order.owed_fen),
        "units": by_sku(order, [(s.line.no, (stage, s.at(stage))) for s in order.lines for stage in Stage]),
        "parcels": {
            (p.waybill, p.signed_at is not None): by_sku(order, [(u.line, ("", u.units)) for u in p.units])
            for p in order.parcels
        },
        "closing": order.closing,
        "said": order.said.get(CHANNEL),
        "holds": order.holds,
        "waits": (order.early, order.worries),
        "stock": {
            (stock, name): (level.on_hand, level.available)
            for stock in ("stock/SHIRT", "stock/HAT")
            for name, level in centre.states[stock].levels.items()
        },
    }


def by_sku(order: Order, counts: list[tuple[int, tuple[object, int]]]) -> Counter[tuple[str, object]]:
    """Units by SKU and stage of what is counted by line."""
    sku = {state.line.no: state.line.sku for state in order.lines}
    total: Counter[tuple[str, object]] = Counter()
    for no, (stage, units) in counts:
        total[sku[no], stage] += units
    return total


def stocked(hats: str) -> Centre:
    centre = Centre()
    centre.send(CountStock(sku="SHIRT", warehouse="EAST", on_hand=9, counted_at=after(0)))
    centre.send(CountStock(sku="HAT", warehouse=hats, on_hand=9, counted_at=after(0)))
    return centre


def check(centre: Centre, id: str) -> None:
    """What holds at every end: nothing waits, facts fold to states, no unit is lost, no stock is below zero."""
    assert not centre.lanes
    assert {key: centre.folded(key) for key in centre.states} == centre.states
    for state in centre.order(id).lines:
        assert sum(state.at(stage) for stage in Stage) == state.line.units
    for key in ("stock/SHIRT", "stock/HAT"):
        for name, level in centre.states[key].levels.items():
            held = [r for r in centre.states[key].reservations() if r.warehouse == name]
            assert level.reserved == sum(r.units for r in held) <= level.on_hand


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["EAST", "SOUTH"]), st.booleans())
def test_a_platform_s_order_ends_the_same_however_the_news_arrives(data: Any, hats: str, split: bool) -> None:
    straight, mixed = stocked(hats), stocked(hats)
    expected = canonical(straight, play(straight, platform_story("completed"), split=split))
    assert expected["status"][0] is Status.COMPLETED

    id = play(mixed, platform_story("completed"), split=split, draw=data.draw)
    check(mixed, id)
    assert canonical(mixed, id) == expected


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["EAST", "SOUTH"]), st.booleans())
def test_a_cancelled_order_keeps_no_stock_however_the_news_arrives(data: Any, hats: str, split: bool) -> None:
    """Whether parcels had left is a race that the world decides; what follows from it is not."""
    centre = stocked(hats)
    id = play(centre, platform_story("cancelled"), split=split, draw=data.draw)
    check(centre, id)
    order = centre.order(id)
    assert status(order) is Status.CANCELLED
    assert order.closing is Closing.CANCELLED
    assert (order.paid.amount_fen, order.paid.paid_at) == (SUM_FEN, after(60))
    assert order.said[CHANNEL].status == "cancelled"
    assert order.units(Stage.WAITING, Stage.RESERVED, Stage.RELEASED) == 0
    left = order.units(Stage.SHIPPED, Stage.SIGNED)
    assert left + order.units(Stage.STOPPED) == UNITS
    levels = [level for key in ("stock/SHIRT", "stock/HAT") for level in centre.states[key].levels.values()]
    assert sum(level.reserved for level in levels) == 0
    assert sum(level.on_hand for level in levels) == 18 - left


@given(st.permutations(platform_story("completed")), st.lists(st.integers(0, 5), max_size=6))
def test_an_older_fact_never_moves_an_order_back(story: list[Command], again: list[int]) -> None:
    """After every message, what the channel last said is the latest of what it has said so far."""
    centre, latest = stocked("EAST"), None
    for message in [*story, *[story[n] for n in again]]:
        before = centre.states.get(centre.names.get(("DY", "dy-1", "4781"), ""))
        centre.send(message)
        order = centre.order(centre.names["DY", "dy-1", "4781"])
        said_at = message.said_at  # type: ignore[attr-defined]
        latest = said_at if latest is None else max(latest, said_at)
        assert order.said[CHANNEL].said_at == latest
        if before is not None:
            assert status(order) >= status(before)
            assert order.paid == before.paid or before.paid is None


# ---- an own shop's payments

ATTEMPTS = 3


def payment_news(order: str) -> list[Command]:
    """Wallet, then card, then wallet again: each may be opened, fail, and be paid."""
    news: list[Command] = []
    for n in range(1, ATTEMPTS + 1):
        news.append(RecordPrepay(order=order, attempt=n, prepay=f"wx{n}"))
        news.append(RecordPaymentFailure(order=order, attempt=n, reason="NOTENOUGH"))
        paid: dict[str, Any] = {
            "order": order,
            "attempt": n,
            "transaction": f"T{n}",
            "paid_at": after(60 + n),
        }
        news.append(RecordPayment(**paid, amount_fen=9_900))
    return news


@given(st.data())
def test_however_often_and_in_whatever_order_money_is_told_it_counts_once(data: Any) -> None:
    centre = stocked("EAST")
    centre.send(place(line(units=2)))
    order = centre.names["MP", "mp-1", "C-1"]
    for _ in range(ATTEMPTS):
        assert isinstance(centre.send(RequestPayment(order=order, method="wallet")), Decision)
    news = payment_news(order)
    told = data.draw(st.lists(st.sampled_from(news), min_size=1, max_size=25))
    for each in told:
        assert isinstance(centre.send(each), Decision)
    transactions = {each.transaction for each in told if isinstance(each, RecordPayment)}
    state = centre.order(order)
    assert state.received_fen == 9_900 * len(transactions)
    assert state.received_fen - state.owed_fen == (9_900 if transactions else 0)
    assert centre.facts(order).count("OrderPaid") == min(1, len(transactions))
    assert centre.facts(order).count("PaymentDuplicated") == max(0, len(transactions) - 1)
    assert centre.folded(order) == state


# ---- a SKU's stock

OWNERS = [f"MP20260127{n:06d}" for n in range(6)]
WHERE = st.sampled_from(["EAST", "SOUTH"])
WHO = st.sampled_from(OWNERS)
SOME = st.integers(1, 4)
ATTEMPT = st.integers(1, 2)
STOCK_COMMANDS = st.one_of(
    st.builds(
        CountStock,
        sku=st.just("SHIRT"),
        warehouse=WHERE,
        on_hand=st.integers(0, 9),
        counted_at=st.integers(0, 50).map(after),
    ),
    st.builds(
        ReserveStock,
        sku=st.just("SHIRT"),
        order=WHO,
        line=st.just(1),
        attempt=ATTEMPT,
        units=SOME,
        region=st.sampled_from(["浙江", "广东"]),
        until=st.none() | st.integers(1, 90).map(after),
    ),
    st.builds(KeepReservation, sku=st.just("SHIRT"), order=WHO, line=st.just(1), attempt=ATTEMPT),
    st.builds(ReleaseStock, sku=st.just("SHIRT"), order=WHO, line=st.just(1), attempt=ATTEMPT),
    st.builds(
        DeductStock,
        sku=st.just("SHIRT"),
        order=WHO,
        line=st.just(1),
        warehouse=WHERE,
        units=SOME,
        dispatch=st.sampled_from(["1", "2"]),
    ),
    st.integers(1, 30).map(float),
)


@settings(max_examples=300)
@given(st.lists(STOCK_COMMANDS, max_size=40))
def test_stock_is_never_promised_twice_and_never_below_zero(steps: list[Command | float]) -> None:
    centre, key = Centre(), "stock/SHIRT"
    for step in steps:
        before = centre.states.get(key)
        free = {name: each.on_hand - each.reserved for name, each in before.levels.items()} if before else {}
        if isinstance(step, float):
            centre.now = after((centre.now - after(0)).total_seconds() + step)
            if before is not None and (due := centre.wake_at(key, before)) and due <= centre.now:
                assert centre.tell(WakeUp(key=key)) != Decision()
        else:
            assert isinstance(centre.tell(step), Decision)
        stock = centre.states.get(key)
        if stock is None:
            continue
        for name, level in stock.levels.items():
            held = sum(r.units for r in stock.reservations() if r.warehouse == name)
            assert level.reserved == held
            assert level.on_hand >= 0
            if isinstance(step, ReserveStock) and free[name] >= 0:
                assert level.on_hand >= level.reserved
        assert min((r.until for r in stock.reservations() if r.until), default=None) == centre.wake_at(
            key, stock
        )
        if stock.levels:
            most = max(level.available for level in stock.levels.values())
            assert all(waiting.units > most for waiting in stock.waiting), (
                "somebody waits although there is enough"
            )
        if not isinstance(step, float | ReserveStock):
            once = len(centre.journal)
            centre.tell(step)
            assert len(centre.journal) == once, "the same again changed something"
    if key in centre.states:
        assert centre.folded(key) == centre.states[key]
