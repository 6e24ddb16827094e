"""`tongdan settlement`: a bill is laid beside the orders and written once; what is signed for and unpaid is listed."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CONF, tongdan
from tests.cli.test_reconcile import NOON, _paid

from tongdan.domain.orders.model import Order
from tongdan.profile import reading

HEADING = "订单号,动账金额,动账时间,动帐流水号,平台服务费,动账方向,动账场景\n"
BILL = (
    "70000,98.40,2026-01-29 12:00:00,L1,-0.60,入账,货款结算入账\n"
    "70001,97.40,2026-01-29 12:00:00,L2,-0.60,入账,货款结算入账\n"
    "88888,4.97,2026-01-29 12:00:00,L3,-0.03,入账,货款结算入账\n"
)


@pytest.fixture
def here(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    data = tmp_path / "bills"
    data.mkdir()
    return data, asyncio.run(_paid(data, {f"7000{n}": NOON + timedelta(hours=n) for n in range(2)}))


def run(data: Path, text: str, *words: object) -> tuple[int, dict[str, Any]]:
    file = data.parent / "bill.csv"
    file.write_text(HEADING + text)
    told = tongdan(
        "settlement", "import", file, "--as", "douyin", "--data", data, "--conf", CONF, "--json", *words
    )
    said: dict[str, Any] = json.loads(told.stdout)
    return told.exit_code, said


def rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


def test_a_bill_is_shown_to_the_fen_and_written_once(here: tuple[Path, dict[str, str]]) -> None:
    data, ids = here
    before = rows(data)
    code, said = run(data, BILL)
    sums = [said[name] for name in ("matched_fen", "fees_fen", "explained_fen", "open_fen", "total_fen")]
    assert sums == [9_900, -123, 0, 10_300, 20_077]
    assert (code, said["settles"], said["applied"]) == (1, 1, False)
    assert [(each["name"], each["order"], each["why"][:5]) for each in said["open"]] == [
        ("70001", ids["70001"], "the o"),
        ("88888", "", "no or"),
    ]
    assert rows(data) == before
    _, first = run(data, BILL, "--apply")
    assert (first["accepted"], first["duplicates"], first["refused"]) == (3, 0, 0)
    order = reading(data).order(ids["70000"])
    assert isinstance(order, Order) and order.settlement == "bill/douyin/L1"
    after = rows(data)
    _, again = run(data, BILL, "--apply")
    # The settled order has nothing due any more; its tickets are the same two.
    assert (again["accepted"], again["duplicates"], again["settles"]) == (0, 2, 0)
    assert rows(data) == after > before


def test_a_file_with_a_bad_row_is_not_written(here: tuple[Path, dict[str, str]]) -> None:
    data, _ = here
    before = rows(data)
    code, said = run(data, BILL.splitlines()[0] + "\n70001,much,,,,,\n", "--apply")
    assert (code, said["applied"], [each["line"] for each in said["faults"]]) == (1, False, [3])
    assert rows(data) == before


def test_what_cannot_be_read_at_all_is_refused(here: tuple[Path, dict[str, str]]) -> None:
    data, _ = here
    file = data.parent / "bill.csv"
    file.write_text("a,b\n1,2\n")
    words = ("settlement", "import", file, "--data", data, "--conf", CONF)
    assert tongdan(*words, "--as", "wechat").exit_code == 1
    assert tongdan(*words, "--as", "nowhere").exit_code == 2
    assert json.loads(tongdan("settlement", "due", "--data", data, "--json").stdout) == []
