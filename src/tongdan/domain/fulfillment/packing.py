"""The packing table: where parcels that have not left are packed anew, by merging, splitting or undoing either.

All three are one movement: call shipments back, collect what their warehouses held back, and form parcels of exactly
that, unit by unit and fen by fen. A shipment that cannot be called back goes as it is, and the others are packed
without it; an order that is cancelled meanwhile gives nothing. A table belongs to one order and its parcels go under
that order's name; what belongs to another order alone goes back to that order's own table.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.domain.fulfillment import facts as f
from tongdan.domain.fulfillment import refusals
from tongdan.domain.fulfillment.commands import NoteGiven, NoteKept, PackAnew, TakeBack, UndoPacking
from tongdan.domain.fulfillment.facts import Item, LineUnits, Member, Moved, PackedParcel, Wanted
from tongdan.domain.fulfillment.shipment import cut
from tongdan.domain.kernel.ids import shipment_id
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal

MAX_SOURCES: Final = 20
MAX_PARCELS: Final = 20
MAX_JOBS: Final = 50
FIRST_NO: Final = 1_001  # an order's release numbers its shipments from 1: the two never meet
MERGE, SPLIT, UNDO, REST, RETURN = "merge", "split", "undo", "rest", "return"


class Given(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one source gave, and the warehouse that holds it."""

    source: str
    warehouse: str
    items: tuple[Item, ...]


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One repacking. `kept` are the sources that go as they are, `formed` the parcels that came of it; `returned`:
    a part went to other orders' tables.
    """

    no: int
    what: str
    sources: tuple[str, ...]
    parcels: tuple[Wanted, ...]
    given: tuple[Given, ...] = ()
    kept: tuple[str, ...] = ()
    formed: tuple[str, ...] = ()
    returned: bool = False
    done: bool = False

    def awaits(self, source: str) -> bool:
        answered = source in self.kept or any(each.source == source for each in self.given)
        return source in self.sources and not answered and not self.done


class Table(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state: the orders whose lines have lain on it, every job, and the next parcel's number."""

    channel: str
    shop: str
    members: dict[str, Member]
    jobs: tuple[Job, ...] = ()
    next_no: int = FIRST_NO


# ---- deciding


def pack_anew(table: Table | None, command: PackAnew, ctx: Context) -> Decision | Refusal:
    sources, parcels = command.sources, command.parcels
    if not 1 <= len(set(sources)) <= MAX_SOURCES or len(set(sources)) < len(sources):
        return refusals.TOO_MANY_SOURCES.of(limit=MAX_SOURCES, got=len(sources))
    empty = not all(each.units and all(some.units > 0 for some in each.units) for each in parcels)
    if len(parcels) > MAX_PARCELS or empty:
        return refusals.TOO_MANY_PARCELS.of(limit=MAX_PARCELS, got=len(parcels))
    return _begin(table, command, command.what, sources, parcels)


def undo_packing(table: Table, command: UndoPacking, ctx: Context) -> Decision | Refusal:
    """What a job has formed is packed as its sources were."""
    job = next((each for each in table.jobs if command.shipment in each.formed), None)
    if job is None or job.what not in (MERGE, SPLIT):
        return refusals.NOTHING_TO_UNDO.of(shipment=command.shipment)
    if job.returned:
        return refusals.RETURNED_TO_OWN.of(shipment=command.shipment)
    later = [each for each in table.jobs if each.no > job.no]
    if any(given.source in job.formed for each in later for given in each.given):
        return refusals.UNDO_LATER_FIRST.of(shipment=command.shipment)
    return _begin(table, table, UNDO, job.formed, tuple([_as_it_was(each) for each in job.given]))


def _as_it_was(given: Given) -> Wanted:
    units = tuple([LineUnits(item.order, item.line, item.units) for item in given.items])
    return Wanted(given.warehouse, units)


