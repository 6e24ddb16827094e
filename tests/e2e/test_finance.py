"""The day beside finance's: both counts meet over the causes, a click leads to the order, and it can be exported."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import violations

from tongdan.domain.kernel.ids import business_day

pytestmark = pytest.mark.server


def test_a_day_is_compared_explained_and_exported(inside: Page) -> None:
    today = business_day(datetime.now(UTC))
    inside.goto(f"/finance?date={today}")
    bridge = inside.get_by_role("region", name="从我方单数到财务单数")
    expect(bridge.get_by_role("row", name=re.compile("^财务 "))).to_be_visible()
    expect(bridge.get_by_role("status")).to_contain_text(re.compile("一致|均有原因"))
    assert violations(inside) == []
    with inside.expect_download() as got:
        inside.get_by_role("button", name="导出 XLSX").click()
    assert got.value.path().read_bytes().startswith(b"PK")
    differing = inside.get_by_role("region", name="差异明细").get_by_role("link")
    if differing.count():
        differing.first.click()
        expect(inside).to_have_url(re.compile("/orders/"))


def test_a_day_without_orders_agrees(inside: Page) -> None:
    inside.goto("/finance")
    day = business_day(datetime.now(UTC)) - timedelta(days=9)
    inside.get_by_label("营业日（UTC+8）").fill(day.isoformat())
    inside.get_by_role("button", name="比对", exact=True).click()
    expect(inside).to_have_url(re.compile(f"date={day}"))
    expect(inside.get_by_role("status")).to_contain_text("双方清单一致")
    expect(inside.get_by_text("没有差异。").first).to_be_visible()
