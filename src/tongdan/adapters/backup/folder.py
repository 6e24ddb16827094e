"""A folder of backups: taken, listed, thinned out, and brought back.

A backup is made under a name that nobody takes for one and renamed when it is whole and on the disk. One that adds
to another names it, so a restore follows the names back to whole copies, and an instant in between two backups is the
state of the earlier. Every file is checked against its digest before anything is built from it.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

import apsw
import msgspec

from tongdan.adapters.backup.cut import Cut, consistent_cut
from tongdan.adapters.backup.increments import apply_increment, follows, standing, tables_of, write_increment
from tongdan.adapters.backup.manifest import FILE, Manifest, Part, read_manifest, write_manifest
from tongdan.ports import Clock, StoreFailure

POLICIES: Final = "policies"
ARCHIVE: Final = "archive"
ANCHORS: Final = "anchors.jsonl"
UNFINISHED: Final = ".unfinished-"
LOCK: Final = "lock"
CHAIN_LIMIT: Final = 1_440  # backups that add to one another before a whole copy is due: a day of minutes
PAGES_AT_ONCE: Final = 1_000
BLOCK: Final = 1 << 20

Progress = Callable[[int, int], None]  # done, total


def backups(folder: Path) -> list[Manifest]:
    """Every whole backup of the folder, oldest first. Raises StoreFailure for one whose manifest cannot be read."""
    if not folder.is_dir():
        return []
    found = [
        read_manifest(each) for each in folder.iterdir() if (each / FILE).exists() and each.name[:1] != "."
    ]
    return sorted(found, key=lambda manifest: manifest.at)


def take(
    data: Path, files: Sequence[Path], folder: Path, clock: Clock, keys: list[str], *,
    adding: bool, progress: Progress,
) -> Manifest:  # fmt: skip
    """Back up the shard `files` and the policies of `data`; only what is new if `adding` and that says all.

    Raises StoreFailure; then nothing has come to the folder.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder):
        for old in folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(old)
        known = backups(folder)
        before = known[-1] if adding and known and len(chain(known, known[-1])) < CHAIN_LIMIT else None
        started_s = clock.monotonic()
        with consistent_cut(files, clock) as cut:
            name = cut.at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            if known and name <= known[-1].name:
                raise StoreFailure(f"the clock stands before the last backup, {known[-1].name}")
            draft = folder / f"{UNFINISHED}{name}"
            try:
                manifest = _fill(draft, name, data, files, cut, before, keys, progress)
                manifest = msgspec.structs.replace(manifest, took_s=round(clock.monotonic() - started_s, 2))
                write_manifest(draft, manifest)
                _sync(draft)
                draft.rename(folder / name)
                _sync_one(folder)
            except (OSError, apsw.Error) as error:
                shutil.rmtree(draft, ignore_errors=True)
                raise StoreFailure(f"the backup was not finished: {error}") from error
    return manifest


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two at once would clear each other's unfinished work away."""
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreFailure(f"another backup into {folder} is under way") from None
        yield


def _fill(
    draft: Path, name: str, data: Path, files: Sequence[Path], cut: Cut, before: Manifest | None, keys: list[str],
    progress: Progress,
) -> Manifest:  # fmt: skip
    """All files of a backup but its manifest, which is returned."""
    draft.mkdir(mode=0o700)
    parts = [_part(cut, n, file, draft, before, progress) for n, file in enumerate(files)]
    shutil.copytree(data / POLICIES, draft / POLICIES)
    if (data / ANCHORS).exists():
        shutil.copyfile(data / ANCHORS, draft / ANCHORS)
    _keep_archive(cut.shards, data / ARCHIVE, draft.parent / ARCHIVE)
    adds = before is not None and not all(part.whole for part in parts)
    return Manifest(
        name=name, at=cut.at, previous=before.name if before is not None and adds else "", shards=parts,
        revision=max((int(path.stem) for path in (draft / POLICIES).glob("*.json")), default=0), keys=keys,
        held_ms=round(cut.held_ms, 1), took_s=0.0,
    )  # fmt: skip


def _archive_files(db: apsw.Connection) -> dict[str, str]:
    """The archive files that a shard speaks of → the digests they must have."""
    if "archives" not in tables_of(db):  # a file of an earlier format
        return {}
    return {file: digest.hex() for file, digest in db.execute("SELECT DISTINCT file, digest FROM archives")}


def _keep_archive(shards: Sequence[apsw.Connection], archive: Path, kept: Path) -> None:
    """Archive files are written once, so all backups share one copy of each, under its digest."""
    for file, digest in (each for db in shards for each in _archive_files(db).items()):
        kept.mkdir(exist_ok=True, mode=0o700)
        if not (kept / digest).exists():
            draft = kept / f"{UNFINISHED}{digest}"
            shutil.copyfile(archive / file, draft)
            _sync_one(draft)
            draft.rename(kept / digest)


