"""Promises about people, over a whole seeded day with faults: no name, phone, address or payment id of anybody stands
in clear in any file, log line or metric, archives, backups and what is restored from them included; and whoever is
erased is gone from all of it, however often they bought.
"""

import logging
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from tests.leaks import bought, found_in, leaks, secrets_of
from tests.world.seeded import findings
from tests.world.stage import START
from tests.world.unhurried import unhurried

from tongdan.adapters.clock import run_virtual
from tongdan.domain.kernel.ids import business_day
from tongdan.flow.erasure import Asked, Erased, Preview
from tongdan.flow.shard import commit_inline
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.people import Buyer
from tongdan.labs.world.retail import Basket, SeededRetail
from tongdan.ports import Clock
from tongdan.profile import ERASURES, MASTER_KEY, back_up, restore
from tongdan.surfaces.http.metrics import exposition

SEED = 5
PEOPLE = 12


class FewPeople(SeededRetail):
    """The corner shop with so few households that everybody buys more than once."""

    def day(self, no: int) -> tuple[str, list[Basket]]:
        name, baskets = super().day(no)
        return name, [each._replace(buyer=str(int(each.buyer) % PEOPLE)) for each in baskets]


def archive_files(data: Path) -> list[Path]:
    return list(data.rglob("*.parquet"))


async def _forget(pair: Pair, buyer: Buyer) -> set[str]:
    """Erase a person by phone and by the platform's id of them; the orders that were theirs."""
    erasure, reads = pair.centre.erasure, pair.centre.reads
    shown = await erasure.preview(Asked(phone=buyer.phone, receiver=f"1@#{buyer.openid}"))
    assert isinstance(shown, Preview)
    theirs = {
        order
        for (channel, native), who in bought(pair.world).items()
        # The other platforms show no whole phone, and know the buyer by an id of their own.
        if who.phone == buyer.phone and channel in ("DY", "MP")
        for shop in pair.centre.policy.shops.values()
        if shop.channel == channel and (order := reads.find(channel, shop.id, native)) is not None
    }
    assert {each.order for each in shown.orders} == {
        order for order in theirs if reads.person(order) is not None
    }
    assert {each.channel for each in shown.orders} == {"DY", "MP"}
    done = await erasure.erase(sorted(theirs), "ops")
    assert isinstance(done, Erased)
    assert (set(done.orders), done.scrubbed) == (theirs, True)
    return theirs


def test_nobody_stands_in_clear_anywhere_and_the_erased_are_gone(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    backups, restored = tmp_path / "backups", tmp_path / "restored"

    async def main(clock: Clock) -> None:
        async with together(
            data, unhurried(), clock=clock, seed=SEED, orders=40, faults=1.0, outages=1, most_lines=3,
            retail=FewPeople(SEED),
        ) as pair:  # fmt: skip
            await pair.world.run()
            await pair.centre.quiet()
            await pair.centre.tokens.catch_up()
            buyers = set(bought(pair.world).values())
            assert PEOPLE / 2 < len({buyer.phone for buyer in buyers}) <= PEOPLE
            secrets = secrets_of(SEED, buyers)
            assert found_in(secrets, f"… {next(iter(buyers)).phone} …".encode())
            assert await pair.centre.archiver.run(business_day(clock.now()), units=1_000) > 100
            backup = back_up(data, backups, clock=clock)
            assert leaks(secrets, data) == {}
            counts = pair.centre.reads.counts()
            assert found_in(secrets, exposition(pair.centre.meters, counts)) == set()

            often = max(
                buyers, key=lambda buyer: sum(who.phone == buyer.phone for who in bought(pair.world).values())
            )
            orders = {row.id for row in pair.centre.reads.orders(limit=1_000)}
            theirs = await _forget(pair, often)
            assert len(theirs) > 1
            reads = pair.centre.reads
            assert {order for order in theirs if reads.person(order) is not None} == set()
            assert {
                row.aggregate for order in theirs for row in reads.timeline(order, with_raw=True) if row.raw
            } == set()
            assert len({order for order in orders if reads.person(order) is not None}) > len(orders) / 2
            await clock.sleep(1.0)
            again = back_up(data, backups, clock=clock, adding=True)
            assert again.previous
        restored.mkdir(mode=0o700)
        for name in (MASTER_KEY, ERASURES):
            shutil.copy2(data / name, restored)
        await restore(backups, restored, unhurried(), at=backup.at, clock=clock, committer=commit_inline)
        assert leaks(secrets, data, backups, restored) == {}
        assert archive_files(data)
        said = capfd.readouterr()
        assert found_in(secrets, f"{caplog.text}{said.out}{said.err}".encode()) == set()

    run_virtual(main, START + timedelta(days=1))
    assert findings(data) == []
