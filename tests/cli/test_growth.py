"""Promises of `tongdan archive` and `tongdan quarantine`: looking changes nothing; what is done is said, and is done
once; a refusal writes nothing.
"""

import getpass
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import yaml
from tests.cli.conftest import CONF, Nowhere, tongdan

from tongdan.adapters.audit_sqlite import SqliteAudit
from tongdan.adapters.clock import run_virtual
from tongdan.ports import Clock, NotUnderstood
from tongdan.profile import embedded, reading

NAME = "欧阳雪"
ITEM = {
    "tag": "101",
    "msg_id": "7:0:101",
    "data": json.dumps({"shop_id": 777, "p_id": 6900000000000000001, "order_status": 2}),
}
RAW = json.dumps(ITEM | {"buyer_name": NAME}, ensure_ascii=False).encode()


async def keep(clock: Clock, data: Path) -> None:
    centre = embedded(data, CONF, clock=clock, transport=Nowhere())
    message = NotUnderstood(source="channel/douyin", reason="`shop_id` is no shop", raw=RAW, about="dy-main")
    centre.bus.submit([message], lambda replies: None)
    await centre.quiet()
    await centre.stop()


@pytest.fixture
def kept(data: Path) -> Path:
    """With a message in quarantine whose shop is not known."""
    run_virtual(lambda clock: keep(clock, data), datetime(2026, 1, 27, 8, tzinfo=UTC))
    return data


@pytest.fixture
def mended(tmp_path: Path) -> Path:
    """The configuration with the shop in it."""
    conf = Path(shutil.copytree(CONF, tmp_path / "conf"))
    shops = yaml.safe_load((conf / "shops.yml").read_text())
    douyin = next(shop for shop in shops if shop["channel"] == "DY")
    shops.append(douyin | {"id": "dy-second", "native": "777"})
    (conf / "shops.yml").write_text(yaml.safe_dump(shops, allow_unicode=True))
    return conf


def ids(data: Path) -> list[str]:
    return [row["id"] for row in json.loads(tongdan("quarantine", "list", "--json", "--data", data).stdout)]


def rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


def test_a_payload_is_masked_unless_asked_for_in_the_open(kept: Path) -> None:
    (id,) = ids(kept)
    listed = tongdan("quarantine", "list", "--data", kept)
    assert "no shop" in listed.stdout and NAME not in listed.stdout
    masked = tongdan("quarantine", "show", id, "--data", kept)
    assert masked.exit_code == 0 and NAME not in masked.stdout and "101" in masked.stdout
    assert NAME in tongdan("quarantine", "show", id, "--reveal", "--data", kept).stdout
    assert tongdan("quarantine", "show", "0.99", "--data", kept).exit_code == 1


def test_a_retry_is_shown_first_and_done_once_the_mistake_is_mended(kept: Path, mended: Path) -> None:
    (id,) = ids(kept)
    before = rows(kept)
    told = tongdan("quarantine", "retry", id, "--yes", "--json", "--data", kept, "--conf", CONF)
    assert json.loads(told.stdout)["done"] is None, told.output
    shown = tongdan("quarantine", "retry", "--source", "channel/douyin", "--data", kept, "--conf", mended)
    assert "NoteChannelEvent" in shown.stdout and "6900000000000000001" in shown.stdout
    assert (rows(kept), ids(kept)) == (before, [id])
    done = tongdan(
        "quarantine", "retry", "--source", "channel/douyin", "--yes", "--data", kept, "--conf", mended
    )
    assert done.exit_code == 0, done.output
    assert ids(kept) == []
    order = reading(kept).find("DY", "dy-second", "6900000000000000001")
    assert order is not None
    assert reading(kept).timeline(order)[0].operator == getpass.getuser()
    assert tongdan("verify", "--workers", "1", "--data", kept).exit_code == 0


def test_a_retry_needs_to_know_which(kept: Path) -> None:
    assert tongdan("quarantine", "retry", "--data", kept).exit_code == 2


