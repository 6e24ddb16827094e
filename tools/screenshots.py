"""`python -m tools.screenshots`: the pictures in docs/images, of every page of the console, made anew from the demo.

Every page of the menu is in, also one that comes later; what is reached from other pages only is said here. All in
Chinese; those in ENGLISH in English too.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, ViewportSize, expect
from tools.browser import ROOT, Running, chromium, demo

from tongdan.adapters.clock import SystemClock
from tongdan.profile import MEMBERS
from tongdan.surfaces.http.members import Members, Role

IMAGES: Final = ROOT / "docs" / "images"
ENGLISH: Final = ("board", "order")
_PASSWORD: Final = "a long enough password"
_SIZE: Final[ViewportSize] = {"width": 1440, "height": 900}
_STAFF: Final = {
    "chen.jing": Role.ADMIN,
    "li.na": Role.SERVICE,
    "wang.lei": Role.WAREHOUSE,
    "zhao.min": Role.FINANCE,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.screenshots", description=__doc__)
    parser.add_argument("--orders", type=int, default=300, help="of the demo behind the pages (default 300)")
    orders = parser.parse_args().orders
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, demo(Path(place), orders) as running, chromium() as browser:
        members = Members(running.data / MEMBERS)
        for name, role in _STAFF.items():
            members.add(name, role, _PASSWORD, SystemClock().now())
        for language in ("zh-CN", "en"):
            _pictures(browser, running, language)
    return 0


def _pictures(browser: Browser, running: Running, language: str) -> None:
    context = browser.new_context(
        base_url=running.url,
        viewport=_SIZE,
        reduced_motion="reduce",
        timezone_id="Asia/Shanghai",
        locale=language,
    )
    context.add_init_script(f"localStorage.setItem('tongdan.language', '{language}')")
    page = context.new_page()
    page.goto("/")
    _take(page, "sign-in", language)
    page.locator("#name").fill("chen.jing")
    page.locator("#password").fill(_PASSWORD)
    page.keyboard.press("Enter")
    menu = page.get_by_role("navigation").get_by_role("link")
    menu.first.wait_for()
    for address in [link.get_attribute("href") or "" for link in menu.all()]:
        page.goto(address)
        _take(page, address.strip("/").replace("/", "-"), language)
    for name, address, prepare in FROM_OTHERS:
        page.goto(address.format(sample=running.sample))
        prepare(page)
        _take(page, name, language)
    context.close()


def _take(page: Page, name: str, language: str) -> None:
    if language == "en" and name not in ENGLISH:
        return
    expect(page.locator(".told[role=status]:visible")).to_have_count(0)
    page.wait_for_timeout(1_000)  # what fades in has
    path = IMAGES / (f"{name}.en.png" if language == "en" else f"{name}.png")
    page.screenshot(path=path)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1_000} kB")


def _stay(page: Page) -> None:
    return


def _preview_bulk(page: Page) -> None:
    boxes = page.locator("tbody input[type=checkbox]")
    boxes.first.wait_for()
    for box in boxes.all()[:5]:
        box.check()
    page.locator(".found button").first.click()
    page.locator(".bulk button").first.click()
    page.locator(".bulk table").wait_for()


def _open_fact(page: Page) -> None:
    fact = page.locator(".fact").first
    fact.locator("summary").click()
    fact.scroll_into_view_if_needed()


def _open_action(page: Page) -> None:
    page.locator(".actions li button").first.click()


# Name of the picture, address of the page, and what is done there before it is taken.
FROM_OTHERS: Final[tuple[tuple[str, str, Callable[[Page], None]], ...]] = (
    ("board-cell", "/board?channel=all&column=completed", _stay),
    ("orders-bulk", "/orders", _preview_bulk),
    ("order", "/orders/{sample}", _stay),
    ("order-fact", "/orders/{sample}", _open_fact),
    ("order-action", "/orders/{sample}", _open_action),
    ("not-found", "/nowhere", _stay),
)


if __name__ == "__main__":
    raise SystemExit(main())
