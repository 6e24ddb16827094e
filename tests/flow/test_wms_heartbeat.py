"""A warehouse that sees its shipments otherwise: what it knows more is read, what it has not heard is told again."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.flow.parties import Partner, count, everybody, place_and_pay
from tests.flow.rig import POLICY, Rig, virtual

from tongdan.domain.fulfillment.commands import ConfirmDelivery, Package, PackageItem
from tongdan.domain.fulfillment.facts import CancelAtWms, PushToWms
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.kernel.keys import ticket_key
from tongdan.domain.kernel.pulse import PulsePolicy, Terms, Tier
from tongdan.domain.kernel.standing import Standing, together
from tongdan.domain.orders.commands import CancelOrder
from tongdan.domain.orders.model import Order
from tongdan.domain.sync.ticket import Ticket
from tongdan.ports import Clock, Done, Errand, Failed, Seen, Subject, Turn

EVERY_S, GRACE_S = 300, 600
POLICY_WITH_WMS = replace(
    POLICY,
    pulse=PulsePolicy(
        tiers=(Tier(rested_s=0, every_s=EVERY_S),),
        partners={"wms": Terms(calls_per_minute=600, every_s=EVERY_S, grace_else_s=GRACE_S)},
        record={"status.shipped": "wms", "waybill": "wms", "status.cancelled": "channel"},
    ),
)


class House:
    """The warehouse as a witness: `status` of each shipment it knows, and the parcels that left."""

    partner = "wms/EAST"
    tells = frozenset({"released", "shipped", "cancelled"})
    hears = frozenset({"released", "cancelled"})
    at_once = 1

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.status: dict[str, str] = {}
        self.asked: list[tuple[str, ...]] = []

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        await turn()
        self.asked += [each.shipments for each in subjects]
        return [self._seen(each) for each in subjects]

    def _seen(self, subject: Subject) -> Seen:
        known = [each for each in subject.shipments if each in self.status]
        if not known:
            return Seen(order=subject.id, standing=None)
        left = [each for each in known if self.status[each] == "shipped"]
        news = [
            ConfirmDelivery(
                shipment=each,
                warehouse="EAST",
                packages=(Package("SF", f"SF{each}", 500, (PackageItem("SHIRT", 1),)),),
                final=True,
                confirmed_at=self._clock.now(),
            )
            for each in left
        ]
        standing = Standing(
            status=together([self.status[each] for each in known]),
            waybills=tuple([f"SF{each}" for each in left]),
        )
        return Seen(order=subject.id, standing=standing, news=tuple(news))

    def listen(self, actor: Partner) -> None:
        """Its books follow what the actor sends."""

        async def well(errand: Errand) -> Done | Failed:
            if isinstance(errand.effect, PushToWms):
                self.status.setdefault(errand.effect.shipment, "released")
            elif isinstance(errand.effect, CancelAtWms):
                self.status[errand.effect.shipment] = "cancelled"
            return await actor.well(errand)

        actor.otherwise = well


async def with_house(clock: Clock, data: Path) -> tuple[Rig, House]:
    house, actors = House(clock), everybody(clock)
    house.listen(next(each for each in actors if each.partner == house.partner))
    rig = Rig(data, clock, policy=POLICY_WITH_WMS, actors=actors, witnesses=[house])
    await rig.start()
    await rig.accepted(count(10))
    return rig, house


def tickets(rig: Rig, order: str) -> dict[str, tuple[bool, str]]:
    """By field: whether it is open, and by whom it was mended."""
    found = {
        field: rig.reads.order(ticket_key(order, f"differs-{field}"))
        for field in ("status", "waybill", "presence")
    }
    return {field: (each.open, each.by) for field, each in found.items() if isinstance(each, Ticket)}


def state(rig: Rig, order: str) -> Order:
    found = rig.state(order)
    assert isinstance(found, Order)
    return found


async def rest(rig: Rig, clock: Clock, beats: int) -> None:
    await clock.sleep(beats * EVERY_S)
    await rig.quiet()


@virtual
async def test_while_both_agree_nothing_is_a_difference(clock: Clock, tmp_path: Path) -> None:
    rig, house = await with_house(clock, tmp_path / "d")
    order = await place_and_pay(rig)
    await rest(rig, clock, 12)
    assert set(house.asked) == {(f"{order}-S1",)}
    assert len(house.asked) >= 11
    assert tickets(rig, order) == {}
    await rig.stop()


@virtual
async def test_a_confirmation_that_was_lost_is_read_and_the_parcel_counts_once(
    clock: Clock, tmp_path: Path
) -> None:
    rig, house = await with_house(clock, tmp_path / "d")
    order = await place_and_pay(rig)
    house.status[f"{order}-S1"] = "shipped"
    await rest(rig, clock, 1)
    assert not state(rig, order).parcels
    await rest(rig, clock, 5)
    assert [each.waybill for each in state(rig, order).parcels] == [f"SF{order}-S1"]
    assert tickets(rig, order) == {"status": (False, "itself"), "waybill": (False, "itself")}
    assert rig.facts(f"{order}-S1").count("ShipmentDispatched") == 1
    await rig.stop()


@virtual
async def test_a_shipment_it_has_not_heard_of_is_handed_over_again(clock: Clock, tmp_path: Path) -> None:
    rig, house = await with_house(clock, tmp_path / "d")
    order = await place_and_pay(rig)
    house.status.clear()
    await rest(rig, clock, 6)
    assert house.status == {f"{order}-S1": "released"}
    assert tickets(rig, order) == {"presence": (False, "itself")}
    assert rig.facts(f"{order}-S1").count("WmsToldAgain") == 1
    await rig.stop()


@virtual
async def test_a_recall_it_has_not_heard_of_is_told_again(clock: Clock, tmp_path: Path) -> None:
    rig, house = await with_house(clock, tmp_path / "d")
    order = await place_and_pay(rig)
    await rig.accepted(CancelOrder(order=order, reason="no longer wanted"))
    await rig.quiet()
    assert house.status == {f"{order}-S1": "cancelled"}
    house.status[f"{order}-S1"] = "released"
    await rest(rig, clock, 6)
    assert house.status == {f"{order}-S1": "cancelled"}
    assert tickets(rig, order) == {"status": (False, "itself")}
    await rig.stop()


@virtual
async def test_what_left_although_it_was_recalled_is_read_and_not_recalled_again(
    clock: Clock, tmp_path: Path
) -> None:
    rig, house = await with_house(clock, tmp_path / "d")
    order = await place_and_pay(rig)
    await rig.accepted(CancelOrder(order=order, reason="no longer wanted"))
    await rig.quiet()
    house.status[f"{order}-S1"] = "shipped"
    await rest(rig, clock, 8)
    shipment = rig.state(f"{order}-S1")
    assert isinstance(shipment, Shipment) and len(shipment.departures) == 1
    assert "WmsToldAgain" not in rig.facts(f"{order}-S1")
    assert {open for open, _ in tickets(rig, order).values()} == {False}
    await rig.stop()


@virtual
async def test_what_changes_while_it_is_asked_about_is_not_compared_with_an_old_answer(
    clock: Clock, tmp_path: Path
) -> None:
    rig, house = await with_house(clock, tmp_path / "d")
    order = await place_and_pay(rig)
    await rest(rig, clock, 20)
    see = house.see

    async def slowly(subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        said = await see(subjects, turn)
        if house.status[f"{order}-S1"] == "released":
            await rig.accepted(CancelOrder(order=order, reason="meanwhile"))
            await rig.quiet()
        return said

    house.see = slowly  # type: ignore[method-assign]
    await rest(rig, clock, 3)
    assert house.status == {f"{order}-S1": "cancelled"}
    assert tickets(rig, order) == {}
    await rig.stop()


@pytest.mark.parametrize(
    ("words", "one"),
    [
        ([], ""),
        (["released"], "released"),
        (["shipped", "released"], "released"),
        (["shipped", "cancelled"], "shipped"),
        (["cancelled", "cancelled"], "cancelled"),
        (["shipped", ""], ""),
        (["announced", "shipped"], "announced"),
    ],
)
def test_shipments_come_to_the_one_that_is_least_far(words: list[str], one: str) -> None:
    assert together(words) == one
