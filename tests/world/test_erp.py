"""Whole days with ERPs: every released order stands in the books once, to the fen, with its parcels; every cancelled
one is off.
"""

import shutil
from pathlib import Path

import pytest
import yaml
from tests.world.seeded import run_day
from tests.world.unhurried import unhurried

from tongdan.domain.orders.model import Order
from tongdan.labs.world.in_process import Pair

ERPS = {
    "main": {
        "kind": "webhook",
        "base_url": "https://erp.example.com/orders",
        "status_url": "https://erp.example.com",
    },
    "books": {
        "kind": "k3cloud",
        "base_url": "https://k3.example.com/K3Cloud",
        "org": "100",
        "freight_material": "YF001",
    },
}
KEPT_BY = {"dy-main": "main", "mp-main": "books"}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """As unhurried, with an ERP for two shops. Kingdee's takes no refunds that two parties have to mark."""
    made = Path(shutil.copytree(unhurried(), tmp_path / "conf"))
    shops, partners, confirmation = [made / f"{name}.yml" for name in ("shops", "partners", "confirmation")]
    listed = yaml.safe_load(shops.read_text())
    for shop in listed:
        shop["erp"] = KEPT_BY.get(shop["id"], "")
    shops.write_text(yaml.safe_dump(listed, allow_unicode=True))
    partners.write_text(
        yaml.safe_dump({**yaml.safe_load(partners.read_text()), "erps": ERPS}, allow_unicode=True)
    )
    both = yaml.safe_load(confirmation.read_text())
    confirmation.write_text(yaml.safe_dump({**both, "tells": ["service"]}))
    return made


@pytest.mark.parametrize("seed", range(3))
def test_the_books_of_the_erps_are_those_of_the_centre(tmp_path: Path, conf: Path, seed: int) -> None:
    def compare(pair: Pair) -> None:
        reads, books = pair.centre.reads, pair.world.erps.by_name
        expected: dict[str, dict[str, int]] = {name: {} for name in ERPS}
        off: dict[str, set[str]] = {name: set() for name in ERPS}
        for row in reads.orders(limit=1_000):
            order = reads.order(row.id)
            assert isinstance(order, Order)
            if order.shop not in KEPT_BY or not order.shipments:
                continue
            if order.cancelled:
                off[KEPT_BY[order.shop]].add(row.id)
            else:
                expected[KEPT_BY[order.shop]][row.id] = order.amount_fen
                assert order.said["erp"].native.startswith("saved")
                told = books[KEPT_BY[order.shop]].parcels[row.id]
                assert told == sorted(parcel.waybill for parcel in order.parcels)
        for name, book in books.items():
            standing = {id: fen for id, fen in book.orders.items() if id not in book.off}
            assert standing == expected[name]
            assert off[name] >= book.off
        assert any(expected.values())
        asked = {partner: pair.centre.heartbeat.checks.beat(partner) for partner in ("erp/main", "erp/books")}
        assert all(beat is not None and beat.checked for beat in asked.values())
        assert [each for each in reads.tickets() if each.kind.startswith("differs-")] == []

    day = run_day(tmp_path / "data", seed=seed, orders=25, conf=conf, after=compare)
    assert day.findings == []
