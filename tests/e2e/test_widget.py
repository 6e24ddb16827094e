"""The countdown in a shop's own page, which is of another origin than the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect
from tests.e2e.conftest import Running

pytestmark = pytest.mark.server


@contextmanager
def shop_page(html: str) -> Iterator[str]:
    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_a_shops_page_shows_where_its_order_is(context: BrowserContext, running: Running) -> None:
    headers = {"Authorization": f"Bearer {running.key}"}
    with httpx.Client(base_url=running.url, headers=headers, trust_env=False) as client:
        made = client.post(f"/api/v1/orders/{running.sample}/widget-token", json={}).json()
        shown = client.get(f"/widget/v1/orders/{made['token']}").json()
    html = f"<!doctype html><title>shop</title>{made['html'].replace('https://SERVICE', running.url)}"
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    with shop_page(html.replace("<title>", '<link rel="icon" href="data:,"><title>')) as url:
        page.goto(url)
        widget = page.locator("tongdan-countdown")
        expect(widget.get_by_text(shown["stage_zh"], exact=True)).to_be_visible()
        widget.evaluate("each => each.lang = 'en'")
        expect(widget.get_by_text(shown["stage"], exact=True)).to_be_visible()
        assert widget.evaluate("each => each.shadowRoot !== null && each.innerHTML === ''")
    assert said == []