def test_what_is_discarded_is_gone_with_who_and_why(kept: Path) -> None:
    (id,) = ids(kept)
    assert tongdan("quarantine", "discard", id, "--reason", "a test", "--data", kept).exit_code == 0
    assert ids(kept) == []
    last = [row for row in reading(kept).journal() if row.fact == "TicketResolved"][-1]
    assert (last.operator, last.body["evidence"]) == (getpass.getuser(), "discarded: a test")
    before = rows(kept)
    assert tongdan("quarantine", "discard", id, "--reason", "a test", "--data", kept).exit_code == 1
    assert rows(kept) == before


def test_old_days_are_archived_and_verified(data: Path) -> None:
    """The journal of these data was recorded today, so a conf that seals at once is used."""
    conf = data.parent / "sealing"
    shutil.copytree(CONF, conf)
    deadlines = yaml.safe_load((conf / "deadlines.yml").read_text())
    (conf / "deadlines.yml").write_text(yaml.safe_dump(deadlines | {"archive_after_s": 1}))
    before = list(reading(data).journal())
    files = {path.name: path.read_bytes() for path in data.glob("shard-*.sqlite")}
    due = json.loads(tongdan("archive", "--dry-run", "--json", "--data", data, "--conf", conf).stdout)
    assert due["left"] == len(before)
    assert {path.name: path.read_bytes() for path in data.glob("shard-*.sqlite")} == files
    assert not (data / "archive").exists()
    _seen_by_views(data, conf)
    sealed, now = _sealed(data), list(reading(data).journal())  # the centre's start has begun its pulls
    told = json.loads(tongdan("archive", "--json", "--data", data, "--conf", conf).stdout)
    assert 0 < told["rows"] <= len(now)
    assert rows(data) == len(now) - told["rows"]
    keyed = {(row.slot, row.epoch, row.seq): row for row in reading(data).journal()}
    assert [keyed[row.slot, row.epoch, row.seq] for row in before] == before
    assert _sealed(data) == sealed  # so that no generation of the master key is retired that they need
    plain = tongdan("verify", "--workers", "1", "--data", data)
    assert plain.exit_code == 0 and f"{told['rows']} rows lie in the archive" in plain.stdout, plain.output
    full = tongdan("verify", "--workers", "1", "--full", "--data", data)
    for file in data.glob("tokens.sqlite*"):
        file.unlink()
    shown = json.loads(
        tongdan("erase", "--phone", "13812341234", "--json", "--data", data, "--conf", conf).stdout
    )
    assert [order["native"] for order in shown["preview"]["orders"]] == [
        "M-1"
    ]  # the book of tokens is made anew
    assert full.exit_code == 0 and f"{told['rows']} archived rows were read too" in full.stdout, full.output


def _sealed(data: Path) -> int:
    """Values that can be read, in journal and archive."""
    n = 0
    for shard, path in enumerate(sorted(data.glob("shard-*.sqlite"))):
        with closing(SqliteAudit(path, shard)) as audit:
            n += audit.sealed_under().total()
    assert n >= 2
    return n


def _seen_by_views(data: Path, conf: Path) -> None:
    """What serves reads on until lists and tokens know everything."""

    async def serve(clock: Clock) -> None:
        centre = embedded(data, conf, clock=clock, transport=Nowhere())
        await centre.start()
        await clock.sleep(5)
        await centre.stop()

    run_virtual(serve, datetime.now(UTC))


def test_a_day_that_is_not_sealed_is_refused_and_nothing_is_archived(data: Path) -> None:
    before = rows(data)
    told = tongdan("archive", "--until", "2999-01-01", "--data", data)
    assert told.exit_code == 1 and "is not sealed yet" in told.stderr, told.output
    assert rows(data) == before
    assert not (data / "archive").exists()


def test_counts_are_kept_with_the_rows(data: Path) -> None:
    """What the metrics page shows is not counted anew, and right all the same."""
    told = reading(data).counts()
    counted = {"journal_rows": 0, "effects_outstanding": 0, "wakeups": 0, "dead_letters": 0}
    tables = {"journal_rows": "journal", "effects_outstanding": "effects", "wakeups": "wakeups"}
    for path in data.glob("shard-*.sqlite"):
        with closing(sqlite3.connect(path)) as db:
            for name, table in tables.items():
                counted[name] += db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            counted["dead_letters"] += db.execute("SELECT count(*) FROM runs WHERE dead").fetchone()[0]
    assert {name: told[name] for name in counted} == counted
    assert msgspec.json.encode(told)
