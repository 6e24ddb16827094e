"""Promises about people, over a whole seeded day with faults: no name, phone, address or payment id of anybody stands
in clear in any file, log line or metric; and whoever is erased is gone from both, however often they bought.
"""

import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world.seeded import _verify
from tests.world.stage import CONF, START

from tongdan.adapters.clock import run_virtual
from tongdan.flow.erasure import Asked, Erased, Preview
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.people import Buyer, buyer_of
from tongdan.labs.world.retail import Basket, SeededRetail
from tongdan.ports import Clock
from tongdan.surfaces.http.metrics import exposition

SEED = 5
PEOPLE = 12


class FewPeople(SeededRetail):
    """The corner shop with so few households that everybody buys more than once."""

    def day(self, no: int) -> tuple[str, list[Basket]]:
        name, baskets = super().day(no)
        return name, [each._replace(buyer=str(int(each.buyer) % PEOPLE)) for each in baskets]


def _bought(pair: Pair) -> dict[tuple[str, str], Buyer]:
    """(channel, native) → who bought it, at the address they last gave."""
    world = pair.world
    douyin = {("DY", native): order.buyer for native, order in world.douyin.orders.items()}
    return douyin | {("MP", native): order.buyer for native, order in world.own_shop.orders.items()}


def _spellings(value: str) -> set[bytes]:
    """How a value may stand in a file, a message or a log."""
    escaped = json.dumps(value)[1:-1]
    quoted = "".join(f"%{each:02X}" for each in value.encode())
    return {value.encode(), value.encode("gb18030"), escaped.encode(), quoted.encode()}


def _secrets(buyers: set[Buyer]) -> dict[bytes, str]:
    """Spelling → what it is."""
    everybody = buyers | {buyer_of(SEED, buyer.id.removeprefix("U")) for buyer in buyers}
    return {
        spelling: f"{kind} of {buyer.id}"
        for buyer in everybody
        for kind in ("name", "phone", "detail", "openid")
        for spelling in _spellings(getattr(buyer, kind))
    }


def _found(secrets: dict[bytes, str], where: bytes) -> set[str]:
    return {what for secret, what in secrets.items() if secret in where}


def _leaks(secrets: dict[bytes, str], data: Path) -> dict[str, set[str]]:
    files = {path.name: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert len(files) > 10
    assert sum(map(len, files.values())) > 1_000_000
    return {name: found for name, held in files.items() if (found := _found(secrets, held))}


async def _forget(pair: Pair, buyer: Buyer) -> set[str]:
    """Erase a person by phone and by the platform's id of them; the orders that were theirs."""
    erasure, reads = pair.centre.erasure, pair.centre.reads
    shown = await erasure.preview(Asked(phone=buyer.phone, receiver=f"1@#{buyer.openid}"))
    assert isinstance(shown, Preview)
    theirs = {
        order
        for (channel, native), who in _bought(pair).items()
        if who.phone == buyer.phone
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
    data: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main(clock: Clock) -> None:
        async with together(
            data, CONF, clock=clock, seed=SEED, orders=40, faults=1.0, outages=1, most_lines=3, retail=FewPeople(SEED)
        ) as pair:  # fmt: skip
            await pair.world.run()
            await pair.centre.quiet()
            await pair.centre.tokens.catch_up()
            buyers = set(_bought(pair).values())
            assert PEOPLE / 2 < len({buyer.phone for buyer in buyers}) <= PEOPLE
            secrets = _secrets(buyers)
            assert _found(secrets, f"… {next(iter(buyers)).phone} …".encode())
            assert _leaks(secrets, data) == {}
            counts = pair.centre.reads.counts()
            assert _found(secrets, exposition(pair.centre.meters, counts)) == set()

            often = max(
                buyers, key=lambda buyer: sum(who.phone == buyer.phone for who in _bought(pair).values())
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
        assert _leaks(secrets, data) == {}
        said = capfd.readouterr()
        assert _found(secrets, f"{caplog.text}{said.out}{said.err}".encode()) == set()

    run_virtual(main, START + timedelta(days=1))
    assert _verify(data) == []
