"""The wiring: which adapter stands behind which port, and in which order a centre starts and stops."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import time
from functools import partial
from pathlib import Path
from typing import IO, Final, NamedTuple

from tongdan.adapters.anchors_file import FILE as ANCHORS
from tongdan.adapters.anchors_file import AnchorsFile
from tongdan.adapters.archive_parquet import FOLDER, ParquetArchive
from tongdan.adapters.backup.restoring import refuse_unfinished
from tongdan.adapters.bill_files import wechat_rows
from tongdan.adapters.checks_sqlite import SqliteChecks
from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.credentials_sealed import open_ring
from tongdan.adapters.erasure_log import ErasureLogFile
from tongdan.adapters.health_probes import NetworkProbes, NoProbes
from tongdan.adapters.key_use import FOLDER as KEY_USE
from tongdan.adapters.key_use import KeyUseFiles
from tongdan.adapters.mail_smtp import MailActor
from tongdan.adapters.master_key import open_vault
from tongdan.adapters.overview_sqlite import SqliteOverview
from tongdan.adapters.partners import connect_actors, open_doors, tasks_of, warmers_of, witnesses_of
from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.finance_books import terms_of
from tongdan.adapters.policy_files import Conf, import_names, load_conf, load_import
from tongdan.adapters.search_sqlite import SqliteSearch
from tongdan.adapters.slot_rows import SqliteSlotRows
from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.adapters.tokens_sqlite import SqliteTokens
from tongdan.adapters.transport import HttpTransport
from tongdan.domain.kernel.after_sales import AFTER_SALES
from tongdan.domain.kernel.keys import key_slot, pull_key
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.sync.commands import StartPull
from tongdan.flow.archive import Archiver
from tongdan.flow.bill_desk import BillDesk
from tongdan.flow.bus import Bus
from tongdan.flow.credential_desk import CredentialDesk
from tongdan.flow.daily_books import DailyBooks
from tongdan.flow.effects import Runner
from tongdan.flow.erasure import Erasure
from tongdan.flow.finance_desk import FinanceDesk
from tongdan.flow.gate import Gate
from tongdan.flow.health_scan import HealthScan
from tongdan.flow.heartbeat import Heartbeat
from tongdan.flow.labels import LabelDesk
from tongdan.flow.leaving import Leaving
from tongdan.flow.meters import Meters
from tongdan.flow.moving import Mover
from tongdan.flow.peers import Inlet, Peer
from tongdan.flow.placement import read_placement
from tongdan.flow.quarantine import Quarantine
from tongdan.flow.reads import Reader
from tongdan.flow.relay import Relay
from tongdan.flow.returning import Returning
from tongdan.flow.shard import Committer, Probe, commit_in_thread, no_probe
from tongdan.flow.stock_desk import StockDesk
from tongdan.flow.tokens import Tokens
from tongdan.flow.upkeep import Upkeep
from tongdan.flow.views import Views
from tongdan.flow.wakeups import Wakeups
from tongdan.ports import (
    Actor,
    Clock,
    Credentials,
    Door,
    Entropy,
    Probes,
    SlotRows,
    Transport,
    Wires,
)
from tongdan.ports.identity import IdentityProvider
from tongdan.profile.directory import (
    CHECKS,
    CREDENTIALS,
    ERASURES,
    MASTER_KEY,
    SEALED,
    SHARDS,
    lock,
    open_reader,
    revision_of,
    shard_file,
)

MEET_WITHIN_S: Final = 5.0  # for the other processes of a centre to be there before orders are taken
MEET_PAUSE_S: Final = 0.01


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
        probe: Probe, place: Place, probes: Probes | None = None,
    ) -> None:  # fmt: skip
        self.data: Final = data
        self.place: Final = place
        self.policy: Final[Policy] = conf.policy
        self.partners: Final = conf.partners
        self.import_map: Final = partial(load_import, conf.folder, policy=conf.policy)
        self.conf: Final = conf.folder
        self.import_names: Final = partial(import_names, conf.folder)
        self.clock: Final = clock
        self.meters: Final = Meters()
        # Of several processes the one that started them holds the lock.
        self._lock: IO[str] | None = lock(data) if place.wires is None else None
        self.vault: Final = open_vault(data / MASTER_KEY, entropy)
        vault = self.vault
        ring = open_ring(data / CREDENTIALS, data / SEALED, vault, entropy, clock)
        self.revision: Final = revision_of(data, conf, clock.now())
        own = range(place.process, SHARDS, place.processes)
        stores = [SqliteShard(shard_file(data, n), n) for n in own]
        readers = [SqliteShard(shard_file(data, n), n, readonly=True) for n in range(SHARDS)]
        placement = read_placement(readers, place.processes)
        self._overview: Final = SqliteOverview(data / "overview.sqlite")
        self._search: Final = SqliteSearch(data / "search.sqlite")
        checks = SqliteChecks(data / CHECKS)
        book = SqliteTokens(data / "tokens.sqlite")
        self._files: Final[Sequence[
            SqliteShard | SqliteOverview | SqliteSearch | SqliteChecks | SqliteTokens
        ]] = [
            *readers, *stores, self._overview, self._search, checks, book
        ]  # fmt: skip
        self.bus: Final = Bus(
            [(store, readers[store.shard]) for store in stores], readers=readers, placement=placement, clock=clock,
            entropy=entropy, vault=vault, policy=self.policy, revision=self.revision, committer=committer,
            meters=self.meters, probe=probe,
        )  # fmt: skip
        others = [n for n in range(place.processes) if n != place.process]
        self.peers: Final = {n: Peer(n, clock) for n in others}
        self.bus.connect(self.peers)
        self.reads: Final = Reader(readers, vault, self._overview, self._search, placement, book)
        self.relay: Final = Relay(self.bus)
        self.returning: Final = Returning(self.bus)
        self.wakeups: Final = Wakeups(self.bus)
        self.credentials: Final = CredentialDesk(
            self.bus, self.reads, ring, KeyUseFiles(data / KEY_USE, place.process, clock), tasks_of(conf),
            self.policy.health, clock,
        )  # fmt: skip
        calling = self.credentials.calling
        self.provider: Final = _provider(conf, transport, clock, calling)
        mail = conf.health.mail
        mailers = [] if mail is None else [MailActor(mail, Wire(transport, calling, clock))]
        self.actors: Final[Sequence[Actor]] = [
            self.credentials.guard(actor)
            for actor in (*connect_actors(conf, calling, transport, clock, entropy), *mailers)
        ]
        self.health: Final = HealthScan(
            self.bus, self.reads, self.credentials, probes or NoProbes(), at=conf.health.at,
            callbacks=conf.health.callbacks, mails=mail is not None,
        )  # fmt: skip
        self.labels: Final = LabelDesk(self.reads, self.actors, entropy)
        self.stock: Final = StockDesk(self.reads, self.actors, self.policy, clock, entropy)
        terms = terms_of(conf.partners.finance)
        self.books: Final = FinanceDesk(self.reads, self.actors, self.policy, terms, clock, entropy)
        self.daily_books: Final = DailyBooks(
            self.bus, self.reads, self.books, _time_of_day(conf.partners.finance.books.compare_at)
        )
        self.bills: Final = _bills(conf, self.bus, self.reads, self.actors)
        self.runner: Final = Runner(self.bus, self.actors, self.reads.person)
        witnesses = witnesses_of(conf, self.actors, calling, transport, clock)
        self.heartbeat: Final = Heartbeat(
            self.bus, self.policy, self.reads, checks, witnesses, self.reads.person
        )
        self.views: Final = Views(
            self.bus, self.reads, self._overview, self._search, checks, self.heartbeat.watched
        )
        leaving = Leaving(
            self.bus,
            self.relay,
            self.runner,
            self.views,
            self._slot_rows,
            wait_for_archiver=lambda: self.archiver.busy,
        )
        self.mover: Final = Mover(self.bus, self.relay, self.runner, self._slot_rows, leaving)
        self.tokens: Final = Tokens(self.bus, vault, book)
        self.erasure: Final = Erasure(self.bus, self.tokens, ErasureLogFile(data / ERASURES), vault)
        self.doors: Final[Sequence[Door]] = open_doors(conf, self.credentials)
        self.quarantine: Final = Quarantine(self.bus, vault, self.doors)
        self.archiver: Final = Archiver(
            self.bus, ParquetArchive(data / FOLDER), partial(open_reader, data),
            [self.views.reached, self.tokens.reached], self.policy.deadlines.archive_after_s,
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
        await self.credentials.start()
        self.views.start()
        self.tokens.start()
        self.runner.start()
        await self.relay.start()
        self.wakeups.start()
        self.upkeep.start()
        self.heartbeat.start()
        self.health.start()
        self.bills.start()
        self.daily_books.start()
        await self._start_pulls()

    async def _meet(self) -> None:
        """Until the others are there, or one of them clearly is not: its orders would be told to come again."""
        until_s = self.clock.monotonic() + MEET_WITHIN_S
        while self.clock.monotonic() < until_s and not all(peer.is_open for peer in self.peers.values()):
            await self.clock.sleep(MEET_PAUSE_S)

    def _slot_rows(self, shard: int) -> SlotRows:
        return SqliteSlotRows(shard_file(self.data, shard))

    async def _start_pulls(self) -> None:
        """Every shop whose channel can be listed is asked what has changed; one that is asked already stays so."""
        gate = Gate()
        for shop in self.policy.shops.values():
            how = self.policy.channels[shop.channel]
            after_sales = None if how.after_sale is None else how.after_sale.listing
            for what, listing in (("", how.listing), (AFTER_SALES, after_sales)):
                owns = self.bus.owns(key_slot(pull_key(shop.channel, shop.id, what)))
                if shop.owned and listing is not None and owns:
                    gate.open()
                    start = StartPull(channel=shop.channel, shop=shop.id, what=what)
                    self.bus.again(start, (), lambda *_: gate.close())
        await gate.passed()

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
        self.heartbeat.stop()
        self.upkeep.stop()
        self.health.stop()
        self.bills.stop()
        self.daily_books.stop()
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


def _bills(conf: Conf, bus: Bus, reads: Reader, actors: Sequence[Actor]) -> BillDesk:
    wechat = conf.partners.wechat
    return BillDesk(
        bus, reads, actors, conf.policy, shops=tuple(wechat.merchants), at=_time_of_day(wechat.bills_at),
        read=wechat_rows,
    )  # fmt: skip


def _time_of_day(text: str) -> time | None:
    return time.fromisoformat(text) if text else None


def _provider(
    conf: Conf, transport: Transport, clock: Clock, credentials: Credentials
) -> IdentityProvider | None:
    if conf.sign_in is None:
        return None
    from tongdan.adapters.oidc import Provider  # noqa: PLC0415 (its libraries take a fifth of a start to load)

    return Provider(conf.sign_in, transport, clock, credentials)


def embedded(
    data: Path, conf: Path, *, clock: Clock | None = None, entropy: Entropy | None = None,
    transport: Transport | None = None, committer: Committer | None = None, probe: Probe = no_probe,
    place: Place = ALONE, probes: Probes | None = None,
) -> Centre:  # fmt: skip
    """An order centre on the files of `data` (created if need be) under the configuration in `conf`.

    Raises DataInUse, ConfError, CredentialsRefused or StoreFailure; the message says what to do.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    refuse_unfinished(data)
    clock, read = clock or SystemClock(), load_conf(conf)
    if transport is None:
        transport = HttpTransport()  # whoever brings one plays the world, which shows no certificates
        warmers = warmers_of(read, transport, clock)
        probes = probes or NetworkProbes(transport, clock, read.health.address_from, warmers)
    return Centre(
        data, read, clock=clock, entropy=entropy or SystemEntropy(), transport=transport,
        committer=committer or commit_in_thread(), probe=probe, place=place, probes=probes,
    )  # fmt: skip
