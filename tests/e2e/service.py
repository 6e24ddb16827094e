"""A centre of a test's own, without partners: what is in it, the test has put there."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from playwright.sync_api import Page
from tests.surfaces.conftest import OWN_SECRET, Served, serving
from tools.browser import ROOT

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.partners.authentic import signed_headers
from tongdan.profile import API_KEYS
from tongdan.surfaces.http.keys import ApiKeys, Scope
from tongdan.surfaces.http.push_reference import EXAMPLE_BODY


class Service:
    """`plant` fills it before it listens, with all partners out of reach but a finance that takes everything; it serves
    under `conf`. `scopes` are those of its key."""

    def __init__(
        self,
        data: Path,
        plant: Callable[[Served], Awaitable[None]],
        *scopes: Scope,
        conf: Path = ROOT / "conf",
    ) -> None:
        self._data, self._conf = data, conf
        self._push_port, self._api_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self._api_port}"
        with ThreadPoolExecutor(1) as aside:  # the browser's loop runs in this thread
            aside.submit(asyncio.run, self._planted(plant)).result()
        self._key = ApiKeys(data / API_KEYS).issue("e2e", scopes, SystemEntropy(), SystemClock().now())

    async def _planted(self, plant: Callable[[Served], Awaitable[None]]) -> None:
        async with serving(self._data, ROOT / "conf", {}, {}) as served:
            await plant(served)

    def start(self) -> None:
        command = [str(Path(sys.executable).parent / "tongdan"), "serve", "--data", str(self._data)]
        command += ["--conf", str(self._conf)]
        ports = ["--push-port", str(self._push_port), "--api-port", str(self._api_port), "--processes", "1"]
        self._process = subprocess.Popen([*command, *ports], cwd=ROOT, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def enter(self, page: Page, to: str = "/") -> None:
        """Waits until it listens."""
        for _ in range(120):
            try:
                page.goto(f"{self.url}/enter?key={self._key}&to={to}")
                return
            except Exception as error:
                assert "ERR_CONNECTION_REFUSED" in str(error)
                page.wait_for_timeout(500)
        raise AssertionError("the service did not start")

    def place(self, native: str) -> None:
        body = EXAMPLE_BODY.replace("A2026012700001", native).encode()
        headers = signed_headers(OWN_SECRET.encode(), SystemClock().now(), native, body)
        url = f"http://127.0.0.1:{self._push_port}/own/mp-main/orders"
        line = httpx.HTTPTransport(retries=5)
        with httpx.Client(transport=line) as client:
            assert client.post(url, content=body, headers=headers).status_code in (201, 202)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
