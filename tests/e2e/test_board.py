"""The status board in a real browser: what is odd is found and followed, and it goes on by itself through a restart."""

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import Running, violations
from tests.surfaces.conftest import OWN_SECRET, serving
from tests.surfaces.test_board import douyin
from tools.browser import ROOT

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.partners.authentic import signed_headers
from tongdan.profile import API_KEYS
from tongdan.surfaces.http.keys import ApiKeys, Scope
from tongdan.surfaces.http.push_reference import EXAMPLE_BODY

pytestmark = pytest.mark.server

START_MS: Final = 30_000


class Service:
    """A centre of its own, in which a platform says of one order what cannot be."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.push_port, self.api_port = _free_port(), _free_port()
        with ThreadPoolExecutor(1) as aside:  # the browser's loop runs in this thread
            aside.submit(asyncio.run, self._plant()).result()
        scopes = [Scope.READ]
        self.key = ApiKeys(data / API_KEYS).issue("board", scopes, SystemEntropy(), SystemClock().now())
        self.start()

    async def _plant(self) -> None:
        async with serving(self._data, ROOT / "conf", {}, {}) as served:
            await served.place("A1")
            await douyin(served, "69001", "1")
            await douyin(served, "69002", "5")

    def start(self) -> None:
        command = [str(Path(sys.executable).parent / "tongdan"), "serve", "--data", str(self._data)]
        ports = ["--push-port", str(self.push_port), "--api-port", str(self.api_port), "--processes", "1"]
        self._process = subprocess.Popen([*command, *ports], cwd=ROOT, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def place(self, native: str) -> None:
        body = EXAMPLE_BODY.replace("A2026012700001", native).encode()
        headers = signed_headers(OWN_SECRET.encode(), SystemClock().now(), native, body)
        url = f"http://127.0.0.1:{self.push_port}/own/mp-main/orders"
        line = httpx.HTTPTransport(retries=5)
        with httpx.Client(transport=line) as client:
            assert client.post(url, content=body, headers=headers).status_code in (201, 202)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.kill()


@pytest.fixture
def watching(service: Service, browser: Browser) -> Iterator[Page]:
    """The board of `service`, from its first page on; only while it is down may a request fail."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.api_port}", reduced_motion="reduce")
    page, faults = context.new_page(), list[str]()
    page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    for _ in range(60):
        try:
            page.goto(f"/enter?key={service.key}&to=/")
            break
        except Exception as error:
            assert "ERR_CONNECTION_REFUSED" in str(error)
            page.wait_for_timeout(500)
    yield page
    context.close()
    assert [fault for fault in faults if "net::ERR" not in fault] == []


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
    shown = inside.get_by_role("dialog").get_by_role("link")
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
    links = page.get_by_role("dialog").get_by_role("link")
    expect(links).to_have_count(1)
    id = links.inner_text()
    links.click()
    expect(page.get_by_role("heading", name=id, level=1)).to_be_visible()
