"""Makes the golden journal of the present version: `python -m tests.golden.make_journal`.

A story in which every type of fact occurs is lived through on virtual time; its journal is kept as it was stored, one
row a line (JSON, bytes in base64), and beside it the states that its facts fold to. Once a version is released its
golden journal is never made again: it is what later versions must still be able to read.
"""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.flow.parties import (
    PERSON,
    Partner,
    count,
    deliver,
    detail,
    everybody,
    pay,
    place,
    place_and_pay,
    say,
    settle,
)
from tests.flow.rig import NOON, POLICY, Rig, later, opened

from tongdan import __version__
from tongdan.adapters.clock import run_virtual
from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    MoveStock,
    Package,
    PackageItem,
    PackAnew,
    RecordWmsProcess,
)
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import ReplayEffect, SkipEffect
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAddress,
    ChangeAmount,
    CompleteOrder,
    ErasePerson,
    LiftHold,
    NoteSigned,
    PlaceHold,
    RecordPaymentFailure,
    RecordRefund,
    RecordRefundRefused,
    RequestPayment,
    RequestRefund,
)
from tongdan.flow.aggregates import KINDS
from tongdan.flow.journal import FACTS, fold
from tongdan.flow.repacking import Repacking
from tongdan.ports import Clock, JournalColumns

HERE = Path(__file__).parent


class GoldenState(msgspec.Struct):
    """What an aggregate's facts add up to: its kind, numeric status and state."""

    agg: str
    kind: str
    status: int
    state: Any


async def payments(rig: Rig) -> None:
    """Failed, paid twice, wrongly, too late, under a hold; amounts and addresses that change."""
    orders = [(await rig.accepted(place(f"P-{n}"))).aggregate for n in range(4)]
    await rig.quiet()
    for order in orders:
        await rig.accepted(RequestPayment(order=order, method="wechat"))
    await rig.quiet()
    await rig.accepted(RecordPaymentFailure(order=orders[0], attempt=1, reason="declined"))
    await rig.accepted(RequestPayment(order=orders[0], method="card"))
    await rig.accepted(PlaceHold(order=orders[0], hold="review"))
    await rig.accepted(ChangeAddress(order=orders[0], region="上海", person=PERSON))
    await rig.accepted(ChangeAmount(order=orders[1], amount_fen=9_000, reason="rebate"))
    await rig.accepted(pay(orders[0], "T-1", attempt=2))
    await rig.accepted(pay(orders[0], "T-2", attempt=1))
    await rig.accepted(LiftHold(order=orders[0], hold="review"))
    await rig.accepted(pay(orders[1], "T-3"))
    await rig.accepted(CancelOrder(order=orders[2], reason="changed my mind"))
    await rig.accepted(pay(orders[2], "T-4"))
    await rig.accepted(ErasePerson(order=orders[2]))
    await rig.accepted(place("P-0", buyer="user-2"))  # the same number from another buyer
    await rig.quiet()


async def money_back(rig: Rig, provider: Partner) -> None:
    """Refunds that are told wrongly, asked for, abnormal, refused; the provider takes each and says no more of it."""
    provider.otherwise = provider.taken
    order = await place_and_pay(rig, "R-1")
    await rig.accepted(pay(order, "T-R-2", attempt=2))
    await rig.quiet()
    said = RecordRefund(
        order=order,
        refund=1,
        attempt=2,
        transaction="T-R-2",
        amount_fen=9_900,
        stage=RefundStage.ABNORMAL,
        reference="50-1",
        said_at=rig.clock.now(),
    )
    await rig.accepted(replace(said, amount_fen=1))
    await rig.accepted(said)
    await rig.clock.sleep(11_000)
    await rig.accepted(RequestRefund(order=order, amount_fen=100, reason="goodwill"))
    await rig.accepted(RecordRefundRefused(order=order, refund=2, reason="USER_ACCOUNT_ABNORMAL"))
    await rig.accepted(replace(said, stage=RefundStage.SUCCEEDED))
    await rig.quiet()
    provider.otherwise = provider.well


async def platform(rig: Rig, channel: Partner) -> None:
    """A detail that comes late, a signature before its parcel, stock that expires unpaid and is asked for again."""
    channel.otherwise = channel.down
    late = (await rig.accepted(say("5001"))).aggregate
    signed = NoteSigned(order=late, shipment=f"{late}-S1", dispatches=(f"{late}-S1.1",), signed_at=later(900))
    await rig.accepted(signed)
    await rig.clock.sleep(700)
    await rig.accepted(detail("5001", paid=False))
    await rig.quiet()
    await rig.clock.sleep(2_800)
    await rig.accepted(say("5001", "paid", "2", rig.clock.now()))
    await rig.quiet()
    moved = msgspec.structs.replace(
        say("5001", "address", said_at=rig.clock.now()), region="江苏", person=PERSON
    )
    await rig.accepted(moved)
    await rig.accepted(say("5001", "other", "no such status", rig.clock.now()))
    channel.otherwise = channel.well
    await rig.clock.sleep(400)


