"""A real service with a day of the simulated world behind it, and a real browser in front.

A request to another host, a line of warning or error in the browser's console, or a fault in a page's script fails the
test. The browser lives in New York, so that no page can borrow its zone.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tongdan.adapters.clock import SystemClock
from tongdan.profile import MEMBERS
from tongdan.surfaces.http.members import Members, Role

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "a long enough password"
_LINK = re.compile(r"(http://\S+)/enter\?key=(\S+)&to=/orders/(\S+)")


class Running(NamedTuple):
    """`sample` is an order that met a fault."""

    url: str
    key: str
    sample: str
    data: Path


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("demo")
    command = [str(Path(sys.executable).parent / "tongdan"), "demo", "--data", str(data), "--orders", "60"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if found := _LINK.search(line):
                break
        else:
            raise AssertionError("the demo ended:\n" + "".join(told))
        members = Members(data / MEMBERS)
        for role in Role:
            members.add(role, role, PASSWORD, SystemClock().now())
        yield Running(found[1], found[2], found[3], data)
        process.terminate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES.split())
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, running: Running) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=running.url,
        viewport={"width": 1440, "height": 900},
        timezone_id="America/New_York",
        reduced_motion="reduce",
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, running: Running) -> Iterator[Page]:
    page, faults = context.new_page(), list[str]()

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"{message.type}: {message.text}")

    def asked(request: Request) -> None:
        if urlsplit(request.url).netloc not in ("", urlsplit(running.url).netloc):
            faults.append(f"a request to {request.url}")

    page.on("console", heard)
    page.on("request", asked)
    page.on("pageerror", lambda error: faults.append(f"fault: {error}"))
    yield page
    assert faults == []


@pytest.fixture
def inside(page: Page, running: Running) -> Page:
    """Signed in as an administrator, on the first page."""
    sign_in(page, Role.ADMIN)
    return page


def sign_in(page: Page, role: Role) -> None:
    page.goto("/")
    page.get_by_label("成员名").fill(role)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.get_by_role("navigation").wait_for()


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2 A and AA, as `rule: selector`."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    )
    return [f"{rule['id']}: {node['target']}" for rule in found["violations"] for node in rule["nodes"]]
