"""The console's files are served as they were built; a cookie opens nothing but to the console's own pages."""

import gzip
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient
from tests.surfaces.conftest import Served

from tongdan.surfaces.http import console
from tongdan.surfaces.http.callers import CONSOLE, COOKIE
from tongdan.surfaces.http.keys import Scope

OURS = {CONSOLE: "1"}


def key_of(served: Served, *scopes: Scope) -> str:
    return served.client(*scopes).headers["authorization"].removeprefix("Bearer ")


def files(place: Path | None) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(console.Console(place)), base_url="http://console.example")


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>console</title>")
    (tmp_path / "assets" / "index-1a2b.js").write_text("plain")
    (tmp_path / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(b"small"))
    return tmp_path


async def test_a_link_with_a_key_leaves_a_cookie_and_an_address_without_it(served: Served) -> None:
    id, key = await served.place(), key_of(served, Scope.READ)
    async with served.stranger() as browser:
        answer = await browser.get("/enter", params={"key": key, "to": f"/orders/{id}"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{id}")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie
        assert (await browser.get(f"/api/v1/orders/{id}", headers=OURS)).json()["id"] == id


@pytest.mark.parametrize(
    "to", ["https://evil.example/orders", "//evil.example", "javascript:alert(1)", "/a//b"]
)
async def test_a_link_leads_nowhere_else(served: Served, to: str) -> None:
    async with served.stranger() as browser:
        answer = await browser.get("/enter", params={"key": key_of(served, Scope.READ), "to": to})
        assert answer.status_code == 422 and "set-cookie" not in answer.headers


async def test_a_link_with_a_wrong_key_leaves_no_cookie(served: Served) -> None:
    async with served.stranger() as browser:
        answer = await browser.get("/enter", params={"key": "td_wrong"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "set-cookie" not in answer.headers


async def test_a_cookie_alone_opens_nothing(served: Served) -> None:
    """As another site's page would make a browser send it."""
    id = await served.place()
    async with served.stranger() as browser:
        browser.cookies.set(COOKIE, served.parts.sessions.of_key(key_of(served, *Scope)) or "")
        assert (await browser.get(f"/api/v1/orders/{id}")).status_code == 401
        assert (await browser.post(f"/api/v1/orders/{id}/hold", json={"hold": "review"})).status_code == 401
        assert (await browser.get(f"/api/v1/orders/{id}", headers=OURS)).status_code == 200


async def test_coming_in_and_leaving(served: Served) -> None:
    async with served.stranger() as browser:
        key = key_of(served, Scope.READ)
        assert (await browser.post("/session", json={"key": key})).json()["error"] == "not-from-console"
        assert (await browser.post("/session", json={"key": "x"}, headers=OURS)).status_code == 401
        assert (await browser.post("/session", json={"key": key}, headers=OURS)).status_code == 204
        assert (await browser.get("/api/v1/orders", headers=OURS)).status_code == 200
        assert (await browser.delete("/session", headers=OURS)).status_code == 204
        assert (await browser.get("/api/v1/orders", headers=OURS)).status_code == 401


async def test_every_address_that_is_nothing_else_is_a_page(dist: Path) -> None:
    async with files(dist) as browser:
        for path in ("/", "/orders", "/orders/DY20260127000892"):
            page = await browser.get(path)
            assert (page.status_code, page.text) == (200, "<title>console</title>")
            assert page.headers["cache-control"] == "no-cache"
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        for path in ("/api/v1/nothing", "/assets/gone.js", "/../../etc/passwd.txt"):
            assert (await browser.get(path)).json()["error"] == "unknown-path"


async def test_files_are_sent_compressed_as_the_browser_takes_them(dist: Path) -> None:
    async with files(dist) as browser:
        small = await browser.get("/assets/index-1a2b.js", headers={"accept-encoding": "gzip"})
        assert (small.text, small.headers["content-encoding"]) == ("small", "gzip")
        plain = await browser.get("/assets/index-1a2b.js", headers={"accept-encoding": "identity"})
        assert plain.text == "plain" and "content-encoding" not in plain.headers
        assert "immutable" in plain.headers["cache-control"]
        assert plain.headers["content-type"].startswith("text/javascript")


async def test_a_console_that_was_not_built_says_so() -> None:
    async with files(None) as browser:
        assert (await browser.get("/orders")).json()["error"] == "console-not-built"
