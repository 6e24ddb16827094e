"""A real service with a day of the simulated world behind it, and a real browser in front.

A request to another host, a line of warning or error in the browser's console, or a fault in a page's script fails the
test. The browser lives in New York, so that no page can borrow its zone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from tools.browser import ROOT, Running, chromium, demo

from tongdan.adapters.clock import SystemClock
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.model import Order
from tongdan.ports import OrderQuery
from tongdan.profile import MEMBERS, reading
from tongdan.surfaces.http.members import Members, Role

__all__ = ["Running"]

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SETTLED = """() => Promise.race([
    new Promise((over) => setTimeout(over, 2000)),
    Promise.allSettled(document.getAnimations()
        .filter((each) => each.effect?.getComputedTiming().endTime < Infinity)
        .map((each) => each.finished)),
])"""
PASSWORD = "a long enough password"


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with demo(tmp_path_factory.mktemp("demo"), orders=60) as found:
        members = Members(found.data / MEMBERS)
        for role in Role:
            members.add(role, role, PASSWORD, SystemClock().now())
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, running: Running) -> Iterator[BrowserContext]:
    context = new_context(browser, running.url)
    yield context
    context.close()


def new_context(browser: Browser, url: str) -> BrowserContext:
    return browser.new_context(
        base_url=url,
        viewport={"width": 1440, "height": 900},
        timezone_id="America/New_York",
        reduced_motion="reduce",
    )


@pytest.fixture
def page(context: BrowserContext, running: Running) -> Iterator[Page]:
    with watched(context, running.url) as page:
        yield page


@contextmanager
def watched(context: BrowserContext, url: str, forgiven: str | None = None) -> Iterator[Page]:
    """A page whose faults fail the test, but those with `forgiven` in them; at home is what `url` is of."""
    page, faults = context.new_page(), list[str]()

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"{message.type}: {message.text}")

    def asked(request: Request) -> None:
        if urlsplit(request.url).netloc not in ("", urlsplit(url).netloc):
            faults.append(f"a request to {request.url}")

    page.on("console", heard)
    page.on("request", asked)
    page.on("pageerror", lambda error: faults.append(f"fault: {error}"))
    yield page
    assert [each for each in faults if forgiven is None or forgiven not in each] == []


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


def paid_order(running: Running) -> str:
    """One of the own shop that is signed for, and of which nothing was asked back."""
    reads = reading(running.data)
    for status in (Status.COMPLETED, Status.SETTLED, Status.SIGNED, Status.SHIPPED):
        for row in reads.orders(OrderQuery(shops=("mp-main",), statuses=(status,)), limit=50):
            order = reads.order(row.id)
            if isinstance(order, Order) and any(each.prepay for each in order.attempts) and not order.refunds:
                return row.id
    raise AssertionError("the day has no such order")


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2 A and AA, as `rule: selector`, once what fades in is there."""
    page.evaluate(SETTLED)
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    )
    return [f"{rule['id']}: {node['target']}" for rule in found["violations"] for node in rule["nodes"]]
