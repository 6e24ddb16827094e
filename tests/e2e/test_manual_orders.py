"""A person enters an order, and a file of them: what is wrong stands beside its field or by row and column, and what is
good is placed once.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import sign_in, violations

from tongdan.surfaces.http.members import Role

pytestmark = pytest.mark.server

RECEIVER = {"姓名": "李四", "电话": "13900001111", "省": "浙江省", "市": "杭州市", "详细地址": "文三路 1 号"}
HEADING = "订单号,下单时间,商品编码,数量,金额,收件人,手机,省,市,详细地址,付款方式,付款凭证号,录单原因"


def fill(page: Page, **texts: str) -> None:
    for label, text in texts.items():
        page.get_by_label(label, exact=True).fill(text)


def some_sku(page: Page) -> str:
    """The code of something that is in stock; it is chosen in the form."""
    asked = page.request.get("/api/v1/orders/manual/skus", headers={"X-Tongdan-Console": "1"})
    sku: str = asked.json()[0]["sku"]
    page.get_by_label("商品编码").fill(sku)
    page.get_by_title(re.compile(rf"^{sku} .*可售 \d+")).last.click()
    expect(page.get_by_text(re.compile("WH-EAST"))).to_be_visible()
    return sku


def test_an_order_is_refused_by_field_then_placed_once(inside: Page) -> None:
    inside.get_by_role("link", name="手工录单").click()
    some_sku(inside)
    fill(inside, **{"金额（元，整行）": "12.5", "订单金额（元）": "12", "录单原因": "给 13800000000"})
    inside.get_by_role("button", name="检查").click()
    for text in (
        "有 8 处需要修改",
        "应为收件人姓名",
        "应为街道门牌",
        "优惠 不符",
        "请填写收据号",
        "请去掉个人信息",
    ):
        expect(inside.get_by_text(text)).to_be_visible()
    expect(inside.get_by_role("button", name="录入订单")).to_be_disabled()
    inside.wait_for_timeout(500)  # what is told fades in
    assert violations(inside) == []
    fill(inside, **RECEIVER, **{"订单金额（元）": "12.50", "付款凭证号": "T-1", "录单原因": "电话下单"})
    inside.get_by_role("button", name="检查").click()
    expect(inside.get_by_text("检查通过，可以录入。")).to_be_visible()
    inside.get_by_role("button", name="录入订单").dblclick()
    order = inside.get_by_role("link", name=re.compile(r"^MP\d{14,}"))
    expect(order).to_have_count(1)
    order.click()
    expect(inside.get_by_text("手工录入：电话下单")).to_be_visible()
    expect(inside.get_by_text("已付款 12.50 元")).to_be_visible()


def test_a_file_with_two_bad_rows_is_told_row_by_row_and_its_good_rows_are_written_once(
    inside: Page, tmp_path: Path
) -> None:
    inside.goto("/orders/new")
    sku = some_sku(inside)
    rows = [
        f"F-{n},2026-01-27 10:00:00,{sku},1,50,李四,1390000222{n},浙江省,杭州市,文三路 1 号,现金,R-1,展会"
        for n in range(4)
    ]
    rows[1] = rows[1].replace(sku, "NO-SUCH")
    rows[3] = rows[3].replace("现金", "微信")
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([HEADING, *rows, ""]))
    inside.get_by_role("link", name="文件导入").click()
    inside.get_by_label("文件种类").click()
    inside.get_by_title(re.compile("^手工订单")).click()
    with inside.expect_download() as got:
        inside.get_by_role("button", name="下载模板（CSV）").click()
    assert "付款凭证号" in got.value.path().read_text("utf-8-sig")
    inside.get_by_label("选择文件").set_input_files(file)
    inside.get_by_role("button", name="检查").click()
    expect(inside.get_by_text("共 4 行，可导入 2 条，错误 2 处。")).to_be_visible()
    expect(inside.get_by_role("row", name=re.compile("^3 商品编码 'NO-SUCH'"))).to_be_visible()
    expect(inside.get_by_role("row", name=re.compile("^5 付款方式"))).to_be_visible()
    expect(inside.get_by_role("button", name="导入（2 条）")).to_be_disabled()
    for counted in ("已写入 2，此前已有 0", "已写入 0，此前已有 2"):
        inside.get_by_role("button", name="检查").click()
        inside.get_by_label("忽略错误行").check()
        inside.get_by_role("button", name="导入（2 条）").click()
        expect(inside.get_by_text(counted)).to_be_visible()
    inside.wait_for_timeout(500)
    assert violations(inside) == []


def test_both_pages_are_for_those_who_may(page: Page) -> None:
    sign_in(page, Role.WAREHOUSE)
    expect(page.get_by_role("link", name="订单查询")).to_be_visible()
    for name in ("手工录单", "文件导入"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    page.goto("/orders/new")
    expect(page.get_by_text("您没有手工录单的权限")).to_be_visible()


def test_both_pages_speak_english(page: Page) -> None:
    sign_in(page, Role.OPERATIONS)
    page.get_by_role("button", name="English").click()
    for path, title in (("/orders/new", "Enter an order"), ("/imports", "Import files")):
        page.goto(path)
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        expect(page.get_by_role("button", name="Check", exact=True)).to_be_visible()
        assert violations(page) == []
