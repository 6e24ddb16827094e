"""Promises of `tongdan order create`: checked first, placed with --apply, once a file, refused field by field."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CONF, tongdan

from tongdan.profile import reading

BODY: dict[str, Any] = {
    "shop": "mp-main",
    "lines": [{"sku": "CUP", "units": 1, "amount_fen": 5_000}],
    "receiver": {
        "name": "李四",
        "phone": "13900001111",
        "province": "浙江省",
        "city": "杭州市",
        "detail": "文三路 1 号",
    },
    "amount_fen": 5_000,
    "payment": "cash",
    "reference": "R-1",
    "reason": "at the fair",
}


@pytest.fixture
def stocked(data: Path, tmp_path: Path) -> Path:
    count = tmp_path / "count.csv"
    count.write_text("商品编码,仓库,库存数量,盘点时间\nCUP,华东嘉兴仓,5,2026-01-27 08:00:00\n")
    done = tongdan(
        "import", "stock", count, "--map", "stock-count", "--apply", "--data", data, "--conf", CONF
    )
    assert done.exit_code == 0, done.output
    return data


def written(file: Path, **more: Any) -> Path:
    file.write_text(json.dumps({**BODY, **more}))
    return file


def rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


def test_an_order_is_checked_then_placed_and_the_same_file_places_no_second(
    stocked: Path, tmp_path: Path
) -> None:
    file, before = written(tmp_path / "order.json"), rows(stocked)
    words = ("order", "create", file, "--data", stocked, "--conf", CONF)
    checked = tongdan(*words)
    assert (checked.exit_code, rows(stocked)) == (0, before), checked.output
    assert "add --apply" in checked.stderr
    placed = tongdan(*words, "--apply", "--json")
    id, after = json.loads(placed.stdout)["order"], rows(stocked)
    assert tongdan(*words, "--apply").stdout.strip() == id
    assert rows(stocked) == after > before
    shown = tongdan("order", "timeline", id, "--data", stocked).stdout
    assert "entered by hand: at the fair" in shown
    assert "paid, 50.00 yuan" in shown


def test_each_wrong_field_is_named_and_nothing_is_written(stocked: Path, tmp_path: Path) -> None:
    file, before = written(tmp_path / "o.json", shop="dy-main", amount_fen=1, reference=""), rows(stocked)
    result = tongdan("order", "create", file, "--apply", "--data", stocked, "--conf", CONF)
    assert (result.exit_code, rows(stocked)) == (1, before)
    for name in ("shop", "amount_fen", "reference", "Nothing was written"):
        assert name in result.output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "JSON"),
        ("{}", "shop"),
        (json.dumps({**BODY, "colour": "red"}), "colour"),
        (json.dumps({**BODY, "paid_at": "yesterday"}), "RFC 3339"),
        (" " * 65_537, "larger"),
    ],
)
def test_what_is_no_order_is_a_wrong_use(stocked: Path, tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "order.json"
    file.write_text(text)
    result = tongdan("order", "create", file, "--data", stocked, "--conf", CONF)
    assert (result.exit_code, result.stdout) == (2, "")
    assert expected in result.stderr


def test_orders_of_a_file_are_told_wrong_by_row_and_column_and_placed_once(
    stocked: Path, tmp_path: Path
) -> None:
    heading = "订单号,下单时间,商品编码,数量,金额,收件人,手机,省,市,详细地址,付款方式,付款凭证号,录单原因"
    good = "P-1,2026-01-27 10:00:00,CUP,1,50,李四,13900001111,浙江省,杭州市,文三路 1 号,现金,R-1,fair"
    file, before = tmp_path / "orders.csv", rows(stocked)
    words = ("import", "manual", file, "--apply", "--data", stocked, "--conf", CONF)
    file.write_text(f"{heading}\n{good}\n{good.replace('P-1', 'P-2').replace('CUP', 'NONE')}\n")
    result = tongdan(*words)
    assert (result.exit_code, rows(stocked)) == (1, before)
    assert "3 商品编码 'NONE' is neither" in " ".join(result.stdout.split())
    file.write_text(f"{heading}\n{good}\n")
    assert tongdan(*words).exit_code == 0
    after = rows(stocked)
    assert "known before: 1" in tongdan(*words).stderr
    assert rows(stocked) == after > before