def _bring_archive(shards: Sequence[Path], kept: Path, archive: Path) -> None:
    for shard in shards:
        with closing(apsw.Connection(str(shard))) as db:
            files = _archive_files(db)
        for file, digest in files.items():
            to = archive / file
            to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not (kept / digest).exists() or _digest(kept / digest) != digest:
                raise StoreFailure(f"archive/{digest} ({file}) is missing or was changed")
            shutil.copyfile(kept / digest, to)


def _part(cut: Cut, n: int, file: Path, draft: Path, before: Manifest | None, progress: Progress) -> Part:
    db = cut.shards[n]
    adds = before is not None and follows(db, before.shards[n])
    to = draft / (f"{file.stem}.increment" if adds else file.name)
    if before is not None and adds:
        rows = write_increment(db, to, n, before, cut.at)
        progress(n + 1, len(cut.shards))
    else:
        rows = _copy(db, to, lambda done: progress(n * 100 + done, len(cut.shards) * 100))
    return Part(
        file=to.name, whole=not adds, bytes=to.stat().st_size, digest=_digest(to), rows=rows, **standing(db)
    )  # fmt: skip


def _copy(db: apsw.Connection, to: Path, percent: Callable[[int], None]) -> int:
    """The whole file as the snapshot shows it: SQLite's online backup stays within the transaction that is open."""
    with closing(apsw.Connection(str(to))) as copy:
        copy.pragma("synchronous", "off")
        with copy.backup("main", db, "main") as backup:
            while not backup.done:
                backup.step(PAGES_AT_ONCE)
                percent(100 - 100 * backup.remaining // max(1, backup.page_count))
        copy.pragma("journal_mode", "delete")  # one file, without a log beside it
        rows: int = next(iter(copy.execute("SELECT count(*) FROM journal")))[0]
    return rows


def chain(known: Sequence[Manifest], last: Manifest) -> list[Manifest]:
    """The backups that `last` is built from, oldest first, itself included. Raises StoreFailure if one is missing."""
    by_name = {manifest.name: manifest for manifest in known}
    found = [last]
    while found[0].previous:
        before = by_name.get(found[0].previous)
        if before is None:
            raise StoreFailure(f"{found[0].name} adds to {found[0].previous}, which is missing")
        found.insert(0, before)
    return found


def thin_out(folder: Path, keep: int) -> list[str]:
    """Delete all but the newest `keep` whole backups and what adds to them; the names of those that are gone."""
    known = backups(folder)
    starts = [n for n, manifest in enumerate(known) if not manifest.previous]
    if keep < 1 or len(starts) <= keep:
        return []
    old = known[: starts[-keep]]
    for manifest in reversed(old):  # the newest first: what is left is always a chain
        gone = folder / f"{UNFINISHED}{manifest.name}"
        (folder / manifest.name).rename(gone)
        shutil.rmtree(gone)
    return [manifest.name for manifest in old]


def at_or_before(known: Sequence[Manifest], at: datetime | None) -> Manifest | None:
    """The last backup whose cut is not after `at`."""
    return next((each for each in reversed(known) if at is None or each.at <= at), None)


def rebuild(folder: Path, made_of: Sequence[Manifest], to: Path, progress: Progress) -> None:
    """Build the shard files of a chain of backups in `to`, and its policies. Raises StoreFailure."""
    last, total = made_of[-1], sum(len(each.shards) for each in made_of)
    done = 0
    for n in range(len(last.shards)):
        start = max(at for at, each in enumerate(made_of) if each.shards[n].whole)
        target = to / made_of[start].shards[n].file
        for at, manifest in enumerate(made_of):
            if at >= start:
                source = _checked(folder / manifest.name, manifest.shards[n])
                _build(source, target, whole=at == start)
            done += 1
            progress(done, total)
        _check_heads(target, last.shards[n])
    shutil.copytree(folder / last.name / POLICIES, to / POLICIES, dirs_exist_ok=True)
    if (folder / last.name / ANCHORS).exists():
        shutil.copyfile(folder / last.name / ANCHORS, to / ANCHORS)
    shards = [to / Path(part.file).with_suffix(".sqlite") for part in last.shards]
    _bring_archive(shards, folder / ARCHIVE, to / ARCHIVE)
    _sync(to)


def _checked(folder: Path, part: Part) -> Path:
    file = folder / part.file
    if not file.exists() or _digest(file) != part.digest:
        raise StoreFailure(
            f"{folder.name}/{part.file} is missing or was changed: its digest is not the manifest's"
        )
    return file


def _build(source: Path, target: Path, *, whole: bool) -> None:
    if whole:
        shutil.copyfile(source, target)
        target.chmod(0o600)
        return
    with closing(apsw.Connection(str(target))) as db:
        db.pragma("synchronous", "off")  # an unfinished restore is begun again
        apply_increment(db, source)


def _check_heads(target: Path, part: Part) -> None:
    with closing(apsw.Connection(str(target))) as db:
        stands = standing(db)
    if (stands["heads"], stands["last"]) != (part.heads, part.last):
        raise StoreFailure(f"{target.name} does not stand where its manifest says")


def _digest(file: Path) -> str:
    whole = blake2b(digest_size=32)
    with file.open("rb") as read:
        while block := read.read(BLOCK):
            whole.update(block)
    return whole.hexdigest()


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
