"""What is done with a data directory beside a serving centre or without one: read, verify, back up, restore, keys."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from tongdan.adapters.anchors_file import FILE as ANCHORS
from tongdan.adapters.anchors_file import AnchorsFile
from tongdan.adapters.audit_sqlite import SqliteAudit
from tongdan.adapters.backup import folder as backup_folder
from tongdan.adapters.backup.manifest import Manifest
from tongdan.adapters.backup.restoring import Restoring
from tongdan.adapters.checks_sqlite import SqliteChecks
from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.credentials_file import CredentialsRefused, read_credentials
from tongdan.adapters.credentials_sealed import PLAIN_KEY, SealedRing, generations, open_ring
from tongdan.adapters.csv_table import Fault
from tongdan.adapters.erasure_log import ErasureLogFile
from tongdan.adapters.master_key import MasterKeyRefused, key_marks, open_vault, retire, rotate
from tongdan.adapters.overview_sqlite import SqliteOverview
from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.finance import FinanceActor
from tongdan.adapters.partners.finance_books import read_file, terms_of
from tongdan.adapters.partners.wechat_api import WechatActor
from tongdan.adapters.policy_files import load_conf
from tongdan.adapters.search_sqlite import SqliteSearch
from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.adapters.tokens_sqlite import SqliteTokens
from tongdan.adapters.transport import HttpTransport
from tongdan.domain.confighealth.commands import PutKey
from tongdan.domain.finance.books import FetchBill
from tongdan.domain.kernel.health import PRODUCTION
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.lost import check_span
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.goods.delivery import FINANCE
from tongdan.flow.archive import newest_sealed, rows_until
from tongdan.flow.bound_keys import BoundKeys
from tongdan.flow.finance_desk import FinanceDesk, Reconciled
from tongdan.flow.placement import Placement, read_placement
from tongdan.flow.reads import Reader
from tongdan.flow.reopening import Reopened, Reopening, jump_for
from tongdan.flow.shard import Committer, commit_in_thread, no_probe
from tongdan.flow.verify import Report, verify
from tongdan.ports import (
    Clock,
    Errand,
    Failed,
    StoreFailure,
    Transport,
)
from tongdan.profile.centre import ALONE, Centre, embedded
from tongdan.profile.directory import (
    CHECKS,
    CREDENTIALS,
    ERASURES,
    MASTER_KEY,
    SEALED,
    SHARDS,
    NoData,
    lock,
    open_audit,
    open_reader,
    shard_file,
)


def read_checks(data: Path) -> AbstractContextManager[SqliteChecks]:
    """The book of the heartbeat, to be read beside a running centre or without one. Raises StoreFailure."""
    return closing(SqliteChecks(data / CHECKS, readonly=True))


WECHAT: Final = "payment/wechat"


def reading(data: Path) -> Reader:
    """Reads on the files of `data`, beside a running centre or without one. Raises NoData."""
    if not shard_file(data, 0).exists() or not (data / "overview.sqlite").exists():
        raise NoData(f"{data} holds no data of an order centre")
    readers = [SqliteShard(shard_file(data, n), n, readonly=True) for n in range(SHARDS)]
    vault = open_vault(data / MASTER_KEY, SystemEntropy())
    overview = SqliteOverview(data / "overview.sqlite", readonly=True)
    search = SqliteSearch(data / "search.sqlite", readonly=True)
    tokens = data / "tokens.sqlite"
    book = SqliteTokens(tokens, readonly=True) if tokens.exists() else None
    return Reader(readers, vault, overview, search, read_placement(readers), book)


async def reconcile(
    data: Path, conf: Path, day: date | None, shop: str = "", raw: bytes | None = None,
    transport: Transport | None = None,
) -> tuple[Reconciled | Refusal, list[Fault]]:  # fmt: skip
    """A day (by default yesterday) beside finance's list, or beside the file `raw`, of which some rows may be wrong.

    Beside a running centre or without one; nothing is written. Raises NoData, ConfError, FileRefused.
    """
    settled, clock = load_conf(conf), SystemClock()
    finance, reads = settled.partners.finance, reading(data)
    day = day or business_day(clock.now()) - timedelta(days=1)
    entries, faults = (None, []) if raw is None else read_file(raw, finance, day)
    async with HttpTransport() as over_http:
        wire = _wire(data, settled.policy, reads, transport or over_http)
        actors = [FinanceActor(FINANCE, finance, wire)]
        desk = FinanceDesk(reads, actors, settled.policy, terms_of(finance), clock, SystemEntropy())
        return await desk.reconcile(day, shop, entries), faults


async def fetch_bill(data: Path, conf: Path, shop: str, day: date, *, fund: bool = False) -> bytes | Failed:
    """The payment provider's bill of a day, as a file. Beside a running centre or without one. Raises ConfError."""
    read, clock = load_conf(conf), SystemClock()
    async with HttpTransport() as over_http:
        wire = _wire(data, read.policy, reading(data), over_http)
        actor = WechatActor(WECHAT, read.partners.wechat, read.policy, wire)
        effect = FetchBill(partner=WECHAT, shop=shop, day=day, fund=fund)
        done = await actor.perform(
            Errand(f"bill/{shop}/{day}/{clock.now()}", WECHAT, effect, 1, lambda: None)
        )
    if isinstance(done, Failed):
        return done
    assert isinstance(done.found, bytes)
    return done.found


