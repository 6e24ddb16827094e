"""Promises of `tongdan slots`: it shows where slots lie, moves one without a running centre, and refuses by name."""

import json
from pathlib import Path

from tests.cli.conftest import CONF, tongdan

from tongdan.domain.kernel.keys import key_slot
from tongdan.profile import SHARDS, reading, verify_data


def test_a_slot_is_moved_and_moved_back(data: Path) -> None:
    (order,) = [row.id for row in reading(data).orders() if row.channel == "MP"]
    slot, before = key_slot(order), reading(data).timeline(order)
    home = slot % SHARDS
    for to in ((home + 1) % SHARDS, home):
        moved = tongdan("slots", "move", slot, to, "--data", data, "--conf", CONF)
        assert moved.exit_code == 0, moved.output
        shards = json.loads(tongdan("slots", "show", "--json", "--data", data).stdout)
        assert [each["shard"] for each in shards if slot in each["slots"]] == [to]
        assert sum(len(each["slots"]) for each in shards) == 256
        assert reading(data).timeline(order) == before
    assert verify_data(data, workers=1).findings == []


def test_what_cannot_be_moved_is_refused(data: Path) -> None:
    there = tongdan("slots", "move", 17, 1, "--data", data, "--conf", CONF)
    assert (there.exit_code, there.stdout) == (1, "")
    assert "already" in there.stderr or "已在" in there.stderr
    nowhere = tongdan("slots", "move", 17, 9, "--data", data, "--conf", CONF)
    assert nowhere.exit_code == 1
    assert tongdan("slots", "move", 256, 1, "--data", data, "--conf", CONF).exit_code == 2
    assert tongdan("slots", "show", "--data", data / "nothing").exit_code == 2
