"""The data directory: what lies in it under which name, who may use it, which configurations were in force on it."""

import fcntl
import json
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import msgspec

from tongdan.adapters.audit_sqlite import SqliteAudit
from tongdan.adapters.policy_files import Conf
from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.ports import (
    ShardAudit,
)

SHARDS: Final = 4
CREDENTIALS: Final = "credentials.json"
SEALED: Final = "credentials.sealed.json"
API_KEYS: Final = "api-keys.json"
MEMBERS: Final = "members.json"
MASTER_KEY: Final = "master.key"
CHECKS: Final = "checks.sqlite"
ERASURES: Final = "erasures.jsonl"


class DataInUse(Exception):
    """Another process owns this data directory."""


class NoData(Exception):
    """The directory holds no data of an order centre."""


def shard_file(data: Path, shard: int) -> Path:
    return data / f"shard-{shard}.sqlite"


def open_audit(data: Path, shard: int) -> ShardAudit:
    return SqliteAudit(shard_file(data, shard), shard)


def open_reader(data: Path, shard: int) -> SqliteShard:
    return SqliteShard(shard_file(data, shard), shard, readonly=True)


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


def revision_of(data: Path, conf: Conf, now: datetime) -> int:
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
