"""A message nobody understood is told once it is: under the key it would have had, once, and then it is gone."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from tests.flow.parties import place
from tests.flow.rig import NOON, Rig, opened, virtual

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.commands import NoteSystemStatus
from tongdan.flow.quarantine import NO_DOOR, Outcome, Quarantine
from tongdan.ports import Clock, Inbound, NotUnderstood, PushAnswer, PushRequest, Reply

SOURCE = "channel/shop"


class Window:
    """Reads `["A-1", "A-2"]` as orders of these numbers, once somebody has taught it `known`."""

    path = "/push/shop/"
    source = SOURCE

    def __init__(self) -> None:
        self.known = set[str]()

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        return self.read("app", request.body, request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        assert about == "app"
        return [self._one(native, raw, received_at) for native in msgspec.json.decode(raw, type=list[str])]

    def _one(self, native: str, raw: bytes, at: datetime) -> Inbound | NotUnderstood:
        if native == "unknown-order":
            told = NoteSystemStatus(order="MP20260127999992", system="wms", native_status="x", said_at=NOON)
            return Inbound(command=told, key=(native,), source=SOURCE, shop="", happened_at=at, raw=raw)
        if native not in self.known:
            return NotUnderstood(source=SOURCE, reason=f"{native} is new", raw=raw, about="app")
        return Inbound(
            command=place(native), key=("shop", native), source=SOURCE, shop="mp-1", happened_at=at, raw=raw
        )

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        raise AssertionError("nobody is answered")

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        raise AssertionError("nobody is answered")


async def kept(rig: Rig, *raws: bytes) -> list[str]:
    """These messages in quarantine; their ids."""
    for raw in raws:
        await rig.submit(NotUnderstood(source=SOURCE, reason="odd", raw=raw, about="app"))
    return [str(row["id"]) for row in sorted(rig.reads.quarantine(), key=lambda row: str(row["id"]))]


async def outcomes(result: list[Outcome] | Refusal) -> list[Outcome]:
    assert isinstance(result, list), result
    return result


@virtual
async def test_what_is_understood_by_now_is_told_once_and_leaves(clock: Clock, tmp_path: Path) -> None:
    window = Window()
    async with opened(tmp_path / "data", clock) as rig:
        (id,) = await kept(rig, b'["A-1"]')
        quarantine = Quarantine(rig.bus, rig.vault, [window])
        before = rig.rows()
        (shown,) = await outcomes(await quarantine.preview([id]))
        assert (shown.commands, shown.reason, shown.done) == ((), "A-1 is new", False)
        (still,) = await outcomes(await quarantine.retry([id], "li"))
        assert (still.reason, still.done) == ("A-1 is new", False)
        assert rig.rows() == before
        assert [row["reason"] for row in rig.reads.quarantine()] == ["A-1 is new"]
        window.known.add("A-1")
        (shown,) = await outcomes(await quarantine.preview([id]))
        assert (shown.commands, shown.about, shown.reason) == (("PlaceOrder",), ("MP/mp-1/A-1",), "")
        assert rig.rows() == before
        (done,) = await outcomes(await quarantine.retry([id], "li"))
        assert (done.reason, done.done) == ("", True)
        order = rig.reads.find("MP", "mp-1", "A-1")
        assert order is not None
        first = rig.reads.timeline(order, with_raw=True)[0]
        assert (first.operator, first.raw, first.source) == ("li", b'["A-1"]', SOURCE)
        assert rig.rows()["quarantine"] == 0
        again = await quarantine.retry([id], "li")
        assert isinstance(again, Refusal) and again.name == "not-in-quarantine"


@virtual
async def test_what_has_come_again_meanwhile_is_not_told_twice(clock: Clock, tmp_path: Path) -> None:
    window = Window()
    async with opened(tmp_path / "data", clock) as rig:
        (id,) = await kept(rig, b'["A-1"]')
        window.known.add("A-1")
        await rig.submit(*window.read("app", b'["A-1"]', clock.now()))
        await rig.quiet()
        before = rig.rows()
        (done,) = await outcomes(await Quarantine(rig.bus, rig.vault, [window]).retry([id], "li"))
        assert done.done
        assert rig.rows() == before | {"quarantine": 0}


@virtual
async def test_what_is_half_understood_or_refused_stays_with_the_reason(clock: Clock, tmp_path: Path) -> None:
    window = Window()
    window.known.add("A-1")
    async with opened(tmp_path / "data", clock) as rig:
        ids = await kept(rig, b'["A-1", "A-2"]', b'["unknown-order"]')
        quarantine = Quarantine(rig.bus, rig.vault, [window])
        told = {each.reason: each.done for each in await outcomes(await quarantine.retry(ids, "li"))}
        assert told == {"A-2 is new": False, "refused: unknown-id": False}
        assert rig.rows()["quarantine"] == 2
        window.known.add("A-2")
        await rig.quiet()
        orders = rig.rows()["names"]
        done = await outcomes(await quarantine.retry(quarantine.choose(reason="A-2"), "li"))
        assert [each.done for each in done] == [True]
        assert rig.rows()["names"] == orders + 1
        assert quarantine.choose(source=SOURCE) == quarantine.choose(reason="refused")
        assert quarantine.choose(shop="another") == []


@virtual
async def test_what_is_thrown_away_is_gone_and_the_journal_says_who_and_why(
    clock: Clock, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        (id,) = await kept(rig, b'["A-1"]')
        quarantine = Quarantine(rig.bus, rig.vault, [Window()])
        found = rig.reads.quarantined(id)
        assert found is not None and found[1] == b'["A-1"]'
        assert await quarantine.discard(id, "a test of theirs", "li") is None
        assert rig.rows()["quarantine"] == 0
        told = [(row.fact, row.operator) for row in rig.reads.journal()]
        assert told == [("TicketRaised", "li"), ("TicketResolved", "li")]
        assert list(rig.reads.journal())[1].body["evidence"] == "discarded: a test of theirs"


@pytest.mark.parametrize("id", ["9.1", "0.999", "x", "1.", "1.x", "0." + "9" * 30, ""])
@virtual
async def test_an_id_that_is_none_is_refused_and_nothing_changes(
    clock: Clock, tmp_path: Path, id: str
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        await kept(rig, b'["A-1"]')
        quarantine = Quarantine(rig.bus, rig.vault, [Window()])
        before = rig.rows()
        for result in (
            await quarantine.preview([id]),
            await quarantine.retry([id], "li"),
            await quarantine.discard(id, "why", "li"),
        ):
            assert isinstance(result, Refusal)
            assert result.name == "not-in-quarantine"
        assert rig.reads.quarantined(id) is None
        assert rig.rows() == before


@virtual
async def test_a_message_whose_door_is_closed_stays(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        (id,) = await kept(rig, b'["A-1"]')
        (shown,) = await outcomes(await Quarantine(rig.bus, rig.vault, []).retry([id], "li"))
        assert (shown.reason, shown.done, rig.rows()["quarantine"]) == (NO_DOOR, False, 1)
