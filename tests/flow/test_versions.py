"""What was written stays readable: golden journals of versions past and to come, upcast facts, states folded anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from tests.flow.parties import place
from tests.flow.rig import findings, opened, virtual

from tongdan.domain.kernel.keys import kind_of
from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders import evolve
from tongdan.domain.orders.commands import ChangeAmount, PlaceHold
from tongdan.domain.orders.model import Order
from tongdan.flow import journal, routes
from tongdan.flow.aggregates import KINDS
from tongdan.flow.journal import GENESIS, UnknownFact, read_fact, row_hash, upcast
from tongdan.ports import Clock, JournalColumns

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("journal-*"))


class Kept(msgspec.Struct):
    agg: str
    kind: str
    status: int
    state: msgspec.Raw


def rows_of(folder: Path) -> Iterator[JournalColumns]:
    """The rows of a golden journal, in order of arrival within each slot."""
    decode = msgspec.json.Decoder(GoldenRow).decode
    for line in (folder / "journal.jsonl").read_bytes().splitlines():
        row = decode(line)
        yield JournalColumns(*[getattr(row, name) for name in JournalColumns._fields])


GoldenRow = msgspec.defstruct("GoldenRow", list(JournalColumns.__annotations__.items()), kw_only=True)

HINT = (
    "A released fact is never edited: give it a new version and an upcaster (routes.UPCASTERS). "
    "Only while its version is not released may the golden journal be made again: python -m tests.golden.make_journal"
)


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_a_golden_journal_is_read_and_folds_to_the_same_states(folder: Path) -> None:
    states: dict[str, Any] = {}
    told: set[str] = set()
    for row in rows_of(folder):
        told.add(row.fact)
        kind = KINDS[kind_of(row.agg)]
        try:
            states[row.agg] = kind.evolve(states.get(row.agg), read_fact(row.fact, row.fact_ver, row.body))
        except (UnknownFact, msgspec.ValidationError, KeyError) as error:
            raise AssertionError(
                f"{row.fact} version {row.fact_ver} cannot be read: {error}. {HINT}"
            ) from error
    kept = [
        msgspec.json.decode(line, type=Kept) for line in (folder / "states.jsonl").read_bytes().splitlines()
    ]
    assert states.keys() == {each.agg for each in kept}
    assert len(told) >= 59
    for each in kept:
        kind = KINDS[each.kind]
        assert states[each.agg] == msgspec.json.decode(each.state, type=kind.state), f"{each.agg}: {HINT}"
        assert kind.status(states[each.agg]) == each.status


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_the_chain_of_a_golden_journal_still_holds(folder: Path) -> None:
    """The hash is part of the format: a row written by an earlier version must verify for ever."""
    heads: dict[int, bytes] = {}
    for row in rows_of(folder):
        assert row_hash(heads.get(row.slot, GENESIS), tuple(row[:-1])) == row.hash
        heads[row.slot] = row.hash
    assert len(heads) > 5


# ---- upcasting


class HoldPlaced(Fact, frozen=True, kw_only=True):
    """What the fact may look like one day: two versions later, under the same name."""

    version: ClassVar[int] = 3

    hold: str
    reason: str
    placed_by: str


@pytest.fixture
def one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programme as it may be one day: HoldPlaced has version 3, and upcasters lead there from version 1."""

    def renamed(values: dict[str, Any]) -> dict[str, Any]:
        return {"hold": values["hold"], "reason": values["note"]}

    def signed(values: dict[str, Any]) -> dict[str, Any]:
        return values | {"placed_by": "unknown"}

    monkeypatch.setattr(routes, "UPCASTERS", {("HoldPlaced", 1): renamed, ("HoldPlaced", 2): signed})
    monkeypatch.setitem(journal.FACTS, "HoldPlaced", HoldPlaced)
    monkeypatch.setitem(journal._FACT_DECODERS, "HoldPlaced", msgspec.msgpack.Decoder(HoldPlaced))

    def placed(order: Order, fact: HoldPlaced) -> Order:
        return msgspec.structs.replace(order, holds=(*order.holds, f"{fact.hold} ({fact.placed_by})"))

    folding: dict[Any, Any] = dict(evolve._EVOLVE) | {HoldPlaced: placed}
    monkeypatch.setattr(evolve, "_EVOLVE", folding)


def test_an_older_fact_is_upcast_one_version_at_a_time(one_day: None) -> None:
    expected = HoldPlaced(hold="review", reason="looks odd", placed_by="unknown")
    assert upcast("HoldPlaced", 1, {"hold": "review", "note": "looks odd"}) == expected
    assert upcast("HoldPlaced", 2, {"hold": "review", "reason": "looks odd"}) == expected
    body = msgspec.msgpack.encode({"hold": "review", "note": "looks odd"})
    assert read_fact("HoldPlaced", 1, body) == expected
    assert read_fact("HoldPlaced", 3, msgspec.msgpack.encode(expected)) == expected


@pytest.mark.parametrize(("name", "version"), [("HoldPlaced", 4), ("HoldPlaced", 0), ("NeverHeardOf", 1)])
def test_a_fact_that_no_upcaster_brings_here_is_unknown_by_name(
    one_day: None, name: str, version: int
) -> None:
    with pytest.raises(UnknownFact, match=f"{name} version {version}"):
        read_fact(name, version, msgspec.msgpack.encode({}))


@virtual
async def test_an_old_journal_is_read_through_its_upcasters(
    clock: Clock, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place())).aggregate
        await rig.accepted(PlaceHold(order=order, hold="review", note="looks odd"))
        assert rig.state(order).holds == ("review",)
    request.getfixturevalue("one_day")
    async with opened(tmp_path / "data", clock) as rig:
        then = rig.reads.as_of(order, clock.now())
        assert isinstance(then, Order)
        assert then.holds == ("review (unknown)",)
        stored = [row for row in rig.reads.timeline(order) if row.fact == "HoldPlaced"]
        assert [(row.fact_version, row.body["note"]) for row in stored] == [(1, "looks odd")]


# ---- states of an older schema


@virtual
async def test_states_of_an_older_schema_are_folded_anew(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """When facts lead to another state than before, a new schema number is all it takes."""
    data = tmp_path / "data"
    async with opened(data, clock) as rig:
        changed, left = [(await rig.accepted(place(f"A-{n}"))).aggregate for n in (1, 2)]
        for order in (changed, left):
            await rig.accepted(PlaceHold(order=order, hold="review", note="looks odd"))
    request.getfixturevalue("one_day")
    assert {each.where for each in findings(data)} == {f"state of {changed}", f"state of {left}"}
    today = KINDS["order"].schema
    kind = msgspec.structs.replace(KINDS["order"], schema=today + 1)
    monkeypatch.setitem(KINDS, "order", kind)
    assert findings(data) == []
    async with opened(data, clock) as rig:
        assert rig.state(changed).holds == ("review (unknown)",)
        await rig.accepted(ChangeAmount(order=changed, amount_fen=9_000, reason="rebate"))
        rows = rig.readers[int(changed[-6:]) % 4].states([changed, left])
        assert (rows[changed].schema, rows[left].schema) == (today + 1, today)
        assert rig.state(changed).holds == rig.state(left).holds == ("review (unknown)",)
        assert rig.state(changed).amount_fen == 9_000
    assert findings(data) == []
