"""Reactions: each takes place once, whatever is killed when; what cannot be digested waits and is told of."""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from msgspec.structs import replace
from tests.flow.parties import count, everybody, place, place_and_pay, say
from tests.flow.rig import Rig, as_after_a_crash, findings, opened, shard_file, virtual
from tests.flow.toys import Explode

from tongdan.domain.fulfillment.commands import DeductStock
from tongdan.domain.fulfillment.stock import MAX_TOMBSTONES
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import Command, Context, Decision, Fact, Refusal
from tongdan.domain.orders.commands import PlaceHold
from tongdan.domain.orders.facts import HoldPlaced, OrderCreated
from tongdan.domain.sync.commands import RaiseTicket
from tongdan.flow import relay
from tongdan.flow.routes import COMMANDS
from tongdan.flow.routing import Reaction, Recorded
from tongdan.ports import Clock

Chained = Callable[..., None]


class Listener:
    """A reaction that only listens to holds: it keeps (order, hold) of each that it hears of."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def __call__(self, fact: HoldPlaced, at: Recorded) -> tuple[Command, ...]:
        self.heard.append((at.aggregate, fact.hold))
        return ()


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Fact], Callable[[Any, Recorded], Any]], None]:
    """Hang one more reaction on a fact, after the real ones."""

    def on(fact: type[Fact], to: Callable[[Any, Recorded], Any]) -> None:
        name = f"test-{fact.__name__}"
        monkeypatch.setitem(relay.BY_FACT, fact, [*relay.BY_FACT.get(fact, []), Reaction(name, fact, to)])

    return on


def sql(data: Path, statement: str) -> None:
    for shard in range(4):
        with apsw.Connection(str(shard_file(data, shard))) as db:
            db.execute(statement)


def tickets(rig: Rig, *, open_only: bool = True) -> list[tuple[str, str]]:
    rig.views.flush()
    return [(ticket.subject, ticket.kind) for ticket in rig.reads.tickets(open_only=open_only)]


# ---- once


@virtual
async def test_a_relay_that_forgot_its_cursors_repeats_nothing(
    clock: Clock, tmp_path: Path, hang: Chained
) -> None:
    """As after a crash between the commit of the reactions and that of the cursor, for the whole journal."""
    hang(OrderCreated, lambda fact, at: [RaiseTicket(subject=at.aggregate, kind="counts", summary="?")] * 2)
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(100))
        for n in range(5):
            await place_and_pay(rig, f"A-{n}")
        before = rig.rows()
        heads = [store.heads() for store in rig.readers]
    sql(tmp_path / "data", "DELETE FROM cursors")
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        await rig.quiet()
        assert rig.rows() == before
        assert [store.heads() for store in rig.readers] == heads
        assert rig.state("stock/SHIRT").levels["EAST"].reserved == 5
    assert findings(tmp_path / "data") == []


@virtual
async def test_killed_after_any_commit_the_relay_ends_where_it_would_have(
    clock: Clock, tmp_path: Path
) -> None:
    """The files are copied after every commit of a run; from each copy the same orders come about, each fact once."""
    data, left = tmp_path / "data", list[Path]()

    def copy(point: str) -> None:
        if point == "after-commit" and len(left) < 10:
            left.append(as_after_a_crash(data, tmp_path / f"left-{len(left)}"))

    async with opened(data, clock, probe=copy) as rig:
        await rig.accepted(count(100), "count")
        for n in range(3):
            await rig.accepted(place(f"A-{n}"), "place", str(n))
        await rig.quiet()
        expected = {key: sorted(rig.facts(key)) for key in _orders(rig)}
    assert len(left) == 10
    for copied in left:
        async with opened(copied, clock) as rig:
            await rig.accepted(count(100), "count")  # whoever had no answer sends again
            for n in range(3):
                await rig.accepted(place(f"A-{n}"), "place", str(n))
            await rig.quiet()
            assert {key: sorted(rig.facts(key)) for key in _orders(rig)} == expected
            assert rig.state("stock/SHIRT").levels["EAST"].reserved == 3
        assert findings(copied) == []


def _orders(rig: Rig) -> list[str]:
    found = [rig.reads.find("MP", "mp-1", f"A-{n}") for n in range(3)]
    return [key for key in found if key is not None]


@virtual
async def test_facts_are_read_from_the_journal_when_memory_does_not_hold_them(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "TAIL_LIMIT", 3)
    rig = Rig(tmp_path / "data", clock)
    await rig.accepted(count(100))
    for n in range(20):
        await rig.accepted(place(f"A-{n}"))
    assert rig.relay.lag() == 21
    await rig.start()
    await rig.quiet()
    assert rig.relay.lag() == 0
    assert rig.state("stock/SHIRT").levels["EAST"].reserved == 20
    await rig.stop()


# ---- what cannot be digested


def poison(fact: OrderCreated, at: Recorded) -> Iterator[Command]:
    if fact.native == "A-1":
        raise ZeroDivisionError
    return iter(())


def poisonous_command(fact: OrderCreated, at: Recorded) -> Iterator[Command]:
    if fact.native == "A-1":
        yield Explode(order=at.aggregate)


def unstorable_command(fact: OrderCreated, at: Recorded) -> Iterator[Command]:
    """No row can hold such a sum, so it fails when it is written down, not when it is decided."""
    if fact.native == "A-1":
        yield msgspec.structs.replace(say("5001", "amount"), amount_fen=2**70)


EACH = pytest.mark.parametrize("reaction", [poison, poisonous_command, unstorable_command])


@EACH
@virtual
async def test_a_poison_fact_parks_its_aggregate_and_the_others_go_on(
    clock: Clock, tmp_path: Path, reaction: Callable[..., Any], hang: Chained
) -> None:
    hang(OrderCreated, reaction)
    async with opened(tmp_path / "data", clock) as rig:
        await rig.accepted(count(100))
        sick, *well = [(await rig.accepted(place(f"A-{n}"))).aggregate for n in (1, 2, 3)]
        await rig.quiet()
        assert rig.relay.lag() == 0
        assert tickets(rig) == [(sick, "parked")]
        assert rig.reads.counts()["parked"] == 2  # the fact itself, and the reservation that came after it
        for order in well:
            assert rig.state(order).lines[0].reserved == 1
        listener = Listener()
        hang(HoldPlaced, listener)
        for order in (sick, *well):
            await rig.accepted(PlaceHold(order=order, hold="review"))
        await rig.quiet()
        assert listener.heard == [
            (order, "review") for order in well
        ]  # what comes after a parked fact waits behind it
        assert rig.reads.counts()["parked"] == 3
    assert findings(tmp_path / "data") == []


@EACH
@virtual
async def test_what_was_parked_is_tried_again_at_the_next_start(
    clock: Clock, tmp_path: Path, reaction: Callable[..., Any], hang: Chained, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    listener = Listener()
    hang(HoldPlaced, listener)
    with monkeypatch.context() as sick:
        sick.setitem(
            relay.BY_FACT,
            OrderCreated,
            [*relay.BY_FACT[OrderCreated], Reaction("sick", OrderCreated, reaction)],
        )
        async with opened(data, clock) as rig:
            order = (await rig.accepted(place("A-1"))).aggregate
            await rig.quiet()
            for hold in ("review", "risk"):
                await rig.accepted(PlaceHold(order=order, hold=hold))
            await rig.quiet()
            assert rig.reads.counts()["parked"] == 4  # created, short of stock, and held twice
        async with opened(data, clock) as rig:  # still sick: nothing is lost, nothing overtakes
            await rig.quiet()
            assert rig.reads.counts()["parked"] == 4  # created, short of stock, and held twice
            assert listener.heard == []
    cured: list[str] = []

    def cure(fact: OrderCreated, at: Recorded) -> Iterator[Command]:
        cured.append(at.aggregate)
        yield PlaceHold(order=at.aggregate, hold="cured")

    monkeypatch.setitem(
        relay.BY_FACT, OrderCreated, [*relay.BY_FACT[OrderCreated], Reaction("sick", OrderCreated, cure)]
    )
    for _ in range(2):  # and only once
        async with opened(data, clock) as rig:
            await rig.quiet()
            assert rig.reads.counts()["parked"] == 0
            assert tickets(rig) == []
            assert tickets(rig, open_only=False) == [(order, "parked")]
            assert cured == [order]
            assert listener.heard == [(order, hold) for hold in ("review", "risk", "cured")]
            assert rig.state(order).holds == ("review", "risk", "cured")
    assert findings(data) == []


@pytest.mark.parametrize(
    "sick", [each for n in (1, 2, 3) for each in combinations(("HAT", "SHIRT", "SHOE"), n)]
)
@virtual
async def test_of_a_parked_reaction_only_the_commands_that_failed_are_tried_again(
    clock: Clock, tmp_path: Path, sick: tuple[str, ...], hang: Chained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One parcel takes three SKUs off the shelf. When the failed ones are tried again, the others' stock has forgotten
    this departure over later ones, and would believe it a second time."""
    skus, data = ("HAT", "SHIRT", "SHOE"), tmp_path / "data"

    def leave(order: str, sku: str, dispatch: str) -> DeductStock:
        return DeductStock(sku=sku, order=order, line=1, warehouse="EAST", units=1, dispatch=dispatch)

    hang(HoldPlaced, lambda fact, at: [leave(at.aggregate, sku, "first") for sku in skus])
    deduct: type[Command] = DeductStock
    route = COMMANDS[deduct]

    def faulty(stock: Any, command: DeductStock, ctx: Context) -> Decision | Refusal:
        if command.sku in sick and command.dispatch == "first":
            raise ZeroDivisionError
        return route.decide(stock, command, ctx)

    async with opened(data, clock) as rig:
        for sku in skus:
            await rig.accepted(count(100, sku))
        order = (await rig.accepted(place("A-1"))).aggregate
        await rig.quiet()
        with monkeypatch.context() as broken:
            broken.setitem(COMMANDS, deduct, replace(route, decide=faulty))
            await rig.accepted(PlaceHold(order=order, hold="review"))
            await rig.quiet()
        assert rig.reads.counts()["parked"] == len(sick)
        for n in range(MAX_TOMBSTONES):
            for sku in skus:
                await rig.accepted(leave(order, sku, f"later-{n}"))
    for _ in range(2):
        async with opened(data, clock) as rig:
            await rig.quiet()
            assert rig.reads.counts()["parked"] == 0
            left = [rig.state(f"stock/{sku}").levels["EAST"].on_hand for sku in skus]
            assert left == [100 - MAX_TOMBSTONES - 1] * 3
    assert findings(data) == []


