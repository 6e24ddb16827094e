"""`python -m bench.board`: how soon the status board is painted, beside a page that has it ready.

The reference is the board as it stood, saved as HTML without scripts and made as long as all that the board fetches,
served as a file. Both are opened in turn, each time by a browser that has nothing of them kept. Needs Chromium and a
built console; prints medians and writes build/bench/board.json.
"""

import argparse
import json
import re
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from bench.processes import ROOT, Process, machine, python
from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.profile import API_KEYS
from tongdan.surfaces.http.keys import ApiKeys, Scope

AIM: Final = 1.5  # of the reference's first paint
CHROMIUM: Final = "/usr/bin/chromium"
SWITCHES: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_SCRIPT: Final = re.compile(r"<script\b.*?</script>|<link rel=\"modulepreload\"[^>]*>", re.DOTALL)
# When the first cell is in the page, in the page's own time.
_WATCH: Final = """
new MutationObserver((_, watch) => {
  if (document.querySelector('.heat-cell')) { window.cellsMs = performance.now(); watch.disconnect(); }
}).observe(document, {childList: true, subtree: true})
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.board", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="openings of each page (default 11)")
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        found = _measure(Path(place), browser, rounds)
        browser.close()
    out = ROOT / "build" / "bench" / "board.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    _print(found)
    return 0


def _measure(place: Path, browser: Browser, rounds: int) -> dict[str, Any]:
    took: dict[str, list[dict[str, float]]] = {"board": [], "static": []}
    with _service(place) as (url, key), _static(place) as (pages, static_url):
        opened = f"{url}/board"
        with _page(browser) as page:
            page.goto(f"{url}/enter?key={key}&to=/board")
            signed_in = page.context.storage_state()
        size, html = _saved(browser, opened, signed_in)
        (pages / "index.html").write_text(html + f"<!--{'-' * max(0, size - len(html.encode()))}")
        for _ in range(rounds):
            for name, address in (("board", opened), ("static", static_url)):
                took[name].append(_paint(browser, address, signed_in))
    medians = {
        name: {what: statistics.median([each[what] for each in all]) for what in all[0]}
        for name, all in took.items()
    }
    ratios = [a["paint_ms"] / b["paint_ms"] for a, b in zip(took["board"], took["static"], strict=True)]
    return {"bytes": size, "rounds": rounds, **medians, "ratio": statistics.median(ratios),
            "took": took, "machine": machine()}  # fmt: skip


@contextmanager
def _service(place: Path) -> Iterator[tuple[str, str]]:
    data = place / "data"
    tongdan = str(Path(sys.executable).parent / "tongdan")
    ports = ["--push-port", "0", "--api-port", "0", "--processes", "1"]
    process = Process([tongdan, "serve", "--data", str(data), *ports], place / "errors.txt")
    try:
        url = process.line("API").removesuffix("/docs")
        yield url, ApiKeys(data / API_KEYS).issue("bench", [Scope.READ], SystemEntropy(), SystemClock().now())
    finally:
        process.stop()


@contextmanager
def _static(place: Path) -> Iterator[tuple[Path, str]]:
    pages = place / "pages"
    pages.mkdir()
    command = python("http.server", 0, "--bind", "127.0.0.1", "--directory", pages)
    process = Process(command, place / "static.txt")
    try:
        port = re.findall(r"port (\d+)", process.line("Serving HTTP on"))[0]
        yield pages, f"http://127.0.0.1:{port}/"
    finally:
        process.stop()


def _saved(browser: Browser, address: str, signed_in: StorageState) -> tuple[int, str]:
    """How many bytes the board takes on the line, and the page as it then stands, its styles in it."""
    with _page(browser, signed_in) as page:
        page.goto(address)
        page.locator(".heat-cell").first.wait_for()
        page.wait_for_timeout(1_000)
        size: int = page.evaluate(
            "performance.getEntries().reduce((sum, each) => sum + (each.transferSize ?? 0), 0)"
        )
        styles = page.evaluate(
            "[...document.styleSheets].flatMap(s => [...s.cssRules].map(r => r.cssText)).join('\\n')"
        )
        html = re.sub(r'<link rel="stylesheet"[^>]*>', "", _SCRIPT.sub("", page.content()))
    return size, html.replace("</head>", f"<style>{styles}</style></head>")


def _paint(browser: Browser, address: str, signed_in: StorageState) -> dict[str, float]:
    """`paint_ms`: something is seen; `cells_ms`: the counts are in the page. From the beginning of the navigation."""
    with _page(browser, signed_in) as page:
        page.goto(address)
        page.locator(".heat-cell").first.wait_for()
        page.wait_for_timeout(200)  # until what is in the page is painted too
        return {
            "paint_ms": page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
            "cells_ms": page.evaluate("window.cellsMs"),
        }


@contextmanager
def _page(browser: Browser, signed_in: StorageState | None = None) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, storage_state=signed_in)
    context.add_init_script(_WATCH)
    try:
        yield context.new_page()
    finally:
        context.close()


def _print(found: dict[str, Any]) -> None:
    for name in ("board", "static"):
        print(
            f"{name:8} first paint {found[name]['paint_ms']:7.0f} ms  counts {found[name]['cells_ms']:7.0f} ms"
        )
    mark = "" if found["ratio"] <= AIM else f"  SHORT of the aim, {AIM}"
    print(
        f"{found['ratio']:.2f} × the static page of {found['bytes'] / 1_000:.0f} kB, {found['rounds']} rounds{mark}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
