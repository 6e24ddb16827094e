"""What a person does in the console, in a real browser against a real service."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.e2e.conftest import Running, sign_in, violations, watched

from tongdan.surfaces.http.members import Role

pytestmark = pytest.mark.server


def test_the_demos_link_opens_the_order_and_its_address_has_no_key(page: Page, running: Running) -> None:
    page.goto(f"/enter?key={running.key}&to=/orders/{running.sample}")
    expect(page.get_by_role("heading", name=running.sample, level=1)).to_be_visible()
    assert running.key not in page.url
    expect(page.locator(".fact").first).to_be_visible()
    expect(page.locator(".fact time").first).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"))


def test_a_fact_opens_to_what_was_received_without_personal_data(inside: Page, running: Running) -> None:
    inside.goto(f"/orders/{running.sample}")
    first = inside.locator(".fact").first
    first.locator("summary").click()
    expect(first.get_by_text("链哈希")).to_be_visible()
    shown = first.locator("pre").inner_text()
    assert shown and not re.search(r"1[3-9]\d{9}", shown)


def test_orders_are_listed_and_lead_to_their_pages(inside: Page) -> None:
    inside.goto("/orders")
    link = inside.get_by_role("link", name=re.compile(r"^[A-Z]{2}\d{14,}$")).first
    id = link.inner_text()
    link.click()
    expect(inside.get_by_role("heading", name=id, level=1)).to_be_visible()
    inside.get_by_role("link", name="订单查询").click()
    expect(inside).to_have_url(re.compile("/orders$"))


def test_the_language_is_switched_and_kept(inside: Page) -> None:
    inside.goto("/orders")
    inside.get_by_role("button", name="English").click()
    expect(inside.get_by_role("heading", name="Orders")).to_be_visible()
    inside.reload()
    expect(inside.get_by_role("heading", name="Orders")).to_be_visible()
    assert inside.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("role", Role)
def test_each_role_comes_in_and_goes_out(page: Page, role: Role) -> None:
    sign_in(page, role)
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_label("成员名")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)


def test_an_order_that_is_not_there_and_a_page_that_is_none(inside: Page) -> None:
    inside.goto("/nowhere")
    expect(inside.get_by_text("没有这个页面。")).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_every_page(inside: Page, running: Running, language: str) -> None:
    """Those of the menu, also pages that come later, and those that are reached from others."""
    if language == "en":
        inside.get_by_role("button", name="English").click()
    menu = inside.get_by_role("navigation").get_by_role("link")
    listed = [str(link.get_attribute("href")) for link in menu.all()]
    assert len(listed) >= 4
    for path in (*listed, f"/orders/{running.sample}", "/nowhere"):
        inside.goto(path)
        inside.locator("#content h1, #content .ant-result-title").first.wait_for()
        expect(inside.locator(".told[role=status]:visible")).to_have_count(0)
        assert (path, violations(inside)) == (path, [])


@pytest.mark.parametrize(("language", "sentence"), [("zh-CN", "磁盘已满。"), ("en", "The disk is full.")])
def test_what_cannot_be_had_says_why_and_is_asked_for_again(
    context: BrowserContext, running: Running, language: str, sentence: str
) -> None:
    no = {"error": "disk_full", "message": "The disk is full.", "message_zh": "磁盘已满。"}
    context.add_init_script(f"localStorage.setItem('tongdan.language', '{language}')")
    with watched(context, running.url, forgiven="503") as page:
        page.goto(f"/enter?key={running.key}&to=/nowhere")
        page.get_by_role("navigation").wait_for()
        for path, asked in (
            ("/board", "**/api/v1/board?*"),
            ("/orders", "**/api/v1/orders/search"),
            (f"/orders/{running.sample}", f"**/api/v1/orders/{running.sample}"),
            ("/audit", "**/api/v1/audit/facts?*"),
        ):
            page.route(asked, lambda route: route.fulfill(status=503, json=no))
            page.goto(path)
            failed = page.get_by_role("alert").filter(has_text=sentence)
            expect(failed).to_be_visible()
            page.unroute(asked)
            failed.get_by_role("button").click()
            expect(failed).to_have_count(0)


def test_everybody_can_sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("成员名").wait_for()
    expect(page.get_by_role("link")).to_have_count(0)  # no provider is configured
    assert violations(page) == []
