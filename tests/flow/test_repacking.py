"""Packing anew as a person asks for it: what is shown is what happens, and every no has a name and writes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.flow.parties import PERSON, Partner, count, detail, everybody, pay, place, say
from tests.flow.rig import POLICY, Rig, findings, opened, virtual

from tongdan.domain.fulfillment.commands import ConfirmDelivery, Package, PackageItem, RecordRecall
from tongdan.domain.fulfillment.facts import CancelAtWms
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.policy import Warehouse
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.commands import PlaceHold
from tongdan.flow.receivers import receiver_of
from tongdan.flow.repacking import Part, Proposal, Repacking
from tongdan.ports import Clock, Done, Errand


class Bench:
    """A centre with everybody friendly, and somebody who packs."""

    def __init__(self, rig: Rig, wms: Partner) -> None:
        self.rig, self.wms = rig, wms
        self.repacking = Repacking(rig.reads, POLICY, rig.clock)

    async def sold(self, native: str, person: Person = PERSON, *, paid: bool = True) -> str:
        told = replace(detail(native, paid=paid), person=person)
        order = (await self.rig.accepted(told)).aggregate
        await self.rig.quiet()
        return order

    async def do(self, proposal: Proposal) -> None:
        assert proposal.command is not None, proposal.preview.refused
        assert proposal.preview.refused == ()
        await self.rig.accepted(proposal.command)
        await self.rig.quiet()

    def names(self, proposal: Proposal) -> list[str]:
        """Why not; a proposal that has a reason has no command."""
        assert (proposal.command is None) == bool(proposal.refusals)
        assert [each.error for each in proposal.preview.refused] == [each.name for each in proposal.refusals]
        return [each.name for each in proposal.refusals]


@asynccontextmanager
async def bench(data: Path, clock: Clock) -> AsyncIterator[Bench]:
    partners = everybody(clock)
    async with opened(data, clock, actors=partners) as rig:
        await rig.accepted(count(50))
        yield Bench(rig, partners[2])


@virtual
async def test_what_is_shown_is_what_happens(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a, b = await on.sold("4781"), await on.sold("4782")
        rows = on.rig.rows()
        proposal = on.repacking.merge([a, b])
        assert on.rig.rows() == rows
        assert proposal.preview.sources == (f"{a}-S1", f"{b}-S1")
        (parcel,) = proposal.preview.parcels
        assert (parcel.shipment, parcel.order, parcel.warehouse) == (f"{a}-S1001", a, "EAST")
        assert [(each.order, each.line, each.units, each.amount_fen) for each in parcel.lines] == [
            (a, 1, 1, 9_900), (b, 1, 1, 9_900)
        ]  # fmt: skip
        await on.do(proposal)
        items = on.rig.state(parcel.shipment).items
        assert [(i.order, i.line, i.units, i.amount_fen) for i in items] == [
            (a, 1, 1, 9_900),
            (b, 1, 1, 9_900),
        ]
        timeline = {(row.aggregate, row.fact) for row in on.rig.reads.timeline(a)}
        assert (f"packing/{a}", "ParcelsFormed") in timeline
        undone = on.repacking.undo(parcel.shipment)
        assert [(each.shipment, each.order) for each in undone.preview.parcels] == [
            (f"{a}-S1002", a),
            ("", b),
        ]
        await on.do(undone)
        assert [i.order for i in on.rig.state(f"{b}-S1001").items] == [b]
        assert on.rig.reads.tickets() == []
    assert findings(tmp_path / "data") == []


@virtual
async def test_an_order_in_a_merged_parcel_is_cancelled_and_the_rest_goes(
    clock: Clock, tmp_path: Path
) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a, b = await on.sold("4781"), await on.sold("4782")
        await on.do(on.repacking.merge([a, b]))
        await on.rig.accepted(say("4782", "cancelled", "4", clock.now()))
        await on.rig.quiet()
        assert on.rig.state(b).units(Stage.STOPPED) == 1
        assert [i.order for i in on.rig.state(f"{a}-S1002").items] == [a]
        assert on.rig.reads.tickets() == []
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_shipment_is_split_as_shown(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a = (await on.rig.accepted(place(units=3))).aggregate
        await on.rig.quiet()
        await on.rig.accepted(pay(a, amount_fen=29_700))
        await on.rig.quiet()
        proposal = on.repacking.split(f"{a}-S1", [Part(units=(("", 1, 1),))])
        assert [[each.units for each in parcel.lines] for parcel in proposal.preview.parcels] == [[1], [2]]
        await on.do(proposal)
        assert [on.rig.state(f"{a}-S100{n}").items[0].units for n in (1, 2)] == [1, 2]
        cancels = [row for row in on.rig.reads.timeline(a) if row.fact == "CalledBack"]
        assert len(cancels) == 1


@virtual
async def test_a_warehouse_that_says_no_keeps_its_parcel(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a, b = await on.sold("4781"), await on.sold("4782")

        async def packed(errand: Errand) -> Done:
            assert isinstance(errand.effect, CancelAtWms)
            return Done(RecordRecall(shipment=errand.aggregate, stopped=False, reason="packed"))

        on.wms.next.extend([packed, packed])
        await on.do(on.repacking.merge([a, b]))
        assert on.rig.state(f"packing/{a}").jobs[0].kept == (f"{a}-S1", f"{b}-S1")
        assert [on.rig.state(f"{id}-S1").still_to_leave() != () for id in (a, b)] == [True, True]


# ---- what speaks against it


@virtual
async def test_orders_that_cannot_go_together_are_named(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a = await on.sold("4781")
        elsewhere = await on.sold("4782", replace(PERSON, detail="西湖路 2 号"))
        masked = await on.sold("4783", replace(PERSON, phone="138****0000"))
        unpaid = await on.sold("4784", paid=False)
        own = (await on.rig.accepted(place())).aggregate
        await on.rig.quiet()
        await on.rig.accepted(pay(own))
        watched = (await on.rig.accepted(place("W-1", shop="mp-watched"))).aggregate
        cancelled = await on.sold("4785")
        await on.rig.accepted(say("4785", "cancelled", "4", clock.now()))
        await on.rig.quiet()
        rows, merge = on.rig.rows(), on.repacking.merge
        assert on.names(merge([a, elsewhere])) == ["different-receivers"]
        assert on.names(merge([a, masked])) == ["receiver-unknown"]
        assert on.names(merge([masked, a])) == ["receiver-unknown"]
        assert on.names(merge([a, own])) == ["different-shops"]
        assert on.names(merge([a, watched])) == ["watched-only"]
        assert on.names(merge([a, unpaid])) == ["not-released-yet"]
        assert on.names(merge([a, cancelled])) == ["order-closed"]
        assert on.names(merge([a, "DY20260127999999"])) == ["unknown-id"]
        assert on.names(merge([a, f"{a}-S1"])) == ["unknown-id"]
        assert on.names(merge([a, a])) == ["nothing-to-merge"]
        assert on.names(merge([])) == ["nothing-to-merge"]
        assert on.names(merge([f"DY2026012700{n:04d}" for n in range(11)])) == ["too-many-orders"]
        assert on.rig.rows() == rows


@virtual
async def test_an_order_that_waits_says_for_what_in_both_languages(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a, unpaid = await on.sold("4781"), await on.sold("4784", paid=False)
        await on.rig.accepted(PlaceHold(order=unpaid, hold="review"))
        (why,) = on.repacking.merge([a, unpaid]).refusals
        assert "hold review, payment" in why.en
        assert "挂起 review、付款" in why.zh


@virtual
async def test_parcels_that_are_together_or_under_way_are_left_alone(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a, b = await on.sold("4781"), await on.sold("4782")
        proposal = on.repacking.merge([a, b])
        on.wms.next.extend([on.wms.after(5.0), on.wms.after(5.0)])
        assert proposal.command is not None
        await on.rig.accepted(proposal.command)
        await on.rig.quiet()
        (one, two) = on.repacking.merge([a, b]).refusals
        assert (one.name, two.name) == ("cannot-be-called-back", "cannot-be-called-back")
        assert "it is being packed anew already" in one.en
        assert "正在重新打包" in one.zh
        await clock.sleep(10)
        await on.rig.quiet()
        assert on.names(on.repacking.merge([a, b])) == ["nothing-to-merge"]


@virtual
async def test_a_split_that_cannot_be_is_named(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a = await on.sold("4781")
        shipment, rows = f"{a}-S1", on.rig.rows()

        def split(*units: tuple[str, int, int], to: str = "", shipment: str = shipment) -> list[str]:
            return on.names(on.repacking.split(shipment, [Part(units=units, warehouse=to)]))

        assert split(("", 1, 2)) == ["no-such-line"]
        assert split(("", 9, 0)) == ["no-such-line"]
        assert split(("DY20260127999999", 1, 1)) == ["no-such-line"]
        assert split(("", 1, 1), to="WEST") == ["no-such-warehouse"]
        assert split(("", 1, 0)) == ["nothing-to-split"]
        assert split() == ["nothing-to-split"]
        assert split(("", 1, 1), shipment=f"{a}-S7") == ["unknown-id"]
        assert split(("", 1, 1), shipment=a) == ["unknown-id"]
        assert on.names(on.repacking.undo(shipment)) == ["unknown-id"]
        assert on.rig.rows() == rows


@virtual
async def test_stock_that_is_not_free_elsewhere_is_named(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a = await on.sold("4781")
        south = Warehouse(code="SOUTH", name="South", partner="wms")
        policy = replace(POLICY, warehouses={**POLICY.warehouses, "SOUTH": south})
        repacking = Repacking(on.rig.reads, policy, clock)
        part = Part(units=(("", 1, 1),), warehouse="SOUTH")
        assert on.names(repacking.split(f"{a}-S1", [part])) == ["not-free-there"]
        await on.rig.accepted(replace(count(1), warehouse="SOUTH"))
        (parcel,) = repacking.split(f"{a}-S1", [part]).preview.parcels
        assert (parcel.warehouse, [each.units for each in parcel.lines]) == ("SOUTH", [1])


@virtual
async def test_what_has_left_is_not_undone(clock: Clock, tmp_path: Path) -> None:
    async with bench(tmp_path / "data", clock) as on:
        a, b = await on.sold("4781"), await on.sold("4782")
        await on.do(on.repacking.merge([a, b]))
        parcel = Package("SF", "SF-1", 500, (PackageItem("SHIRT", 2),))
        left = ConfirmDelivery(
            shipment=f"{a}-S1001", warehouse="EAST", packages=(parcel,), final=True, confirmed_at=clock.now()
        )
        await on.rig.accepted(left)
        await on.rig.quiet()
        assert [on.rig.state(id).units(Stage.SHIPPED) for id in (a, b)] == [1, 1]
        assert on.names(on.repacking.undo(f"{a}-S1001")) == ["cannot-be-called-back"]
        assert on.names(on.repacking.merge([a, b])) == ["cannot-be-called-back"] * 2


# ---- who is the same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (PERSON, replace(PERSON, name=" 张 三", phone="+86 138 0000 0000"), True),
        (PERSON, replace(PERSON, detail="西湖路 1 号 2 室"), False),
        (PERSON, replace(PERSON, buyer="u-2", payer="o-2"), True),
        (Person(sealed={"open_address_id": "x"}), Person(name="张*", sealed={"open_address_id": "x"}), True),
        (Person(sealed={"open_address_id": "x"}), Person(sealed={"open_address_id": "y"}), False),
    ],
)
def test_receivers_are_told_apart_by_the_platform_s_id_or_by_what_was_given(
    one: Person, other: Person, same: bool
) -> None:
    assert receiver_of(one) is not None
    assert receiver_of(other) is not None
    assert (receiver_of(one) == receiver_of(other)) is same


@pytest.mark.parametrize(
    "person", [None, Person(), replace(PERSON, name="张*"), Person(sealed={"encrypt_tel": "##x##"})]
)
def test_who_is_masked_or_erased_is_nobody_s_same(person: Person | None) -> None:
    assert receiver_of(person) is None
