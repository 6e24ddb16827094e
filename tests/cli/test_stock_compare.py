"""`tongdan stock compare`: shown beside the WMS's, taken over with --adopt, refused by name. Here on the files."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PLACED, _tell, tongdan
from tests.surfaces.test_stock_compare import ACCOUNT, warehouses

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.credentials_file import write_credentials
from tongdan.adapters.transport import InProcessTransport
from tongdan.cli import asking
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.labs.world.warehouse import Warehouses
from tongdan.profile import Centre, embedded, reading


@pytest.fixture
def wms() -> Warehouses:
    found = warehouses()
    found.shelves.put("WH-EAST", "CUP", 20)
    return found


@pytest.fixture
def here(tmp_path: Path, wms: Warehouses, monkeypatch: pytest.MonkeyPatch) -> Path:
    """24 cups by our count, and the WMS in reach."""

    def opened(data: Path, conf: Path) -> Centre:
        transport = InProcessTransport({"qimen.api.taobao.com": wms.handle}, SystemClock())
        return embedded(data, conf, transport=transport)

    monkeypatch.setattr(asking, "embedded", opened)
    data = tmp_path / "stock"
    data.mkdir()
    write_credentials(data / "credentials.json", {"qimen/main": ACCOUNT})

    async def count() -> None:
        centre = opened(data, CONF)
        await _tell(centre, CountStock(sku="CUP", warehouse="WH-EAST", on_hand=24, counted_at=PLACED), "")
        await centre.stop()

    asyncio.run(count())
    return data


def rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


def test_a_difference_is_shown_and_taken_over_only_when_asked(here: Path) -> None:
    before, words = rows(here), ("stock", "compare", "--warehouse", "WH-EAST", "--data", here, "--conf", CONF)
    shown = json.loads(tongdan(*words, "--json").stdout)
    assert shown == {
        "rows": [{"sku": "CUP", "warehouse": "WH-EAST", "theirs": 20, "ours": 24, "difference": -4}],
        "adopted": 0,
        "refused": [],
    }
    table = tongdan(*words, "--sku", "CUP", "--sku", "HAT")
    assert (table.exit_code, "-4" in table.stdout, "HAT" in table.stdout) == (0, True, True)
    assert rows(here) == before
    assert json.loads(tongdan(*words, "--adopt", "--json").stdout)["adopted"] == 1
    assert rows(here) == before + 1
    (level,) = json.loads(tongdan("stock", "show", "CUP", "--data", here, "--json").stdout)["warehouses"]
    assert level["on_hand"] == 20
    assert json.loads(tongdan(*words, "--adopt", "--json").stdout)["adopted"] == 0
    assert rows(here) == before + 1


def test_what_cannot_be_asked_is_refused_and_nothing_of_the_stock_is_written(
    here: Path, wms: Warehouses
) -> None:
    before, words = rows(here), ("stock", "compare", "--adopt", "--data", here, "--conf", CONF)
    assert tongdan(*words, "--warehouse", "WH-WEST").exit_code == 1
    assert tongdan(*words, "--sku", "").exit_code == 2
    assert tongdan("stock", "compare", "--data", here / "nothing").exit_code == 2
    wms._account = {**ACCOUNT, "secret": "another"}  # type: ignore[misc]
    said = tongdan(*words)
    assert said.exit_code == 1 and "sign-check-failure" in said.stderr
    assert rows(here) == before + 1  # the key that was not taken is on record, and nothing of the stock
