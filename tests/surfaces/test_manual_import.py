"""Promises of files of orders that people enter: wrong by row and column, written in parts and once, by who may."""

from typing import Any

import httpx
import pytest
from tests.surfaces.conftest import API, SKU, Served, get, refused, rows_of

from tongdan.adapters.csv_table import write_csv
from tongdan.adapters.xlsx_table import read_xlsx
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.domain.orders.model import Order
from tongdan.surfaces.http import imports
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.manual_orders import SOURCE

PATH = f"{API}/imports/manual-orders"
BOTH = (Scope.WRITE, Scope.OPERATE, Scope.READ)
ROW = {
    "订单号": "P-1", "下单时间": "2026-01-27 10:00:00", "商品编码": SKU, "数量": "1", "金额": "60.00", "运费": "5.00",
    "订单金额": "65.00", "收件人": "张三", "手机": "13800000000", "省": "浙江省", "市": "杭州市",
    "详细地址": "文三路 1 号", "付款方式": "转账", "付款凭证号": "T-1", "录单原因": "电话下单",
}  # fmt: skip


@pytest.fixture
async def shown(served: Served) -> Served:
    served.app.include_router(imports.router_of(served.centre.import_map, served.centre.import_names))
    await served.stock(9)
    return served


def table(*rows: dict[str, str]) -> list[list[str]]:
    return [list(ROW), *[[row.get(title, "") for title in ROW] for row in rows]]


def row(number: str, **more: str) -> dict[str, str]:
    return {**ROW, "订单号": number, **more}


async def sent(client: httpx.AsyncClient, content: bytes, **asked: Any) -> Any:
    answer = await client.post(PATH, params=asked, content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_orders_of_a_file_are_placed_once_in_parts(shown: Served) -> None:
    more = {"订单号": "P-1", "商品编码": SKU, "数量": "1", "金额": "10.00"}
    orders = [row("P-1", 订单金额="75.00"), more, row("P-2"), row("P-3", 付款方式="收款码")]
    content = write_xlsx(table(*orders))
    async with shown.client(*BOTH) as client:
        rows = rows_of(shown)
        said = await sent(client, content)
        assert (said["good"], said["faults"], said["applied"], said["next"]) == (3, [], False, None)
        assert said["preview"] == [
            {
                "shop": "mp-main",
                "state": "to send",
                "state_zh": "待发货",
                "orders": 3,
                "lines": 4,
                "amount_fen": 20_500,
            }
        ]
        assert rows_of(shown) == rows
        begin: int | None = 0
        parts = []
        while begin is not None:
            said = await sent(client, content, apply=True, begin=begin, count=2)
            parts.append((said["applied"], said["accepted"], said["duplicates"]))
            begin = said["next"]
        assert parts == [(True, 2, 0), (True, 1, 0)]
        await shown.centre.quiet()
        rows = rows_of(shown)
        said = await sent(client, content, apply=True)
        assert (said["accepted"], said["duplicates"], rows_of(shown)) == (0, 3, rows)
        facts = (await get(client, f"/orders/{shown.centre.reads.find('MP', 'mp-main', 'P-1')}/timeline"))[
            "facts"
        ]
    assert (facts[0]["source"], facts[0]["operator"]) == (SOURCE, "key-0")
    order = shown.centre.reads.order(facts[0]["aggregate"])
    assert isinstance(order, Order)
    assert (order.amount_fen, len(order.lines), [each.transaction for each in order.payments]) == (
        7_500,
        2,
        ["T-1"],
    )


WRONG = {
    "商品编码": {"商品编码": "NO-SUCH"},
    "数量": {"数量": "many"},
    "订单金额": {"订单金额": "66.00"},
    "省": {"省": "Zhejiang"},
    "详细地址": {"详细地址": "1"},
    "手机": {"手机": "12"},
    "付款方式": {"付款方式": "微信"},
    "付款凭证号": {"付款凭证号": ""},
    "录单原因": {"录单原因": "给 13800000000"},
}


@pytest.mark.parametrize(("at", "wrong"), WRONG.items())
async def test_a_mistake_is_told_by_row_and_column_and_nothing_is_written(
    shown: Served, at: str, wrong: dict[str, str]
) -> None:
    content = write_csv(table(row("P-1"), row("P-2", **wrong)))
    async with shown.client(*BOTH) as client:
        rows = rows_of(shown)
        said = await sent(client, content, apply=True)
        assert [(each["line"], each["column"]) for each in said["faults"]] == [(3, at)]
        assert (said["applied"], said["good"], rows_of(shown)) == (False, 1, rows)
        said = await sent(client, content, apply=True, good_rows=True)
        assert (said["applied"], said["accepted"]) == (True, 1)
    assert shown.centre.reads.find("MP", "mp-main", "P-2") is None


async def test_a_number_that_stands_for_another_order_is_told(shown: Served) -> None:
    async with shown.client(*BOTH) as client:
        await sent(client, write_csv(table(row("P-1"))), apply=True)
        rows = rows_of(shown)
        said = await sent(client, write_csv(table(row("P-1", 手机="13900000000"))), apply=True)
        assert [(each["line"], each["column"]) for each in said["faults"]] == [(2, "订单号")]
        said = await sent(client, write_csv(table(row("P-1", 金额="61.00", 订单金额="66.00"))), apply=True)
        assert [each["error"] for each in said["refused"]] == ["order-number-reused"]
        assert rows_of(shown) == rows


async def test_maps_are_listed_with_their_columns_and_give_a_template(shown: Served) -> None:
    async with shown.client(*BOTH) as client:
        maps = {each["name"]: each for each in await get(client, "/imports")}
        assert set(maps) == set(shown.centre.import_names())
        columns = {each["headings"][0]: each for each in maps["manual-orders"]["columns"]}
        assert (columns["付款方式"]["needed"], columns["优惠"]["needed"]) == (True, False)
        assert "现金" in columns["付款方式"]["values"]
        answer = await client.get(f"{PATH}/template")
        assert read_xlsx(answer.content, {name: name for name in columns}).rows == []
        said = await sent(client, answer.content, apply=True)
        assert (said["rows"], said["applied"]) == (0, False)
        answer = await client.get(f"{API}/imports/stock-count/template?form=csv")
        assert answer.content.decode("utf-8-sig").strip() == "商品编码,仓库,库存数量,盘点时间"


async def test_who_may_not_enter_orders_may_not_import_them(shown: Served) -> None:
    async with shown.client(Scope.WRITE, Scope.READ) as client:
        rows = rows_of(shown)
        await refused(await client.post(PATH, content=write_csv(table(row("P-1")))), 403, "not-allowed")
        assert "manual-orders" not in {each["name"] for each in await get(client, "/imports")}
        assert rows_of(shown) == rows
