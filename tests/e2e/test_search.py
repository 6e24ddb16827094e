"""What a person looks for in the console is found, stands in the address, and goes into a file or through an action."""

import csv
import re

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import Running, violations

pytestmark = pytest.mark.server

ID = re.compile(r"^[A-Z]{2}\d{14,}$")


def look_for(page: Page, text: str) -> None:
    page.get_by_role("searchbox", name="查询订单").fill(text)
    page.get_by_role("button", name="查询", exact=True).click()


def test_each_kind_of_text_finds_its_order_and_the_address_brings_it_back(
    inside: Page, running: Running
) -> None:
    inside.goto("/orders")
    found = inside.get_by_role("link", name=ID)
    found.first.wait_for()
    native = inside.get_by_role("row", name=found.first.inner_text()).get_by_role("cell").nth(4).inner_text()
    id = found.first.inner_text()
    for text, reading in ((id, "同单号"), (native, "单号或 SKU")):
        look_for(inside, text)
        expect(inside.get_by_text(f"按{reading}查得")).to_be_visible()
        expect(inside.get_by_role("link", name=id)).to_be_visible()
    assert native not in inside.url.partition("#")[0]
    inside.reload()
    expect(inside.get_by_role("link", name=id)).to_be_visible()
    expect(inside.get_by_role("searchbox", name="查询订单")).to_have_value(native)
    look_for(inside, "nothing-is-called-so")
    expect(inside.get_by_text("没有符合条件的订单")).to_be_visible()


def test_what_was_found_goes_into_a_file(inside: Page) -> None:
    inside.goto("/orders?channel=MP")
    inside.get_by_role("link", name=re.compile(r"^MP\d{14,}$")).first.wait_for()
    inside.get_by_role("button", name="导出").click()
    with inside.expect_download() as begun:
        inside.get_by_role("menuitem", name="CSV").click()
    with open(begun.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][0] == "同单号"
    assert len(rows) > 1
    assert {row[1] for row in rows[1:]} == {"MP"}


def test_chosen_orders_show_what_they_would_do(inside: Page) -> None:
    inside.goto("/orders")
    inside.get_by_role("checkbox", name=re.compile("^选择 [A-Z]{2}")).first.check()
    inside.get_by_role("button", name="批量处理（1）").click()
    acting = inside.get_by_role("region", name="批量处理 1 张订单")
    acting.get_by_role("button", name="预览").click()
    expect(acting.get_by_role("columnheader", name="将会")).to_be_visible()
    assert violations(inside) == []
