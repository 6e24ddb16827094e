"""Members and the audit trail, as those who manage them use them."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import Running, sign_in, violations

from tongdan.surfaces.http.members import Role

pytestmark = pytest.mark.server


def test_a_member_is_added_narrowed_barred_and_let_in_again(inside: Page) -> None:
    inside.goto("/members")
    inside.get_by_role("button", name="新增成员").click()
    inside.get_by_label("成员名").fill("Li!")
    inside.get_by_label("密码", exact=True).last.fill("short")
    inside.get_by_role("button", name="保存").click()
    expect(inside.get_by_text("只能用 a-z")).to_be_visible()
    expect(inside.get_by_text("至少 10 个字符")).to_be_visible()
    inside.get_by_label("成员名").fill("li")
    for label, choice in (("仓库", "华东嘉兴仓 (WH-EAST)"), ("隐藏", "成本")):
        inside.get_by_role("dialog").get_by_label(label, exact=True).click()
        inside.locator(".ant-select-item-option", has_text=choice).click()
        inside.keyboard.press("Escape")
    inside.get_by_label("每单退款上限").fill("12.5")
    inside.get_by_label("密码", exact=True).last.fill("a long enough password")
    inside.get_by_role("button", name="保存").click()
    row = inside.get_by_role("row", name=re.compile("^li "))
    for told in ("¥12.50", "WH-EAST", "成本"):
        expect(row).to_contain_text(told)
    row.get_by_role("button", name="停用").click()
    inside.get_by_role("tooltip").get_by_role("button", name="停用").click()
    expect(row).to_contain_text("已停用")
    inside.get_by_role("button", name="撤销").click()
    expect(row).to_contain_text("正常")
    assert violations(inside) == []


def test_whoever_does_not_manage_sees_only_the_own_password(page: Page) -> None:
    sign_in(page, Role.WAREHOUSE)
    page.goto("/members")
    expect(page.get_by_role("heading", name="我的密码")).to_be_visible()
    expect(page.get_by_role("button", name="新增成员")).to_have_count(0)


def test_the_audit_trail_is_filtered_exported_and_checked(inside: Page, running: Running) -> None:
    inside.goto(f"/audit?order={running.sample}")
    expect(inside.get_by_role("link", name=running.sample, exact=True).first).to_be_visible()
    inside.get_by_label("事实", exact=True).fill("NoSuchFact")
    inside.get_by_role("button", name="查询", exact=True).click()
    expect(inside.get_by_text("没有符合条件的事实。").first).to_be_visible()
    expect(inside).to_have_url(re.compile("fact=NoSuchFact"))
    inside.get_by_role("button", name="清空条件").click()
    inside.get_by_role("button", name="继续向前查").click()
    with inside.expect_download() as got:
        inside.get_by_role("button", name="导出文件").click()
    lines = got.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("slot,epoch,seq") and len(lines) > 100
    inside.get_by_role("button", name="开始核对").click()
    expect(inside.get_by_text(re.compile("^全部一致"))).to_be_visible(timeout=120_000)
    expect(inside.get_by_role("button", name="开始核对")).to_be_enabled()
    inside.wait_for_timeout(500)  # it fades in
    assert violations(inside) == []
