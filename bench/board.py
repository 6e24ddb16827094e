"""`python -m bench.board`: how soon the status board is painted and its counts are seen, beside a page that has them.

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

from playwright.sync_api import Browser, Page, StorageState
from tools.browser import chromium

from bench.processes import ROOT, Process, machine, python
from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.profile import API_KEYS
from tongdan.surfaces.http.keys import ApiKeys, Scope

AIM: Final = 1.5  # times the reference
_SCRIPT: Final = re.compile(r"<script\b.*?</script>|<link rel=\"modulepreload\"[^>]*>", re.DOTALL)
# When the first count has been painted, as the browser reports it.
_WATCH: Final = """
new MutationObserver((_, watch) => {
  const count = document.querySelector('.heat-count');
  if (!count) return;
  watch.disconnect();
  count.setAttribute('elementtiming', 'counts');
}).observe(document, {childList: true, subtree: true});
window.counts = new Promise((seen) =>
  new PerformanceObserver((all) => seen(all.getEntries()[0].renderTime)).observe({type: 'element'}));
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.board", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="openings of each page (default 11)")
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as place, chromium() as browser:
        found = _measure(Path(place), browser, rounds)
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
    return {"bytes": size, "rounds": rounds, **medians, "ratios": _ratios(took["board"], took["static"]),
            "took": took, "machine": machine()}  # fmt: skip


def _ratios(board: list[dict[str, float]], static: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure: the median over the rounds of the board's by the static page's."""
    return {
        what: statistics.median(a[what] / b[what] for a, b in zip(board, static, strict=True))
        for what in static[0]
    }


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
    """`paint_ms`: something is seen; `counts_ms`: the counts are. From the beginning of the navigation."""
    with _page(browser, signed_in) as page:
        page.goto(address)
        counts_ms = page.evaluate("window.counts")
        paint_ms = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return {"paint_ms": paint_ms, "counts_ms": counts_ms}


@contextmanager
def _page(browser: Browser, signed_in: StorageState | None = None) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, storage_state=signed_in)
    context.add_init_script(_WATCH)
    try:
        yield context.new_page()
    finally:
        context.close()


def _print(found: dict[str, Any]) -> None:
    for what, words in (("paint_ms", "first paint"), ("counts_ms", "counts seen")):
        ratio = found["ratios"][what]
        mark = "" if ratio <= AIM else f"  SHORT of the aim, {AIM}"
        board, static = found["board"][what], found["static"][what]
        print(f"{words:12} {board:6.0f} ms, static page {static:6.0f} ms: {ratio:.2f} ×{mark}")
    print(f"medians of {found['rounds']} rounds; both pages are {found['bytes'] / 1_000:.0f} kB on the line")


if __name__ == "__main__":
    raise SystemExit(main())