def _wire(data: Path, policy: Policy, reads: Reader, transport: Transport) -> Wire:
    """With the credentials that are bound, as a serving centre has them."""
    entropy, clock = SystemEntropy(), SystemClock()
    vault = open_vault(data / MASTER_KEY, entropy)
    ring = open_ring(data / CREDENTIALS, data / SEALED, vault, entropy, clock)
    return Wire(transport, BoundKeys(reads, ring, policy.health, clock), clock)


def due_for_archive(data: Path, conf: Path, until: date | None) -> tuple[date, int]:
    """Up to which day (by default the newest sealed one) about how many rows may be archived.

    Beside a running centre or without one. Raises NoData, ConfError.
    """
    if not shard_file(data, 0).exists():
        raise NoData(f"{data} holds no data of an order centre")
    behind_s = load_conf(conf).policy.deadlines.archive_after_s
    day = until or newest_sealed(SystemClock().now(), behind_s)
    return day, rows_until([open_reader(data, shard) for shard in range(SHARDS)], day)


def placement_of(data: Path) -> Placement:
    """Where the slots of `data` lie, beside a running centre or without one."""
    with ExitStack() as opened:
        readers = [
            opened.enter_context(closing(SqliteShard(shard_file(data, n), n, readonly=True)))
            for n in range(SHARDS)
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
    files = [shard_file(data, n) for n in range(SHARDS)]
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


def seal_credentials(data: Path, by: str, environment: str = PRODUCTION) -> int:
    """Encrypt what the plain file holds, each as the key PLAIN_KEY of its task, and delete it; how many they are.

    The journal hears of them at the next start. Raises DataInUse, or CredentialsRefused when there is nothing to seal
    or both files are there.
    """
    plain, sealed = data / CREDENTIALS, data / SEALED
    with lock(data):
        if sealed.exists():
            raise CredentialsRefused(
                f"{sealed.name} is there already: add keys with `tongdan credential put`, then delete {plain.name}"
                f" · {sealed.name} 已存在：请用 `tongdan credential put` 逐个录入后删除 {plain.name}"
            )
        held = read_credentials(plain)
        draft = data / f".{SEALED}.import"
        draft.unlink(missing_ok=True)
        entropy = SystemEntropy()
        ring = SealedRing(draft, open_vault(data / MASTER_KEY, entropy), entropy, SystemClock())
        for task, fields in held.items():
            said = PutKey(task=task, key=PLAIN_KEY, fingerprint="", environment=environment, by=by)
            ring.put(said, fields)
        draft.rename(sealed)
        plain.unlink()
        draft.with_name(f".{draft.name}.lock").unlink()
    return len(held)


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
        if generation in generations(data / SEALED):
            raise MasterKeyRefused(
                f"credentials are sealed under generation {generation}: put them again with `tongdan credential put`",
                f"仍有凭据由第 {generation} 代加密：请用 `tongdan credential put` 重新录入",
            )
        retire(data / MASTER_KEY, SystemEntropy(), generation)


def _sealed_under(data: Path, shard: int) -> Counter[int]:
    with closing(SqliteAudit(shard_file(data, shard), shard)) as audit:
        return audit.sealed_under()


def verify_data(
    data: Path, *, workers: int = 0, progress: Callable[[int, int], None] | None = None, full: bool = False
) -> Report:
    """Check the files of `data`, `full` with those of the archive. `progress(done, total)` counts row readings.

    Raises NoData.
    """
    if not shard_file(data, 0).exists():
        raise NoData(f"{data} holds no data of an order centre")
    opener = partial(open_audit, data)
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