def _begin(
    table: Table | None, whose: PackAnew | Table, what: str, sources: tuple[str, ...], parcels: tuple[Wanted, ...]
) -> Decision | Refusal:  # fmt: skip
    jobs = () if table is None else table.jobs
    for source in sources:
        if any(job.awaits(source) for job in jobs):
            return refusals.PACKING_UNDER_WAY.of(shipment=source)
    if len(jobs) >= MAX_JOBS:
        return refusals.TOO_OFTEN_PACKED.of(order=sources[0].partition("-")[0], limit=MAX_JOBS)
    members = whose.members if isinstance(whose, PackAnew) else ()
    started = f.PackingStarted(
        job=len(jobs) + 1, what=what, channel=whose.channel, shop=whose.shop, members=members, sources=sources,
        parcels=parcels,
    )  # fmt: skip
    return Decision((started,))


def note_given(table: Table, command: NoteGiven, ctx: Context) -> Decision | Refusal:
    given = Given(source=command.source, warehouse=command.warehouse, items=command.items)
    if command.job == 0:
        return _take_in(table, ctx, REST, given)
    job = _job(table, command.job)
    if job is None or not job.awaits(command.source):
        return NOTHING
    return _answered(table, ctx, _collected(job.no, given))


def note_kept(table: Table, command: NoteKept, ctx: Context) -> Decision | Refusal:
    job = _job(table, command.job)
    if job is None or not job.awaits(command.source):
        return NOTHING
    return _answered(table, ctx, f.SourceKept(job=job.no, source=command.source, reason=command.reason))


def take_back(table: Table | None, command: TakeBack, ctx: Context) -> Decision | Refusal:
    table = table or Table(channel=command.channel, shop=command.shop, members={})
    given = Given(source=command.source, warehouse=command.warehouse, items=command.items)
    return _take_in(table, ctx, RETURN, given, (command.lead,))


def _take_in(
    table: Table, ctx: Context, what: str, given: Given, members: tuple[Member, ...] = ()
) -> Decision:
    """Units that need not be called for: they are packed at once, in one parcel."""
    if any(given.source == each.source for job in table.jobs for each in job.given):
        return NOTHING
    started = f.PackingStarted(
        job=len(table.jobs) + 1, what=what, channel=table.channel, shop=table.shop, members=members,
        sources=(given.source,), parcels=(),
    )  # fmt: skip
    after = evolve(table, started)
    return Decision((started, *_answered(after, ctx, _collected(started.job, given)).facts))


def _collected(job: int, given: Given) -> f.UnitsCollected:
    return f.UnitsCollected(job=job, source=given.source, warehouse=given.warehouse, items=given.items)


def _answered(table: Table, ctx: Context, answer: f.UnitsCollected | f.SourceKept) -> Decision:
    """One source has answered; after the last one the parcels are formed."""
    table = evolve(table, answer)
    job = _job(table, answer.job)
    assert job is not None
    if any(job.awaits(source) for source in job.sources):
        return Decision((answer,))
    return Decision((answer, _form(table, job, ctx)))


def _job(table: Table, no: int) -> Job | None:
    return table.jobs[no - 1] if 0 < no <= len(table.jobs) else None


# ---- forming


class _Pile:
    """What was collected, in the order of the sources; `take` leaves the rest, fen for fen."""

    def __init__(self, job: Job) -> None:
        order = {source: n for n, source in enumerate(job.sources)}
        given = sorted(job.given, key=lambda each: order[each.source])
        self._lots = [(each.warehouse, item) for each in given for item in each.items]

    def take(self, wanted: Iterable[LineUnits]) -> list[tuple[str, Item]]:
        return [lot for each in wanted for lot in self._take(each)]

    def _take(self, wanted: LineUnits) -> list[tuple[str, Item]]:
        taken, rest, missing = list[tuple[str, Item]](), list[tuple[str, Item]](), wanted.units
        for warehouse, item in self._lots:
            n = min(missing, item.units) if item.of == (wanted.order, wanted.line) else 0
            some, others = cut(item, n)
            taken += [(warehouse, some)] if some.units else []
            rest += [(warehouse, others)] if others.units else []
            missing -= n
        self._lots = rest
        return taken

    def take_all(self) -> dict[str, list[tuple[str, Item]]]:
        """What nobody named, by the warehouse that holds it."""
        left: dict[str, list[tuple[str, Item]]] = {}
        for warehouse, item in self._lots:
            left.setdefault(warehouse, []).append((warehouse, item))
        return left


