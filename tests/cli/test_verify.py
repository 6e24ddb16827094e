"""Promises of `tongdan verify`: 0 when everything agrees, 1 and the place when one byte does not."""

import json
from pathlib import Path

import apsw
from tests.cli.conftest import tongdan


def test_data_that_agrees_verifies(data: Path) -> None:
    result = tongdan("verify", "--workers", "1", "--data", data)
    assert result.exit_code == 0, result.output
    assert "Everything agrees." in result.stdout
    told = json.loads(tongdan("verify", "--workers", "1", "--json", "--data", data).stdout)
    assert told["clean"]
    assert sum(shard["rows"] for shard in told["shards"]) > 0


def test_a_changed_row_is_named(data: Path) -> None:
    for path in sorted(data.glob("shard-*.sqlite")):
        db = apsw.Connection(str(path))
        for slot, seq in db.execute("SELECT slot, seq FROM journal WHERE fact = 'OrderCreated'").fetchall():
            db.execute(
                "UPDATE journal SET operator = 'somebody else' WHERE slot = ? AND seq = ?", (slot, seq)
            )
            place = f"journal row {slot}.1.{seq}"
        db.close()
    result = tongdan("verify", "--workers", "1", "--data", data)
    assert result.exit_code == 1
    assert place in result.stderr
    told = tongdan("verify", "--workers", "1", "--json", "--data", data)
    assert told.exit_code == 1
    found = [each["where"] for shard in json.loads(told.stdout)["shards"] for each in shard["findings"]]
    assert found == [place]
