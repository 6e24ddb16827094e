"""The archive: days of the journal that lie far enough back go into files, and their rows are deleted.

A unit is a run of rows at the beginning of a shard's file, of one day and of bounded size. It is proven, written, read
back and published as a file; then one transaction registers it and begins to delete its rows. A crash before that
transaction leaves a file that the next run writes again; one after it leaves rows that the next run deletes.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

import msgspec

from tongdan.domain.kernel.ids import SHANGHAI, business_day
from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.flow.bus import Bus
from tongdan.flow.journal import encode, from_us, to_us
from tongdan.flow.placement import ACTIVE, AWAY
from tongdan.flow.relay import SUBSCRIBER
from tongdan.flow.sealing import Sealed, Unsound, day_of, prove, seal
from tongdan.flow.shard import Shard
from tongdan.ports import ArchiveFiles, JournalColumns, ShardStore, StoreFailure, WriteSet

UNIT_ROWS: Final = 10_000  # of one file: what is proven and held in memory at once
PRUNE_ROWS: Final = 500  # deleted in one transaction
BUSY_PAUSE_S: Final = 1.0  # before looking again whether intake has calmed down
BUSY_PAUSES: Final = 30  # in a row; then it goes on all the same

Opener = Callable[[int], ShardStore]
Reached = Callable[[], Mapping[int, int]]

ARCHIVE: Final = "archive"  # what the other processes are asked
STEP_UNITS: Final = 3  # of one request: it is answered within seconds, and the next one goes on
_told: Final = msgspec.msgpack.Decoder(int | str)

NOT_SEALED_YET: Final = RefusalKind(
    "not-sealed-yet",
    422,
    en="{until} is not sealed yet: archive up to {newest} at most (archive_after_s in conf/deadlines.yml).",
    zh="{until} 尚未封存：最多归档到 {newest}（见 conf/deadlines.yml 的 archive_after_s）。",
)
NOT_ARCHIVED: Final = RefusalKind(
    "not-archived",
    409,
    en="The journal cannot be archived from here on ({why}). Its rows stay; run `tongdan verify`.",
    zh="日志从此处起无法归档（{why}），相应行保留；请运行 tongdan verify。",
)
BEING_ARCHIVED: Final = RefusalKind(
    "being-archived",
    409,
    en="The archive is being written to already (every night at 03:30, UTC+8). Come again when that is done.",
    zh="归档正在进行（每天 03:30，UTC+8）。请待其完成后再试。",
)


class Archived(msgspec.Struct, frozen=True):
    """`rows` went, about `left` may go next (the last of a shard, and what nobody has read yet, stay)."""

    rows: int
    left: int


class Unit(NamedTuple):
    """`rows`: (position, row) of what a file shall hold; `leftover`: positions of rows that a file holds already."""

    rows: list[tuple[int, JournalColumns]]
    leftover: list[int]


class Archiver:
    """Archives the shards of this process, one unit after another; one run at a time."""

    def __init__(
        self, bus: Bus, files: ArchiveFiles, opener: Opener, reached: Sequence[Reached], behind_s: int
    ) -> None:
        """`opener` gives a reader of a shard of its own, for another thread; `reached`: for each view, shard →
        journal position up to which it has read; a day that lies `behind_s` back is sealed."""
        bus.answers[ARCHIVE] = self._answer
        self._behind_s = behind_s
        self._bus = bus
        self._files = files
        self._opener = opener
        self._reached = reached
        self._running = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether a slot had better not be moved now."""
        return self._running.locked()

    def newest(self) -> date:
        """The newest day that is sealed."""
        return newest_sealed(self._bus.clock.now(), self._behind_s)

    def left(self, until: date) -> int:
        """About how many rows of all shards may go up to the end of `until`."""
        return rows_until(self._bus.readers, until)

    async def step(self, until: date) -> Archived | Refusal:
        """A little of it, in every process of this centre; called again until nothing goes any more."""
        if until > self.newest():
            return NOT_SEALED_YET.of(until=until, newest=self.newest())
        if self.busy:
            return BEING_ARCHIVED.of()
        order = msgspec.json.encode(until)
        told = [await self._answer(order), *await self._bus.ask_peers(ARCHIVE, order)]
        done = [_told.decode(each) for each in told]
        if wrong := next((each for each in done if isinstance(each, str)), None):
            return NOT_ARCHIVED.of(why=wrong)
        return Archived(sum(each for each in done if isinstance(each, int)), self.left(until))

    async def _answer(self, order: bytes) -> bytes:
        """How many rows went here, or why none can."""
        if self.busy:
            return encode(0)
        try:
            return encode(await self.run(msgspec.json.decode(order, type=date), units=STEP_UNITS))
        except (Unsound, StoreFailure) as error:
            return encode(str(error))

    async def run(self, until: date, *, units: int) -> int:
        """Archive this process's shards up to the end of `until`, at most `units` units; how many rows went.

        Raises Unsound, StoreFailure: what was archived until then stays so.
        """
        rows = 0
        async with self._running:
            for shard in self._bus.shards:
                while units > 0 and not self._bus.stopping and (n := await self._step(shard, _end_us(until))):
                    rows += n
                    units -= 1
        return rows

    async def _step(self, shard: Shard, until_us: int) -> int:
        """One unit; 0 when there is none."""
        await self._calm()
        if any(row.state not in (ACTIVE, AWAY) for row in shard.reader.slots()):
            return 0  # a slot is on its way: its rows are not to be touched
        reached = min((each().get(shard.number, 0) for each in self._reached), default=2**63)
        unit, sealed = await self._bus.engine.aside(lambda: self._make(shard.number, until_us, reached))
        rows = WriteSet()
        if sealed is not None:
            rows.archives, rows.cuts = list(sealed.parts), list(sealed.cuts)
        positions = unit.leftover or [pos for pos, _ in unit.rows]
        await self._prune(shard, rows, positions)
        return len(positions)

    def _make(self, shard: int, until_us: int, reached: int) -> tuple[Unit, Sealed | None]:
        """Everything up to the published file; on another thread where there is one."""
        reader = self._opener(shard)
        try:
            unit = _unit(reader, until_us, reached)
            if unit.leftover or not unit.rows:
                return unit, None
            rows = [row for _, row in unit.rows]
            day = day_of(from_us(rows[0].recorded_us))
            # The first position goes with the registering transaction, so no other file will ever have this name.
            name = f"{day}/{shard}-{unit.rows[0][0]}.parquet"
            sealed = seal(reader, rows, name)
        finally:
            reader.close()
        digest = self._files.write(name, rows)
        self._bus.probe("archive-written")
        found, back = self._files.read_unfinished(name)
        if found != digest:
            raise Unsound(f"{name} does not read back as it was written")
        prove(sealed.parts, back)
        self._files.publish(name)
        self._bus.probe("archive-published")
        return unit, Sealed([part._replace(digest=digest) for part in sealed.parts], sealed.cuts)

    async def _prune(self, shard: Shard, rows: WriteSet, positions: Sequence[int]) -> None:
        for start in range(0, len(positions), PRUNE_ROWS):
            rows.pruned = [(pos,) for pos in positions[start : start + PRUNE_ROWS]]
            await shard.noted(rows)
            self._bus.probe("archive-pruned")
            rows = WriteSet()
            await self._calm()

    async def _calm(self) -> None:
        """Intake goes first."""
        for _ in range(BUSY_PAUSES):
            if not self._bus.intake_is_busy() or self._bus.stopping:
                break
            await self._bus.clock.sleep(BUSY_PAUSE_S)