async def warehouse(rig: Rig, wms: Partner) -> None:
    """Short of stock, refused, recalled in time and too late, a parcel too small and one too full, one overdue."""
    await rig.accepted(place("W-0", sku="RARE"))
    await rig.quiet()
    await rig.accepted(count(1, "RARE"))
    recalled = await place_and_pay(rig, "W-1")
    await rig.accepted(CancelOrder(order=recalled, reason="changed my mind"))
    await rig.quiet()
    gone = (await rig.accepted(detail("6001"))).aggregate
    await rig.quiet()
    await deliver(rig, gone)
    await rig.accepted(say("6001", "cancelled", "4", rig.clock.now()))
    await place_and_pay(rig, "W-2")
    refused = await place_and_pay(rig, "W-3")
    await rig.accepted(
        RecordWmsProcess(shipment=f"{refused}-S1", status="REJECT", operated_at=rig.clock.now())
    )
    for native, units in (("W-4", 0), ("W-5", 3)):
        order = await place_and_pay(rig, native)
        package = Package("SF", f"SF-{native}", 500, (PackageItem("SHIRT", units),))
        await rig.accepted(
            ConfirmDelivery(
                shipment=f"{order}-S1",
                warehouse="EAST",
                packages=(package,),
                final=True,
                confirmed_at=rig.clock.now(),
            )
        )
    await rig.quiet()
    await rig.clock.sleep(timedelta(days=2, hours=1).total_seconds())


async def packing(rig: Rig) -> None:
    """Two orders in one parcel, of which one leaves again; a third that has left already; units that move."""
    orders = [(await rig.accepted(detail(f"700{n}"))).aggregate for n in range(3)]
    await rig.quiet()
    merging = Repacking(rig.reads, POLICY, rig.clock).merge(orders).command
    assert isinstance(merging, PackAnew)
    move = MoveStock(
        sku="SHIRT", order=orders[0], line=1, units=1, origin="EAST", warehouse="SOUTH", key="moved"
    )
    await rig.accepted(move)
    await deliver(rig, orders[2])
    await rig.accepted(merging)
    await rig.quiet()
    await rig.accepted(say("7001", "cancelled", "4", rig.clock.now()))
    await rig.quiet()


async def endings(rig: Rig, finance: Partner) -> None:
    """Settled in full and wrongly, completed; dead letters that are skipped and replayed."""
    orders = [await place_and_pay(rig, f"E-{n}") for n in range(3)]
    for order in orders:
        await deliver(rig, order)
    await settle(rig, orders[0])
    await settle(rig, orders[1], amount_fen=1)
    await rig.accepted(CompleteOrder(order=orders[2]))
    finance.next.extend([finance.never, finance.never])
    for n in (3, 4):
        await place_and_pay(rig, f"E-{n}")
    await rig.clock.sleep(10)
    skipped, replayed = rig.reads.dead_letters()
    await rig.accepted(SkipEffect(effect=skipped.effect, reason="told by phone"), raw=b"by hand")
    await rig.accepted(ReplayEffect(effect=replayed.effect, reason="mended"))
    await rig.quiet()


async def live(clock: Clock, data: Path) -> tuple[list[JournalColumns], list[GoldenState]]:
    channel, provider, wms, finance = everybody(clock)
    async with opened(data, clock, actors=[channel, provider, wms, finance]) as rig:
        await rig.accepted(count(100), raw=b"<count/>")
        await payments(rig)
        await money_back(rig, provider)
        await platform(rig, channel)
        await warehouse(rig, wms)
        await packing(rig)
        await endings(rig, finance)
        rows = [row for store in rig.readers for _, row in store.journal_after(0, 1_000_000)]
        states = []
        for agg in sorted({row.agg for row in rows}):
            state = fold(agg, rig.readers[key_slot(agg) % 4].journal_of(agg))
            kind = next(kind for kind in KINDS.values() if isinstance(state, kind.state))
            states.append(GoldenState(agg, kind.name, kind.status(state), state))
        return rows, states


def main() -> None:
    folder = HERE / f"journal-{__version__}"
    with tempfile.TemporaryDirectory() as data:
        rows, states = run_virtual(lambda clock: live(clock, Path(data)), NOON)
    if missing := sorted(set(FACTS) - {row.fact for row in rows}):
        raise SystemExit(f"the story must tell every fact; missing: {', '.join(missing)}")
    folder.mkdir(exist_ok=True)
    encode = msgspec.json.encode
    journal = b"\n".join(encode(row._asdict()) for row in rows)
    (folder / "journal.jsonl").write_bytes(journal + b"\n")
    (folder / "states.jsonl").write_bytes(b"\n".join(encode(state) for state in states) + b"\n")
    print(f"{folder}: {len(rows)} rows, {len(states)} aggregates, {len(FACTS)} types of fact")


if __name__ == "__main__":
    main()