@virtual
async def test_a_refused_reaction_is_a_ticket_and_nothing_waits_for_it(
    clock: Clock, tmp_path: Path, hang: Chained
) -> None:
    hang(OrderCreated, lambda fact, at: [PlaceHold(order=at.aggregate, hold="NO SUCH NAME")])
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place("A-1"))).aggregate
        await rig.quiet()
        assert tickets(rig) == [(order, "reaction-refused")]
        assert rig.reads.counts()["parked"] == 0
        summary = rig.reads.tickets()[0].summary
        assert summary == "test-OrderCreated: PlaceHold: hold-name-invalid"


@virtual
async def test_tickets_of_one_slot_do_not_overtake_each_other(
    clock: Clock, tmp_path: Path, hang: Chained
) -> None:
    """Two facts of a slot in one chunk: the later one fails at once, the earlier one only when it is decided."""

    def refused_or_poison(fact: HoldPlaced, at: Recorded) -> Iterator[Command]:
        if fact.hold == "refused":
            yield PlaceHold(order=at.aggregate, hold="NO SUCH NAME")
        if fact.hold == "poison":
            raise ZeroDivisionError

    hang(HoldPlaced, refused_or_poison)
    rig = Rig(tmp_path / "data", clock)
    one, other = [(await rig.accepted(place(native))).aggregate for native in ("A-1", "A-2")]
    assert key_slot(one) == key_slot(other)
    assert one < other
    await rig.accepted(PlaceHold(order=other, hold="refused"))
    await rig.accepted(PlaceHold(order=one, hold="poison"))
    await rig.start()
    await rig.quiet()
    assert sorted(tickets(rig)) == [(one, "parked"), (other, "reaction-refused")]
    await rig.stop()


