"""Chromium, and the demo in front of which it stands: a real service with a day of the simulated world behind it.

The browser tests, the pictures in docs/images and bench/board.py look through it.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser, sync_playwright

ROOT: Final = Path(__file__).resolve().parents[1]
CHROMIUM: Final = "/usr/bin/chromium"
_SWITCHES: Final = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
_LINK: Final = re.compile(r"(http://\S+)/enter\?key=(\S+)&to=/orders/(\S+)")


class Running(NamedTuple):
    """`sample` is an order that met a fault."""

    url: str
    key: str
    sample: str
    data: Path


@contextmanager
def demo(data: Path, orders: int) -> Iterator[Running]:
    command = [
        str(Path(sys.executable).parent / "tongdan"),
        "demo",
        "--data",
        str(data),
        "--orders",
        str(orders),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if found := _LINK.search(line):
                break
        else:
            raise AssertionError("the demo ended:\n" + "".join(told))
        try:
            yield Running(found[1], found[2], found[3], data)
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_SWITCHES.split())
        yield browser
        browser.close()
