"""The page of one order, in a real browser: why it stands where it does, and what can be done about it."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import Running, paid_order, sign_in, violations

from tongdan.surfaces.http.members import Role

pytestmark = pytest.mark.server


def test_each_system_has_a_band_whose_spans_lead_to_their_facts(inside: Page, running: Running) -> None:
    inside.goto(f"/orders/{running.sample}")
    systems = inside.get_by_role("region", name="各系统状态")
    expect(systems.get_by_text("订单中心")).to_be_visible()
    systems.locator(".band button").last.click()
    expect(inside.locator(".fact details[open]")).to_have_count(1)
    drawn = systems.locator(".band button").count()
    systems.get_by_role("button", name="以表格显示").click()
    expect(systems.locator("tbody tr")).to_have_count(drawn)
    assert violations(inside) == []


def test_a_comment_stands_on_the_timeline_with_who_made_it(inside: Page, running: Running) -> None:
    inside.goto(f"/orders/{running.sample}")
    inside.get_by_label("备注内容").fill("买家来电：请用蓝色包装")
    inside.get_by_role("button", name="添加").click()
    said = inside.locator(".fact.comment").first
    expect(said).to_contain_text("买家来电：请用蓝色包装")
    expect(said).to_contain_text("admin")


def test_what_cannot_be_done_says_why(inside: Page, running: Running) -> None:
    inside.goto(f"/orders/{running.sample}")
    actions = inside.get_by_role("region", name="操作")
    actions.get_by_text(re.compile("项不可执行及原因")).click()
    expect(
        actions.get_by_text("订单没有挂起。").or_(actions.locator("li .quiet").first).first
    ).to_be_visible()
    assert violations(inside) == []


def test_whoever_looks_at_personal_data_is_on_record(page: Page, running: Running) -> None:
    sign_in(page, Role.SERVICE)
    page.goto(f"/orders/{running.sample}")
    receiver = page.locator(".ant-descriptions-item-content", has=page.get_by_role("button"))
    masked = receiver.inner_text().split()[:3]
    page.get_by_role("button", name="查看明文").click()
    page.get_by_role("button", name="确定").click()
    page.get_by_role("button", name="恢复打码").wait_for()
    assert receiver.inner_text().split()[:3] != masked
    expect(page.locator(".fact", has_text="查看了未打码的个人信息").last).to_contain_text("service")
    page.get_by_role("button", name="恢复打码").click()
    page.get_by_role("button", name="查看明文").wait_for()
    assert receiver.inner_text().split()[:3] == masked


def test_who_may_only_read_is_offered_nothing_else(page: Page, running: Running) -> None:
    sign_in(page, Role.WAREHOUSE)
    page.goto(f"/orders/{running.sample}")
    expect(page.get_by_text("当前没有可执行的操作。")).to_be_visible()
    expect(page.get_by_role("button", name="查看明文")).to_have_count(0)
    expect(page.get_by_label("备注内容")).to_have_count(0)


def test_an_order_is_proven_on_its_page(inside: Page, running: Running) -> None:
    inside.goto(f"/orders/{running.sample}")
    inside.get_by_role("button", name="验证此订单").click()
    expect(inside.get_by_text(re.compile("行与哈希链一致"))).to_be_visible()
    assert violations(inside) == []


def test_money_goes_back_and_goods_are_sent_again_on_a_persons_word(inside: Page, running: Running) -> None:
    """On an order of an own shop that has arrived; the simulated partners answer."""
    inside.goto(f"/orders/{paid_order(running)}")
    actions = inside.get_by_role("region", name="操作")
    facts = inside.locator("#content .facts")
    for name in ("退款（按商品行）", "召回发货单"):
        actions.get_by_role("button", name=name, exact=True).click()
        form = inside.get_by_role("dialog", name=name)
        expect(form.get_by_role("textbox", name="原因")).to_be_visible()
        assert violations(inside) == []
        inside.keyboard.press("Escape")
        expect(form).to_have_count(0)

    actions.get_by_role("button", name="补发", exact=True).click()
    form = inside.get_by_role("dialog", name="补发")
    form.get_by_role("button", name="补发", exact=True).click()
    expect(form.get_by_text("必填")).to_be_visible()
    form.get_by_label(re.compile("^第 1 行")).fill("1")
    form.get_by_role("textbox", name="原因").fill("破损")
    form.get_by_role("button", name="补发", exact=True).click()
    expect(form).to_have_count(0)
    expect(facts).to_contain_text("破损")

    actions.get_by_role("button", name="退款（按金额）").click()
    form = inside.get_by_role("dialog", name="退款（按金额）")
    form.get_by_label("金额").fill("0.01")
    form.get_by_role("textbox", name="原因").fill("补偿")
    form.get_by_role("button", name="退款（按金额）").click()
    expect(form).to_have_count(0)
    expect(inside.get_by_text("补偿").first).to_be_visible()
    expect(inside.locator(".ant-descriptions").get_by_text("¥0.01")).to_be_visible(timeout=30_000)
