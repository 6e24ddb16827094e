"""Finding orders among a hundred thousand, and acting on some of them.

The many are written into the index of a service beside a few real ones, as bench/search.py writes them; only the real
ones can be opened and acted on.
"""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from bench.search import load
from bench.search_orders import doc
from playwright.sync_api import Browser, Locator, Page, expect
from tests.e2e.conftest import new_context, violations, watched
from tests.e2e.service import Service
from tests.surfaces.conftest import Served

from tongdan.surfaces.http.keys import Scope

pytestmark = pytest.mark.server

MANY: Final = 100_000
REAL: Final = "TEA-250G"  # the SKU of the real orders, which no generated one has


async def plant(served: Served) -> None:
    for native in ("A1", "A2", "A3"):
        await served.place(native)
    served.centre.views.flush()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("many")
    service = Service(data, plant, *Scope)
    load(data, MANY)
    service.start()
    yield service
    service.kill()


@pytest.fixture
def page(service: Service, browser: Browser) -> Iterator[Page]:
    context = new_context(browser, service.url)
    with watched(context, service.url) as page:
        service.enter(page, "/orders")
        yield page
    context.close()


def ids(page: Page) -> Locator:
    return page.get_by_role("link", name=re.compile(r"^[A-Z]{2}\d{14,}$"))


def look_for(page: Page, text: str) -> None:
    page.get_by_role("searchbox", name="查询订单").fill(text)
    page.get_by_role("button", name="查询", exact=True).click()


def test_one_of_a_hundred_thousand_is_found_by_what_is_known_of_it(page: Page) -> None:
    expect(page.get_by_text("共 10,000+ 单")).to_be_visible()
    page.get_by_role("button", name="再显示 50 条").click()
    expect(ids(page)).to_have_count(100)
    assert len(set(ids(page).all_inner_texts())) == 100
    for wanted in (doc(4_711, MANY), doc(99_000, MANY)):
        for text in (wanted.id, wanted.native, *wanted.names):
            look_for(page, text)
            expect(page.get_by_text("共 1 单")).to_be_visible()
            expect(ids(page)).to_have_text([wanted.id])
    assert violations(page) == []


def test_a_filter_is_saved_used_and_forgotten(page: Page) -> None:
    page.goto(f"/orders?channel=MP&sku={REAL}")
    expect(page.get_by_text("共 3 单")).to_be_visible()
    page.get_by_role("button", name="已存筛选").click()
    page.get_by_label("筛选名称").fill("自营春茶")
    page.get_by_role("button", name="保存").click()
    page.goto("/orders")
    page.get_by_role("button", name="已存筛选").click()
    page.get_by_role("button", name="自营春茶", exact=True).click()
    expect(page).to_have_url(re.compile(rf"\?sku={REAL}&channel=MP$"))
    expect(ids(page)).to_have_count(3)
    page.get_by_role("button", name="已存筛选").click()
    page.get_by_role("button", name="删除 自营春茶").click()
    page.reload()
    page.get_by_role("button", name="已存筛选").click()
    expect(page.get_by_label("筛选名称")).to_be_visible()
    expect(page.get_by_role("button", name="自营春茶", exact=True)).to_have_count(0)


def test_chosen_orders_are_held_and_let_go_together_after_a_look(page: Page) -> None:
    page.goto(f"/orders?sku={REAL}")
    page.get_by_role("checkbox", name="选择本页全部").check()
    page.get_by_role("button", name="批量处理（3）").click()
    acting = page.get_by_role("region", name="批量处理 3 张订单")
    expect(acting.get_by_role("button", name="执行")).to_be_disabled()
    acting.get_by_label("原因").fill("盘点")
    acting.get_by_role("button", name="预览").click()
    expect(acting.get_by_role("row", name=re.compile("✓"))).to_have_count(3)
    expect(page.get_by_text("⏸ 挂起")).to_have_count(0)
    assert violations(page) == []
    acting.get_by_role("button", name="执行").click()
    expect(acting.get_by_role("columnheader", name="结果")).to_be_visible()
    acting.get_by_role("button", name="关闭").click()
    expect(page.get_by_role("row", name=re.compile("⏸ 挂起"))).to_have_count(3)


def test_an_order_that_is_not_paid_is_held_changed_and_cancelled_on_its_page(
    page: Page, service: Service
) -> None:
    service.place("B1")
    look_for(page, "B1")
    expect(ids(page)).to_have_count(1)
    ids(page).click()
    actions = page.get_by_role("region", name="操作")
    facts = page.locator("#content .facts")

    def act(name: str, **filled: str) -> None:
        actions.get_by_role("button", name=name, exact=True).click()
        form = page.get_by_role("dialog", name=name)
        expect(form).to_be_visible()
        for label, text in filled.items():
            form.get_by_label(label).fill(text)
        form.get_by_role("button", name=name, exact=True).click()
        expect(form).to_have_count(0)

    hold = actions.get_by_role("button", name="挂起", exact=True)
    act("挂起", 说明="等买家回电")
    expect(facts).to_contain_text("等买家回电")
    act("解除挂起", 说明="买家已回电")
    expect(facts).to_contain_text("买家已回电")
    expect(hold).to_be_visible()
    act(
        "改地址",
        收件人="李四",
        电话="13900000000",
        省="浙江省",
        市="杭州市",
        区县="西湖区",
        详细地址="文二路 2 号",
    )
    act("改金额", 金额="50", 原因="老客户")
    expect(page.get_by_text("¥50.00").first).to_be_visible()
    act("取消订单", 原因="买家不要了")
    expect(page.locator(".order-head")).to_contain_text("已取消")
    expect(actions.get_by_role("button", name="取消订单")).to_have_count(0)
