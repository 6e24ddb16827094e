"""What each system held an order for, over time: one lane a system, equal values merged, nothing left out."""

from itertools import pairwise
from pathlib import Path

from tests.flow.parties import count, deliver, everybody, place_and_pay, settle
from tests.flow.rig import Rig, opened, virtual

from tongdan.domain.orders.commands import CommentOnOrder, NoteSystemStatus
from tongdan.ports import Clock
from tongdan.surfaces.bands import SYSTEMS, Band, bands


def lanes(found: list[Band]) -> dict[str, list[str]]:
    return {"/".join(filter(None, band.lane)): [span.value.en for span in band.spans] for band in found}


async def whole_life(rig: Rig) -> str:
    await rig.accepted(count(30))
    order = await place_and_pay(rig)
    await deliver(rig, order)
    await settle(rig, order)
    return order


@virtual
async def test_a_whole_life_is_one_lane_a_system_in_a_readers_order(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path, clock, actors=everybody(clock)) as rig:
        order = await whole_life(rig)
        found = bands(order, rig.reads.timeline(order))
        assert lanes(found) == {
            "centre": ["created", "released", "shipped", "signed", "settled"],
            "payment": ["not paid yet", "asked for", "paid"],
            "wms/S1": ["planned", "accepted", "dispatched", "signed"],
            "finance": ["to be settled", "settled"],
        }
        assert [band.lane.system for band in found] == [
            name for name in SYSTEMS if name in ("centre", "payment", "wms", "finance")
        ]


@virtual
async def test_spans_have_no_gaps_no_equal_neighbours_and_name_their_rows(
    clock: Clock, tmp_path: Path
) -> None:
    async with opened(tmp_path, clock, actors=everybody(clock)) as rig:
        order = await whole_life(rig)
        for n, word in enumerate(["checked", "checked", "booked"]):
            said = NoteSystemStatus(order=order, system="erp", native_status=word, said_at=clock.now())
            await rig.accepted(said, str(n))
            await clock.sleep(60)
        rows = rig.reads.timeline(order)
        positions = {f"{row.slot}.{row.epoch}.{row.seq}": row.recorded_at for row in rows}
        found = bands(order, rows)
        assert lanes(found)["erp"] == ["checked", "booked"]
        for band in found:
            assert band.spans[-1].until is None
            assert all(positions[span.position] == span.since for span in band.spans)
            for one, next_ in pairwise(band.spans):
                assert one.until == next_.since and one.value != next_.value


@virtual
async def test_what_moves_nothing_begins_no_span(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path, clock, actors=everybody(clock)) as rig:
        order = await whole_life(rig)
        before = bands(order, rig.reads.timeline(order))
        await rig.accepted(CommentOnOrder(order=order, text="all is well"))
        assert bands(order, rig.reads.timeline(order)) == before
