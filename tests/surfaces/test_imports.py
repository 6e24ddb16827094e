"""Promises of files over the API: shown first, written once, whole or not at all; how large a part may be."""

import httpx
import pytest
from msgspec.structs import replace
from tests.contracts.importers import headings
from tests.contracts.partners.test_erp_csv import COUNTS
from tests.contracts.partners.test_erp_open_orders import JST, JUSHUITAN, SENT
from tests.surfaces.conftest import API, Served, eventually, rows_of

from tongdan.adapters.csv_table import as_record
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.surfaces import notices
from tongdan.surfaces.http import imports
from tongdan.surfaces.http.errors import MAX_IMPORT_BYTES
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.looking import of_shop

PATH = f"{API}/imports/jushuitan-orders"


@pytest.fixture
def shown(served: Served) -> Served:
    served.app.include_router(imports.router_of(served.centre.import_map, served.centre.import_names))
    return served


def file(*rows: dict[str, str]) -> bytes:
    titles = headings(JUSHUITAN)
    return "".join(
        [as_record(titles), *[as_record([row.get(each, "") for each in titles]) for row in rows]]
    ).encode()


OTHER = {**JST, "内部订单号": "1002", "线上订单号": "6900002"}
BAD = {**JST, "内部订单号": "1003", "线上订单号": "6900003", "数量": "x"}


async def test_a_file_is_shown_then_written_once(shown: Served) -> None:
    async with shown.client(Scope.WRITE) as client:
        before = rows_of(shown)
        said = (await client.post(PATH, content=file(JST, OTHER))).json()
        assert (said["rows"], said["good"], said["applied"], said["faults"]) == (2, 2, False, [])
        assert said["preview"] == [
            {
                "shop": "dy-main",
                "state": "to send",
                "state_zh": "待发货",
                "orders": 2,
                "lines": 2,
                "amount_fen": 40_000,
            }
        ]
        assert rows_of(shown) == before
        for accepted, duplicates in ((2, 0), (0, 2)):
            said = (await client.post(PATH, params={"apply": "true"}, content=file(JST, OTHER))).json()
            assert (said["applied"], said["accepted"], said["duplicates"]) == (True, accepted, duplicates)
        assert shown.centre.reads.find("DY", "dy-main", "6900002") is not None


async def test_one_bad_row_and_nothing_is_written_unless_the_good_rows_are_chosen(shown: Served) -> None:
    async with shown.client(Scope.WRITE) as client:
        before = rows_of(shown)
        said = (await client.post(PATH, params={"apply": "true"}, content=file(JST, BAD))).json()
        assert (said["applied"], [fault["line"] for fault in said["faults"]]) == (False, [3])
        assert "units: expected a whole number" in said["faults"][0]["message"]
        assert rows_of(shown) == before
        chosen = {"apply": "true", "good_rows": "true"}
        said = (await client.post(PATH, params=chosen, content=file(JST, BAD))).json()
        assert (said["applied"], said["accepted"]) == (True, 1)


async def test_stock_counts_and_workbooks_come_the_same_way(shown: Served) -> None:
    async with shown.client(Scope.WRITE) as client:
        rows = [line.split(",") for line in COUNTS.replace('"1,200"', "1200").split("\n") if line]
        for content in (COUNTS.encode("gb18030"), write_xlsx(rows)):
            said = await client.post(f"{API}/imports/stock-count", content=content)
            assert (said.json()["good"], said.json()["faults"]) == (2, [])


async def test_what_cannot_be_is_refused_by_name(shown: Served) -> None:
    async with shown.client(Scope.WRITE) as client:
        assert await name_of(client, f"{API}/imports/nothing", b"a\n1\n") == (404, "no-such-import-map")
        assert await name_of(client, f"{API}/imports/..%2Fshops", b"a\n1\n") == (404, "unknown-path")
        assert await name_of(client, f"{PATH}?as_of=yesterday", b"a\n1\n") == (422, "invalid-field")
        large = b"x" * (MAX_IMPORT_BYTES + 1)
        assert await name_of(client, PATH, large) == (413, "body-too-large")
        said = (await client.post(PATH, content=large[:-1])).json()
        assert (said["applied"], [fault["line"] for fault in said["faults"]]) == (False, [0])
    async with shown.client(Scope.READ) as client:
        assert await name_of(client, PATH, file(JST)) == (403, "not-allowed")


async def name_of(client: httpx.AsyncClient, path: str, content: bytes) -> tuple[int, str]:
    answer = await client.post(path, content=content)
    return answer.status_code, answer.json()["error"]


async def test_of_what_another_system_sent_no_notice_is_missing(shown: Served) -> None:
    """Under a rule that tells the buyers of this shop of every parcel."""
    sent = {**JST, **SENT}
    async with shown.client(Scope.WRITE) as client:
        await client.post(PATH, params={"apply": "true"}, content=file(sent))
    await shown.centre.quiet()
    await eventually(lambda: bool(shown.centre.reads.orders(of_shop("dy-main", 4))))
    policy = shown.centre.policy
    (rule, *_) = policy.notices.rules
    rule = replace(rule, kind="shipped", channels=("DY",), shops=())
    told = replace(policy, notices=replace(policy.notices, rules=(rule,), platform_informs=()))
    assert told.notices.rule("shipped", "DY", "dy-main") is not None
    assert notices.missing(shown.centre.reads, told, 10, "dy-main") == []
