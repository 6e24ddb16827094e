"""The only wiring: which adapter stands behind which port.

`embedded()` is the default profile: no server, one directory of data, one process or several that share the shards. It
is built the same way for the service, for a replay on virtual time and for a test; only clock, chance, transport,
committer and wires differ.
"""

import asyncio
import fcntl
import json
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec

from tongdan.adapters.anchors_file import FILE as ANCHORS
from tongdan.adapters.anchors_file import AnchorsFile
from tongdan.adapters.archive_parquet import FOLDER, ParquetArchive
from tongdan.adapters.audit_sqlite import SqliteAudit
from tongdan.adapters.backup import folder as backup_folder
from tongdan.adapters.backup.manifest import Manifest
from tongdan.adapters.backup.restoring import Restoring, refuse_unfinished
from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.credentials_file import CredentialsFile
from tongdan.adapters.erasure_log import ErasureLogFile
from tongdan.adapters.master_key import MasterKeyRefused, key_marks, open_vault, retire, rotate
from tongdan.adapters.overview_sqlite import SqliteOverview
from tongdan.adapters.partners import connect_actors, open_doors
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.adapters.slot_rows import SqliteSlotRows
from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.adapters.tokens_sqlite import SqliteTokens
from tongdan.adapters.transport import HttpTransport
from tongdan.domain.kernel.lost import check_span
from tongdan.domain.kernel.policy import Policy
from tongdan.flow.archive import Archiver, newest_sealed, rows_until
from tongdan.flow.bus import Bus
from tongdan.flow.effects import Runner
from tongdan.flow.erasure import Erasure
from tongdan.flow.leaving import Leaving
from tongdan.flow.meters import Meters
from tongdan.flow.moving import Mover
from tongdan.flow.peers import Inlet, Peer
from tongdan.flow.placement import Placement, read_placement
from tongdan.flow.quarantine import Quarantine
from tongdan.flow.reads import Reader
from tongdan.flow.relay import Relay
from tongdan.flow.reopening import Reopened, Reopening, jump_for
from tongdan.flow.returning import Returning
from tongdan.flow.shard import Committer, Probe, commit_in_thread, no_probe
from tongdan.flow.tokens import Tokens
from tongdan.flow.upkeep import Upkeep
from tongdan.flow.verify import Report, verify
from tongdan.flow.views import Views
from tongdan.flow.wakeups import Wakeups
from tongdan.ports import (
    Actor,
    Clock,
    Credentials,
    Door,
    Entropy,
    ShardAudit,
    SlotRows,
    StoreFailure,
    Transport,
    Wires,
)

SHARDS: Final = 4
MEET_WITHIN_S: Final = 5.0  # for the other processes of a centre to be there before orders are taken
MEET_PAUSE_S: Final = 0.01
CREDENTIALS: Final = "credentials.json"
API_KEYS: Final = "api-keys.json"
MASTER_KEY: Final = "master.key"
ERASURES: Final = "erasures.jsonl"


class DataInUse(Exception):
    """Another process owns this data directory."""


class NoData(Exception):
    """The directory holds no data of an order centre."""


class Place(NamedTuple):
    """Which of a centre's processes this is, and the wires to the others.

    It owns shards ≡ `process` mod `processes`.
    """

    process: int = 0
    processes: int = 1
    wires: Wires | None = None


ALONE: Final = Place()