def _form(table: Table, job: Job, ctx: Context) -> f.ParcelsFormed:
    pile, home = _Pile(job), ctx.id.partition("/")[2]
    shares = [(each.warehouse, pile.take(each.units)) for each in job.parcels]
    parcels, moved, no = list[PackedParcel](), list[Moved](), table.next_no
    for warehouse, lots in [*shares, *pile.take_all().items()]:
        if not lots:
            continue
        items = _together(item for _, item in lots)
        orders = {item.order for item in items}
        lead = table.members[orders.pop() if len(orders) == 1 else home]
        own = lead.order == home
        shipment = shipment_id(home, no) if own else ""
        parcels.append(PackedParcel(shipment=shipment, lead=lead, warehouse=warehouse, items=items))
        moved += [_moved(at, warehouse, item) for at, item in lots if at != warehouse]
        no += own
    return f.ParcelsFormed(
        job=job.no, channel=table.channel, shop=table.shop, parcels=tuple(parcels), moved=tuple(moved)
    )


def _together(items: Iterable[Item]) -> tuple[Item, ...]:
    """One item a line."""
    lines: dict[tuple[str, int], Item] = {}
    for item in items:
        old = lines.get(item.of)
        lines[item.of] = item if old is None else replace(
            item, units=item.units + old.units, amount_fen=item.amount_fen + old.amount_fen
        )  # fmt: skip
    return tuple(lines.values())


def _moved(origin: str, warehouse: str, item: Item) -> Moved:
    return Moved(
        order=item.order, line=item.line, sku=item.sku, units=item.units, origin=origin, warehouse=warehouse
    )


# ---- folding


def evolve(table: Table | None, fact: Fact) -> Table:
    """The state after `fact`. Raises KeyError for a fact that is none of a packing table's."""
    if type(fact) is f.PackingStarted:
        return _on_started(table, fact)
    if table is not None and type(fact) in EFFECT_FACTS:
        return table
    if table is None or type(fact) not in _CHANGES:
        raise KeyError(type(fact).__name__)
    return _CHANGES[type(fact)](table, fact)


def _on_started(table: Table | None, fact: f.PackingStarted) -> Table:
    table = table or Table(channel=fact.channel, shop=fact.shop, members={})
    job = Job(no=fact.job, what=fact.what, sources=fact.sources, parcels=fact.parcels)
    members = {**table.members, **{each.order: each for each in fact.members}}
    return replace(table, members=members, jobs=(*table.jobs, job))


def _on_collected(table: Table, fact: f.UnitsCollected) -> Table:
    job = table.jobs[fact.job - 1]
    given = Given(source=fact.source, warehouse=fact.warehouse, items=fact.items)
    return _with_job(table, replace(job, given=(*job.given, given)))


def _on_kept(table: Table, fact: f.SourceKept) -> Table:
    job = table.jobs[fact.job - 1]
    return _with_job(table, replace(job, kept=(*job.kept, fact.source)))


def _on_formed(table: Table, fact: f.ParcelsFormed) -> Table:
    formed = tuple([each.shipment for each in fact.parcels if each.shipment])
    job = replace(
        table.jobs[fact.job - 1], formed=formed, returned=len(formed) < len(fact.parcels), done=True
    )
    return replace(_with_job(table, job), next_no=table.next_no + len(formed))


def _with_job(table: Table, job: Job) -> Table:
    return replace(table, jobs=(*table.jobs[: job.no - 1], job, *table.jobs[job.no :]))


_CHANGES: Final[dict[type[Fact], Callable[..., Table]]] = {
    f.UnitsCollected: _on_collected,
    f.SourceKept: _on_kept,
    f.ParcelsFormed: _on_formed,
}
