"""The health board as operations uses it: what was found, what mends it, which key each task calls with."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import new_context, sign_in, violations, watched
from tests.e2e.service import Service
from tests.surfaces.conftest import Served
from tests.surfaces.test_outages import cancelled, until

from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.members import Role

pytestmark = pytest.mark.server


def test_somebody_scans_and_sees_what_is_wrong_and_how_to_mend_it(inside: Page) -> None:
    inside.goto("/health")
    expect(inside.get_by_text("尚未巡检。").first).to_be_visible()
    inside.get_by_role("button", name="立即巡检").click()
    expect(inside.get_by_text(re.compile("^数据截至 20"))).to_be_visible(timeout=60_000)
    plain = inside.get_by_role("row", name=re.compile("凭据为明文"))
    expect(plain).to_contain_text("▲ 警告")
    expect(plain).to_contain_text("tongdan credential import")
    expect(inside.get_by_role("region", name="巡检发现").get_by_text("? 未知").first).to_be_visible()
    tasks = inside.get_by_role("region", name="密钥")
    expect(tasks.get_by_role("row").filter(has_text="sf/main")).to_contain_text("没有密钥记录")
    scans = inside.get_by_role("region", name="历次巡检")
    expect(scans.get_by_role("row", name=re.compile("admin"))).to_have_count(1)
    inside.wait_for_timeout(500)  # buttons fade
    assert violations(inside) == []
    inside.get_by_role("button", name="English").click()
    expect(inside.get_by_role("heading", name="Configuration health")).to_be_visible()
    expect(inside.get_by_role("row", name=re.compile("Credentials lie open"))).to_be_visible()


def test_whoever_may_not_operate_sees_the_board_and_cannot_scan(page: Page) -> None:
    sign_in(page, Role.SERVICE)
    page.goto("/health")
    expect(page.get_by_role("heading", name="配置健康")).to_be_visible()
    expect(page.get_by_role("button", name="立即巡检")).to_be_disabled()


async def finance_out(served: Served) -> None:
    """Finance does not take the key, and eight orders wait to be told of."""
    served.finance_status = 401
    for n in range(8):
        await cancelled(served, f"N{n}")
    await until(served, "OutageBegan")


@pytest.fixture
def watching(tmp_path: Path, browser: Browser) -> Iterator[Page]:
    service = Service(tmp_path, finance_out, *Scope)
    service.start()
    context = new_context(browser, service.url)
    with watched(context, service.url) as page:
        service.enter(page, "/health")
        yield page
    context.close()
    service.kill()


def test_an_outage_is_seen_with_what_waits_and_its_report_can_be_saved(watching: Page) -> None:
    outages = watching.get_by_role("region", name="合作方中断")
    row = outages.get_by_role("row").filter(has_text="finance")
    expect(row).to_contain_text("密钥被拒")
    expect(row).to_contain_text("中断中")
    expect(row).to_contain_text("0 / 8")
    with watching.expect_download() as saving:
        row.get_by_role("button", name="CSV").click()
    assert saving.value.suggested_filename == "outage-1.csv"
    assert len(Path(saving.value.path()).read_text().splitlines()) == 9
    watching.wait_for_timeout(500)  # buttons fade
    assert violations(watching) == []
    watching.get_by_role("button", name="English").click()
    expect(watching.get_by_role("region", name="Outages of partners")).to_contain_text("key refused")
