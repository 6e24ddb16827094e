"""The inbox in a real browser, before a real heartbeat and a finance that has heard wrong: found, decided, proven."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.e2e.conftest import PASSWORD, new_context, sign_in, violations, watched
from tests.e2e.service import Service
from tests.surfaces.conftest import API, Served
from tools.browser import ROOT

from tongdan.adapters.clock import SystemClock
from tongdan.profile import MEMBERS
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.members import Members, Role

pytestmark = pytest.mark.server

EVERY_S = 10
PROOF_MS = 60_000


class Finance(BaseHTTPRequestHandler):
    """Takes every order for signed until it is told of it."""

    heard: set[str]

    def do_GET(self) -> None:
        order = self.path.split("/")[-2]
        self._answer({"order_id": order, "status": "cancelled" if order in self.heard else "signed"})

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.heard.add(said["order_id"])
        self._answer({"ok": True})

    def _answer(self, said: dict[str, object]) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def finance() -> Iterator[str]:
    Finance.heard = set()
    with ThreadingHTTPServer(("127.0.0.1", 0), Finance) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def conf_at(place: Path, url: str) -> Path:
    """Finance is reached at `url`, asked often, given no time to catch up, and has the word on what is cancelled: so
    what it has heard wrong waits for a person."""
    conf = place / "conf"
    shutil.copytree(ROOT / "conf", conf)
    partners, pulse = conf / "partners.yml", conf / "pulse.yml"
    partners.write_text(partners.read_text().replace("https://finance.example.com", url))
    terms = f"finance: {{calls_per_minute: 600, every_s: {EVERY_S}, grace_else_s: 0, owner: finance}}"
    said = re.sub(r"(?m)finance: \{calls.*$", terms, pulse.read_text())
    pulse.write_text(said.replace("status.cancelled: channel", "status.cancelled: finance"))
    return conf


@pytest.fixture
def cancelled(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Where a centre listens, and two orders in it that were cancelled."""
    orders: list[str] = []

    async def plant(served: Served) -> None:
        for native in ("A1", "A2"):
            orders.append(await served.place(native))
            async with served.client(Scope.WRITE) as client:
                answer = await client.post(f"{API}/orders/{orders[-1]}/cancel", json={"reason": "test"})
                assert answer.status_code == 200
            await served.centre.quiet()
        for role in (Role.FINANCE, Role.WAREHOUSE):
            Members(served.centre.data / MEMBERS).add(role, role, PASSWORD, SystemClock().now())

    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with finance() as url:
        service = Service(data, plant, Scope.READ, conf=conf_at(tmp_path, url))
        service.start()
        yield service.url, orders
        service.kill()


@pytest.fixture
def page(browser: Browser, cancelled: tuple[str, list[str]]) -> Iterator[Page]:
    context = new_context(browser, cancelled[0])
    with watched(context, cancelled[0]) as page:
        yield page
    context.close()


def number(page: Page, name: str) -> Locator:
    strip = page.get_by_role("region", name="差异修复")
    return strip.locator("div", has=page.locator("dt", has_text=re.compile(f"^{name}$"))).last.locator("dd")


def test_a_difference_is_found_decided_by_its_role_and_closed_on_proof(
    page: Page, cancelled: tuple[str, list[str]]
) -> None:
    mended, left = cancelled[1]
    sign_in_when_up(page, Role.WAREHOUSE)
    page.goto("/tickets?view=open")
    ticket = page.get_by_role("article", name=re.compile(mended))
    tell = ticket.get_by_role("button", name="重新告知对方：finance")
    expect(tell).to_be_disabled(timeout=PROOF_MS)
    expect(ticket).to_contain_text("此工单由财务处理")
    page.get_by_role("button", name="退出登录").click()
    page.get_by_label("成员名").wait_for()

    sign_in(page, Role.FINANCE)
    page.get_by_role("link", name="工单收件箱").click()
    expect(page.get_by_role("radio", name="我的角色")).to_be_checked()
    row = ticket.get_by_role("row", name=re.compile("^finance"))
    expect(row.get_by_role("cell").nth(0)).to_have_text("已取消")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("已签收 ✓ 以此为准")
    expect(number(page, "未关闭")).to_have_text("2", timeout=PROOF_MS)
    expect(page.get_by_text("共 2 张")).to_be_visible()
    assert violations(page) == []

    tell.click()
    expect(ticket).to_contain_text("已选择，待心跳验证")
    expect(ticket).to_have_count(0, timeout=PROOF_MS)  # nobody has loaded the page anew
    expect(number(page, "人工修复")).to_have_text("1", timeout=PROOF_MS)

    other = page.get_by_role("article", name=re.compile(left))
    other.get_by_role("button", name="保持现状：finance").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="保持现状")).to_be_disabled()
    dialog.get_by_label("原因").fill("财务已线下核对")
    page.wait_for_timeout(500)  # it fades in
    assert violations(page) == []
    dialog.get_by_role("button", name="保持现状").click()
    expect(page.get_by_text("没有待处理的工单。")).to_be_visible()

    page.get_by_text("已关闭", exact=True).click()
    expect(ticket).to_contain_text("人工修复 · 依据：finance 20")
    expect(other).to_contain_text("财务已线下核对")
    with page.expect_download() as got:
        page.get_by_role("button", name="导出").click()
        page.get_by_role("menuitem", name="CSV").click()
    text = got.value.path().read_text()
    assert mended in text and left in text
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Tickets", exact=True)).to_be_visible()
    expect(other).to_contain_text("mended by a person")


def sign_in_when_up(page: Page, role: Role) -> None:
    for _ in range(120):
        try:
            page.goto("/")
            break
        except Exception as error:
            assert "ERR_CONNECTION_REFUSED" in str(error)
            page.wait_for_timeout(500)
    sign_in(page, role)
