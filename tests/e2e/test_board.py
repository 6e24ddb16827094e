"""The status board in a real browser: what is odd is found and followed, and it goes on by itself through a restart."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import Running, new_context, violations, watched
from tests.e2e.service import Service
from tests.surfaces.conftest import Served
from tests.surfaces.test_board import douyin

from tongdan.surfaces.http.keys import Scope

pytestmark = pytest.mark.server

START_MS: Final = 30_000


async def plant(served: Served) -> None:
    """A platform says of one order what cannot be."""
    await served.place("A1")
    await douyin(served, "69001", "1")
    await douyin(served, "69002", "5")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path, plant, Scope.READ)
    service.start()
    yield service
    service.kill()


@pytest.fixture
def watching(service: Service, browser: Browser) -> Iterator[Page]:
    """The board of `service`, from its first page on; only while it is down may a request fail."""
    context = new_context(browser, service.url)
    with watched(context, service.url, forgiven="net::ERR") as page:
        service.enter(page)
        yield page
    context.close()


def test_the_first_page_is_the_board_with_every_channel(inside: Page, running: Running) -> None:
    expect(inside).to_have_url(re.compile("/board$"))
    expect(inside.get_by_role("heading", name="状态总览")).to_be_visible()
    rows = inside.get_by_role("rowheader")
    expect(rows).to_have_text(
        ["抖音小店", "京东", "快手小店", "自营小程序", "拼多多", "淘宝/天猫", "全部渠道"]
    )
    expect(inside.locator(".heat-cell")).to_have_count(7 * 9)
    expect(inside.get_by_text(re.compile(r"数据截至 \d{4}-\d\d-\d\d"))).to_be_visible()
    assert violations(inside) == []


def test_what_is_chosen_stands_in_the_address(inside: Page) -> None:
    inside.get_by_role("combobox", name="下单时间").select_option("1 天内")
    expect(inside).to_have_url(re.compile(r"\?age=1d$"))
    inside.get_by_role("combobox", name="店铺").select_option("同单快手旗舰店")
    inside.reload()
    expect(inside.get_by_role("combobox", name="下单时间")).to_have_value("1d")
    shop = inside.get_by_role("combobox", name="店铺")
    expect(shop.locator("option:checked")).to_have_text("同单快手旗舰店")
    inside.get_by_role("button", name=re.compile("^全部渠道 · 已完成")).click()
    shown = inside.get_by_role("dialog").get_by_role("row").get_by_role("link")
    expect(shown.first).to_have_text(re.compile("^KS"))
    assert violations(inside) == []
    inside.keyboard.press("Escape")
    expect(inside.get_by_role("dialog")).to_have_count(0)
    expect(inside.get_by_role("button", name=re.compile("^全部渠道 · 已完成"))).to_be_focused()


def test_a_planted_mismatch_is_found_and_the_board_lives_through_a_restart(
    watching: Page, service: Service
) -> None:
    page = watching
    expect(page.get_by_role("button", name="抖音小店 · 待付款：2 单，其中 1 单系统不一致")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text(re.compile("实时"))
    page.evaluate("window.sameDocument = true")

    service.place("B1")
    expect(page.get_by_role("button", name="自营小程序 · 待付款：2 单")).to_be_visible(timeout=START_MS)

    service.kill()
    expect(page.get_by_role("status")).to_have_text(re.compile("连不上服务"))
    expect(page.get_by_role("button", name="自营小程序 · 待付款：2 单")).to_be_visible()
    service.start()
    expect(page.get_by_role("status")).to_have_text(re.compile("实时"), timeout=START_MS)
    service.place("B2")
    expect(page.get_by_role("button", name="自营小程序 · 待付款：3 单")).to_be_visible(timeout=START_MS)
    assert page.evaluate("window.sameDocument") is True

    page.get_by_role("button", name=re.compile("^抖音小店 · 待付款")).click()
    page.get_by_role("dialog").get_by_text("≠ 系统不一致 1").click()
    inbox = page.get_by_role("dialog").get_by_role("link", name="查看这些订单的工单")
    expect(inbox).to_have_attribute("href", "/tickets?view=open&column=created&channel=DY&shop=")
    links = page.get_by_role("dialog").get_by_role("row").get_by_role("link")
    expect(links).to_have_count(1)
    id = links.inner_text()
    links.click()
    expect(page.get_by_role("heading", name=id, level=1)).to_be_visible()


def test_the_board_is_worked_by_keys_alone(inside: Page) -> None:
    inside.reload()
    inside.locator(".heat-cell").first.wait_for()
    inside.keyboard.press("Tab")
    expect(inside.get_by_role("link", name="跳到正文")).to_be_focused()
    inside.keyboard.press("Enter")
    for field in ("店铺", "仓库", "下单时间"):
        inside.keyboard.press("Tab")
        expect(inside.get_by_role("combobox", name=field)).to_be_focused()
    inside.keyboard.press("Tab")
    cell = inside.get_by_role("button", name=re.compile("^抖音小店 · 待付款"))
    expect(cell).to_be_focused()
    inside.keyboard.press("Enter")
    expect(inside.get_by_role("dialog", name="抖音小店 · 待付款")).to_be_visible()
    inside.keyboard.press("Escape")
    expect(inside.get_by_role("dialog")).to_have_count(0)
    expect(cell).to_be_focused()


def test_the_board_is_asked_for_once_when_its_page_opens(inside: Page) -> None:
    inside.goto("/nowhere")
    asked = list[str]()
    inside.on("request", lambda request: asked.append(request.url.partition("?")[0].rpartition("/api/")[2]))
    inside.goto("/board")
    inside.locator(".heat-cell").first.wait_for()
    assert asked.count("v1/board") == 1