class Centre:
    """A running order centre, or one process of it.

    `start()`, then doors and reads may be used; `stop()` leaves everything written.
    """

    def __init__(
        self, data: Path, conf: Conf, *, clock: Clock, entropy: Entropy, transport: Transport, committer: Committer,
        probe: Probe, place: Place,
    ) -> None:  # fmt: skip
        self.data: Final = data
        self.place: Final = place
        self.policy: Final[Policy] = conf.policy
        self.partners: Final = conf.partners
        self.clock: Final = clock
        self.meters: Final = Meters()
        # Of several processes the one that started them holds the lock.
        self._lock: IO[str] | None = lock(data) if place.wires is None else None
        vault = open_vault(data / MASTER_KEY, entropy)
        self.credentials: Final[Credentials] = CredentialsFile(data / CREDENTIALS, clock)
        self.revision: Final = _revision(data, conf, clock.now())
        own = range(place.process, SHARDS, place.processes)
        stores = [SqliteShard(_shard_file(data, n), n) for n in own]
        readers = [SqliteShard(_shard_file(data, n), n, readonly=True) for n in range(SHARDS)]
        placement = read_placement(readers, place.processes)
        self._overview: Final = SqliteOverview(data / "overview.sqlite")
        book = SqliteTokens(data / "tokens.sqlite")
        self._files: Final[Sequence[SqliteShard | SqliteOverview | SqliteTokens]] = [
            *readers, *stores, self._overview, book
        ]  # fmt: skip
        self.bus: Final = Bus(
            [(store, readers[store.shard]) for store in stores], readers=readers, placement=placement, clock=clock,
            entropy=entropy, vault=vault, policy=self.policy, revision=self.revision, committer=committer,
            meters=self.meters, probe=probe,
        )  # fmt: skip
        others = [n for n in range(place.processes) if n != place.process]
        self.peers: Final = {n: Peer(n, clock) for n in others}
        self.bus.connect(self.peers)
        self.reads: Final = Reader(readers, vault, self._overview, placement)
        self.relay: Final = Relay(self.bus)
        self.returning: Final = Returning(self.bus)
        self.wakeups: Final = Wakeups(self.bus)
        self.actors: Final[Sequence[Actor]] = connect_actors(
            conf, self.credentials, transport, clock, entropy
        )
        self.runner: Final = Runner(self.bus, self.actors, self.reads.person)
        self.views: Final = Views(self.bus, self.reads, self._overview)
        leaving = Leaving(
            self.bus, self.relay, self.runner, self.views, self._slot_rows, wait_for_archiver=lambda: self.archiver.busy
        )
        self.mover: Final = Mover(self.bus, self.relay, self.runner, self._slot_rows, leaving)
        self.tokens: Final = Tokens(self.bus, vault, book)
        self.erasure: Final = Erasure(self.bus, self.tokens, ErasureLogFile(data / ERASURES), vault)
        self.doors: Final[Sequence[Door]] = open_doors(conf, self.credentials)
        self.quarantine: Final = Quarantine(self.bus, vault, self.doors)
        self.archiver: Final = Archiver(
            self.bus, ParquetArchive(data / FOLDER), partial(_open_reader, data),
            [self._overview.positions, self.tokens.reached], self.policy.deadlines.archive_after_s,
        )  # fmt: skip
        self.upkeep: Final = Upkeep(
            self.bus, self.archiver, AnchorsFile(data / ANCHORS), self.policy.deadlines
        )
        self.reads.live_counts = lambda: {"backlog": self.bus.backlog(), "relay_lag": self.relay.lag()}
        self.bus.answers["meters"] = self._answer_meters

    async def start(self) -> None:
        """Catch up, then go on where the last process stopped."""
        await self.mover.recover()
        if self.place.wires is None:
            await self.erasure.resume()
        else:  # whoever started the processes has done so before
            await self.place.wires.start(lambda: Inlet(self.bus), self.peers)
            await self._meet()
        self.views.start()
        self.tokens.start()
        self.runner.start()
        await self.relay.start()
        self.wakeups.start()
        self.upkeep.start()

    async def _meet(self) -> None:
        """Until the others are there, or one of them clearly is not: its orders would be told to come again."""
        until_s = self.clock.monotonic() + MEET_WITHIN_S
        while self.clock.monotonic() < until_s and not all(peer.is_open for peer in self.peers.values()):
            await self.clock.sleep(MEET_PAUSE_S)

    def _slot_rows(self, shard: int) -> SlotRows:
        return SqliteSlotRows(_shard_file(self.data, shard))

    async def _answer_meters(self, _: bytes) -> bytes:
        return self.meters.told()

    async def all_meters(self) -> Meters:
        """What all processes of this centre have counted, together; without one that does not answer."""
        if not self.peers:
            return self.meters
        total = Meters()
        for told in [self.meters.told(), *await self.bus.ask_peers("meters")]:
            total.hear(told)
        return total

    async def quiet(self) -> None:
        """Wait until nothing is queued and every fact has had its reactions (effects may still be under way)."""
        while self.bus.backlog() or self.relay.lag():
            await self.clock.sleep(0.005)

    async def stop(self, others_rest: Callable[[], Awaitable[None]] | None = None) -> None:
        """Take nothing new, finish what was taken, close the files.

        `others_rest` returns when no other process of this centre needs an answer of this one any more.
        """
        self.upkeep.stop()
        self.wakeups.stop()
        self.runner.stop()
        await self.bus.stop()
        if others_rest is not None:
            await others_rest()
        if self.place.wires is not None:
            await self.place.wires.stop()
        self.views.stop()
        self.tokens.stop()
        for file in self._files:
            file.close()
        if self._lock is not None:
            self._lock.close()