def newest_sealed(now: datetime, behind_s: int) -> date:
    """The day (UTC+8) that lies `behind_s` back."""
    return business_day(now - timedelta(seconds=behind_s))


def rows_until(readers: Iterable[ShardStore], until: date) -> int:
    """About how many rows lie in the journals that were recorded up to the end of `until`."""
    return sum(reader.recorded_before(_end_us(until)) for reader in readers)


def _unit(reader: ShardStore, until_us: int, reached: int) -> Unit:
    """The next rows that nothing needs: sealed, reacted to, and seen by every view."""
    ends = {slot: part.end for slot, part in reader.archived.ends().items()}
    cursors = reader.cursors(SUBSCRIBER)
    last = min(reached, reader.last_pos() - 1)  # the last row stays: positions go on from it
    unit = Unit([], [])
    for pos, row in reader.journal_after(0, UNIT_ROWS):
        place = (row.epoch, row.seq)
        if pos > last or row.recorded_us >= until_us or place > cursors.get(row.slot, (0, 0))[:2]:
            break
        if place <= ends.get(row.slot, (0, 0)):
            unit.leftover.append(pos)
        elif unit.rows and day_of(from_us(row.recorded_us)) != day_of(from_us(unit.rows[0][1].recorded_us)):
            break
        else:
            unit.rows.append((pos, row))
    return unit


def _end_us(day: date) -> int:
    """The instant at which a day of UTC+8 is over."""
    return to_us(datetime.combine(day + timedelta(days=1), time(), SHANGHAI))
