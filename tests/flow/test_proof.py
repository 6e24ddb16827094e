"""The proof of one order: sound where nothing was changed, and a changed row of it is named."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.flow.parties import count, deliver, everybody, place_and_pay, settle
from tests.flow.rig import SHARDS, opened, shard_file, virtual

from tongdan.ports import Clock


@virtual
async def test_every_row_of_an_order_agrees_with_the_one_before_it(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path, clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(30))
        orders = [await place_and_pay(rig, f"A-{n}") for n in range(4)]
        await deliver(rig, orders[0])
        await settle(rig, orders[0])
        for order in orders:
            proof, rows = rig.reads.prove(order), rig.reads.timeline(order)
            assert [link.hash for link in proof.links] == [row.hash for row in rows]
            assert all(link.agrees for link in proof.links)
            assert (proof.folds, proof.archived) == (True, 0)
            assert proof.head[:2] >= (rows[-1].epoch, rows[-1].seq)


@pytest.mark.parametrize("column", ["operator", "recorded_us"])
@virtual
async def test_a_changed_row_is_named(clock: Clock, tmp_path: Path, column: str) -> None:
    async with opened(tmp_path, clock, actors=everybody(clock)) as rig:
        await rig.accepted(count(30))
        order = await place_and_pay(rig)
        to = {"operator": "'nobody'", "recorded_us": "recorded_us + 1"}[column]
        for shard in range(SHARDS):
            with closing(sqlite3.connect(shard_file(tmp_path, shard))) as db, db:
                db.execute(f"UPDATE journal SET {column} = {to} WHERE agg = ? AND ver = 2", (order,))
        links = rig.reads.prove(order).links
        assert [link.agrees for link in links if link.aggregate == order].count(False) == 1