def embedded(
    data: Path, conf: Path, *, clock: Clock | None = None, entropy: Entropy | None = None,
    transport: Transport | None = None, committer: Committer | None = None, probe: Probe = no_probe,
    place: Place = ALONE,
) -> Centre:  # fmt: skip
    """An order centre on the files of `data` (created if need be) under the configuration in `conf`.

    Raises DataInUse, ConfError, CredentialsRefused or StoreFailure; the message says what to do.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    refuse_unfinished(data)
    clock = clock or SystemClock()
    return Centre(
        data, load_conf(conf), clock=clock, entropy=entropy or SystemEntropy(), transport=transport or HttpTransport(),
        committer=committer or commit_in_thread(), probe=probe, place=place,
    )  # fmt: skip


def reading(data: Path) -> Reader:
    """Reads on the files of `data`, beside a running centre or without one. Raises NoData."""
    if not _shard_file(data, 0).exists() or not (data / "overview.sqlite").exists():
        raise NoData(f"{data} holds no data of an order centre")
    readers = [SqliteShard(_shard_file(data, n), n, readonly=True) for n in range(SHARDS)]
    vault = open_vault(data / MASTER_KEY, SystemEntropy())
    overview = SqliteOverview(data / "overview.sqlite", readonly=True)
    return Reader(readers, vault, overview, read_placement(readers))


def due_for_archive(data: Path, conf: Path, until: date | None) -> tuple[date, int]:
    """Up to which day (by default the newest sealed one) about how many rows may be archived.

    Beside a running centre or without one. Raises NoData, ConfError.
    """
    if not _shard_file(data, 0).exists():
        raise NoData(f"{data} holds no data of an order centre")
    behind_s = load_conf(conf).policy.deadlines.archive_after_s
    day = until or newest_sealed(SystemClock().now(), behind_s)
    return day, rows_until([_open_reader(data, shard) for shard in range(SHARDS)], day)


def placement_of(data: Path) -> Placement:
    """Where the slots of `data` lie, beside a running centre or without one."""
    with ExitStack() as opened:
        readers = [
            opened.enter_context(closing(SqliteShard(_shard_file(data, n), n, readonly=True))) for n in range(SHARDS)
        ]
        return read_placement(readers)


def apply_erasures(data: Path, conf: Path) -> int:
    """Erase in a restored `data` everybody whom its erasure log names; how many orders that were.

    A start does the same before it does anything else. Raises what `embedded` raises.
    """

    async def apply() -> int:
        centre = embedded(data, conf)
        try:
            return await centre.erasure.resume()
        finally:
            await centre.stop()

    return asyncio.run(apply())


def back_up(
    data: Path, folder: Path, *, clock: Clock | None = None, adding: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Manifest:  # fmt: skip
    """A backup of `data` in `folder`, beside whatever serves it; `adding`: only what is new since the last one.

    Raises NoData or StoreFailure.
    """
    files = [_shard_file(data, n) for n in range(SHARDS)]
    if not all(file.exists() for file in files):
        raise NoData(f"{data} holds no data of an order centre")
    marks = key_marks(data / MASTER_KEY)
    return backup_folder.take(
        data, files, folder, clock or SystemClock(), marks, adding=adding, progress=progress
    )


async def restore(
    folder: Path, data: Path, conf: Path, *, at: datetime | None = None, until: datetime | None = None,
    jump: int | None = None, known: Sequence[tuple[str, str]] = (), clock: Clock | None = None,
    committer: Committer | None = None, progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Manifest, Reopened]:  # fmt: skip
    """Build `data` from the last backup at or before `at`, ready to be served; see `Reopening` for what that means.

    `until`: when the centre that was lost stopped, `jump`: ids to pass over, `known`: what partners know since.
    Raises ValueError for an `until` that cannot be, StoreFailure or DataInUse, and what `embedded` raises. What was
    begun is not served then, but can be restored again.
    """
    clock = clock or SystemClock()
    now = clock.now()
    until = min(until or now, now)
    restoring = _rebuild(folder, at, data, until, now, progress)
    backup = restoring.backup
    centre = Centre(
        data, load_conf(conf), clock=clock, entropy=SystemEntropy(), transport=HttpTransport(),
        committer=committer or commit_in_thread(), probe=no_probe, place=ALONE,
    )  # fmt: skip
    try:
        await centre.mover.recover()
        erased = [id for entry in ErasureLogFile(data / ERASURES).entries() for id in entry.subjects]
        reopening = Reopening(centre.bus, centre.erasure, centre.policy, erased)
        reopened = await reopening.reopen(
            f"{backup.name}/{now.isoformat()}", backup.at, until, jump or jump_for(backup.at, until), known
        )
    finally:
        await centre.stop()
    restoring.finish()
    return backup, reopened


def _rebuild(
    folder: Path, at: datetime | None, data: Path, until: datetime, now: datetime,
    progress: Callable[[int, int], None],
) -> Restoring:  # fmt: skip
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock(data):
        restoring = Restoring(folder, at, data, key_marks(data / MASTER_KEY))
        check_span(restoring.backup.at, until)
        restoring.build(now, progress)
    return restoring


def rotate_master(data: Path) -> int:
    """Give the master key a new generation, used from the next start on; its number. Raises MasterKeyRefused."""
    return rotate(data / MASTER_KEY, SystemEntropy())


def retire_master(data: Path, generation: int) -> None:
    """Forget a generation of the master key. Raises DataInUse, or MasterKeyRefused while something needs it."""
    with lock(data):
        sealed = sum(_sealed_under(data, shard)[generation] for shard in range(SHARDS))
        if sealed:
            raise MasterKeyRefused(
                f"{sealed} values that can be read are sealed under generation {generation}",
                f"仍有 {sealed} 个可读密文由第 {generation} 代加密",
            )
        retire(data / MASTER_KEY, SystemEntropy(), generation)


def _sealed_under(data: Path, shard: int) -> Counter[int]:
    with closing(SqliteAudit(_shard_file(data, shard), shard)) as audit:
        return audit.sealed_under()


def verify_data(
    data: Path, *, workers: int = 0, progress: Callable[[int, int], None] | None = None, full: bool = False
) -> Report:
    """Check the files of `data`, `full` with those of the archive. `progress(done, total)` counts row readings.

    Raises NoData.
    """
    if not _shard_file(data, 0).exists():
        raise NoData(f"{data} holds no data of an order centre")
    opener = partial(_open_audit, data)
    total = 0
    for shard in range(SHARDS):
        # What cannot be read is for the check itself to name.
        with suppress(StoreFailure), closing(opener(shard)) as audit:
            total += 2 * (audit.rows() + full * sum(part.rows for part in audit.parts()))
    tell = None if progress is None else lambda done: progress(done, total)
    return verify(
        opener, range(SHARDS), workers=workers or min(SHARDS, os.cpu_count() or 1), progress=tell, full=full,
        anchors=AnchorsFile(data / ANCHORS),
    )  # fmt: skip


def _open_audit(data: Path, shard: int) -> ShardAudit:
    return SqliteAudit(_shard_file(data, shard), shard)


def _open_reader(data: Path, shard: int) -> SqliteShard:
    return SqliteShard(_shard_file(data, shard), shard, readonly=True)


def _shard_file(data: Path, shard: int) -> Path:
    return data / f"shard-{shard}.sqlite"


def lock(data: Path) -> IO[str]:
    """One centre owns the data. The lock goes with the processes that have it open, however they end.

    Raises DataInUse.
    """
    file = (data / "lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise DataInUse(f"another process is serving {data}; stop it, or name another directory") from None
    return file


def _revision(data: Path, conf: Conf, now: datetime) -> int:
    """The number of this configuration: every text that was ever in force is kept under `policies/`."""
    folder = data / "policies"
    folder.mkdir(exist_ok=True)
    kept = sorted((int(path.stem), path) for path in folder.glob("*.json"))
    if kept and json.loads(kept[-1][1].read_text())["digest"] == conf.digest:
        return kept[-1][0]
    number = kept[-1][0] + 1 if kept else 1
    record = {"revision": number, "digest": conf.digest, "since": now, "policy": conf.policy}
    whole = folder / f"{number}.json.new"
    whole.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))
    whole.rename(folder / f"{number}.json")
    return number
