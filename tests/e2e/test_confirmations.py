"""Two parties and a refund, in a real browser: one asks, the other finds it in the inbox, marks it, takes it back."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import Running, paid_order, sign_in, violations

from tongdan.surfaces.http.members import Role

pytestmark = pytest.mark.server


def ask_back(page: Page, running: Running, id: str) -> None:
    """Operations ask one yuan back, which is the order centre's mark."""
    sign_in(page, Role.OPERATIONS)
    answer = page.request.post(
        f"{running.url}/api/v1/orders/{id}/refund",
        data={"amount_fen": 100, "reason": "一瓶破损"},
        headers={"X-Tongdan-Console": "1"},
    )
    assert answer.ok, answer.text()
    page.goto(f"/orders/{id}")
    refunds = page.get_by_role("region", name="退款确认")
    expect(refunds).to_contain_text("待财务确认")
    expect(refunds.get_by_role("button", name="确认", exact=True)).to_have_count(0)  # it has marked already
    assert violations(page) == []
    page.get_by_role("button", name="退出登录").click()
    page.get_by_label("成员名").wait_for()


def test_finance_marks_what_operations_have_asked_for_and_takes_it_back(page: Page, running: Running) -> None:
    id = paid_order(running)
    ask_back(page, running, id)
    sign_in(page, Role.FINANCE)
    page.goto("/confirmations")
    row = page.get_by_role("row", name=re.compile(f"{id}-R1"))
    expect(row).to_contain_text("operations")
    row.get_by_role("button", name="确认", exact=True).click()
    assert violations(page) == []
    page.get_by_role("tooltip").get_by_role("button", name="确认", exact=True).click()
    expect(row).to_have_count(0)

    page.goto(f"/orders/{id}")
    refunds = page.get_by_role("region", name="退款确认")
    expect(refunds).to_contain_text("财务 · finance")
    expect(refunds).to_contain_text("已退回", timeout=30_000)  # it has cooled off, and the provider was quick
    refunds.get_by_role("button", name="撤回").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("已退出的款项将转为追回")
    dialog.get_by_label("原因").fill("瓶子完好")
    dialog.get_by_role("button", name="撤回").click()
    expect(refunds).to_contain_text("待追回 ¥1.00")
    expect(refunds).to_contain_text(re.compile(r"已撤销 (\d) / \1 个系统"), timeout=15_000)
    assert violations(page) == []
    page.goto("/confirmations")
    expect(page.get_by_role("region", name="待追回的款项")).to_contain_text(f"{id}-R1")