@pytest.mark.parametrize("after_commits", range(1, 6))
@pytest.mark.parametrize("bad", ["poison", "unstorable", "refused"])
@virtual
async def test_killed_at_any_commit_a_failed_reaction_is_not_forgotten(
    clock: Clock, tmp_path: Path, bad: str, after_commits: int, hang: Chained
) -> None:
    """The watermark passes a reaction that failed; that it failed is in the same commit."""

    def refused(fact: OrderCreated, at: Recorded) -> Iterator[Command]:
        yield PlaceHold(order=at.aggregate, hold="NO NAME")

    hang(OrderCreated, {"poison": poisonous_command, "unstorable": unstorable_command}.get(bad, refused))
    left: list[Path] = []
    commits = 0

    def copy(point: str) -> None:
        nonlocal commits
        commits += point == "after-commit"
        if commits == after_commits and not left:
            left.append(as_after_a_crash(tmp_path / "data", tmp_path / "left"))

    async with opened(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        await rig.quiet()
    async with opened(tmp_path / "data", clock, probe=copy) as rig:
        order = (await rig.accepted(place("A-1"))).aggregate
        await rig.quiet()
        assert commits >= 5
    async with opened(left[0], clock) as rig:
        await rig.quiet()
        kind = "reaction-refused" if bad == "refused" else "parked"
        assert tickets(rig) == [(order, kind)]
        assert rig.reads.counts()["parked"] == 2 * (bad != "refused")  # it, and the reservation behind it
        assert rig.facts(order).count("LineReserved") == 1
        assert rig.facts("stock/SHIRT").count("StockReserved") == 1


@virtual
async def test_a_fact_of_a_newer_version_parks_its_aggregate(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a step back to an older programme the journal may hold what it does not know."""
    rig = Rig(tmp_path / "data", clock)
    strange = (await rig.accepted(place("A-1"))).aggregate
    known = (await rig.accepted(place("A-2"))).aggregate
    sql(tmp_path / "data", f"UPDATE journal SET fact_ver = 99 WHERE agg = '{strange}'")
    async with opened(as_after_a_crash(tmp_path / "data", tmp_path / "older"), clock) as rig:
        await rig.accepted(count(10))
        await rig.quiet()
        assert tickets(rig) == [(strange, "parked")]
        assert rig.state(known).lines[0].reserved == 1
    sql(tmp_path / "older", f"UPDATE journal SET fact_ver = 1 WHERE agg = '{strange}'")
    async with opened(tmp_path / "older", clock) as rig:
        await rig.quiet()
        assert tickets(rig) == []
        assert rig.state(strange).lines[0].reserved == 1


@virtual
async def test_a_command_for_a_key_that_cannot_be_parks_its_fact(
    clock: Clock, tmp_path: Path, hang: Chained
) -> None:
    hang(OrderCreated, lambda fact, at: [PlaceHold(order="no id", hold="review")])
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place("A-1"))).aggregate
        await rig.quiet()
        assert tickets(rig) == [(order, "parked")]


@virtual
async def test_a_watched_shop_has_no_owning_reactions(clock: Clock, tmp_path: Path) -> None:
    """Tongdan reserves nothing for a shop it only watches."""
    async with opened(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        order = (await rig.accepted(place(shop="mp-watched"))).aggregate
        await rig.quiet()
        assert rig.facts(order) == ["OrderCreated"]
