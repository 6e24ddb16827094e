"""Sign-in by a provider, against a real one in a process of its own: who comes, with which rights, and who does not."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from tests import openid
from tests.surfaces.conftest import API, Served, rows_of, serving

from tongdan.adapters.oidc import CREDENTIAL, Provider
from tongdan.adapters.transport import HttpTransport
from tongdan.ports.identity import GroupRights, SignIn
from tongdan.surfaces.http.callers import CONSOLE, COOKIE
from tongdan.surfaces.http.members import Hidden, Role
from tongdan.surfaces.http.sign_in import ATTEMPT
from tongdan.surfaces.http.sign_in import LASTS_S as ATTEMPT_LASTS_S

pytestmark = pytest.mark.server

OURS = {CONSOLE: "1"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with openid.running() as issuer:
        yield issuer


@pytest.fixture
async def served(tmp_path: Path, issuer: str) -> AsyncIterator[Served]:
    how = SignIn(
        issuer=issuer,
        client_id=openid.CLIENT,
        public_url="http://127.0.0.1:1",
        groups=(
            GroupRights(group="tongdan-admin", role="admin"),
            GroupRights(
                group="tongdan-service",
                role="service",
                shops=("mp-main",),
                hides=("phone",),
                refund_limit_fen=5,
            ),
        ),
    )
    secret = {CREDENTIAL: {"client_secret": openid.SECRET}}
    async with serving(tmp_path, Path("conf"), {}, secret) as served, HttpTransport() as transport:
        served.parts.provider = Provider(how, transport, served.centre.clock, served.centre.credentials)
        yield served


async def told(issuer: str, path: str) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{issuer}{path}")).status_code == 200


async def begin(browser: httpx.AsyncClient, to: str = "/") -> str:
    """Where the browser is sent."""
    answer = await browser.get("/sign-in/oidc", params={"to": to})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def picked(way: str, who: str) -> str:
    """The path by which `who` comes back from the provider."""
    async with httpx.AsyncClient() as client:
        page = await client.get(way)
        assert f">{who}</a>" in page.text
        back = await client.get(way.replace("/authorize?", "/pick?") + f"&who={who}")
    there = urlsplit(back.headers["location"])
    return f"{there.path}?{there.query}"


async def come(browser: httpx.AsyncClient, who: str, to: str = "/") -> httpx.Response:
    return await browser.get(await picked(await begin(browser, to), who))


async def refused(browser: httpx.AsyncClient, answer: httpx.Response, name: str) -> None:
    """Back on the sign-in page, which is told why; nobody is signed in."""
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    session = (await browser.get("/session")).json()
    assert session["who"] is None and session["provider"]["refused"]["error"] == name
    assert COOKIE not in answer.cookies


async def test_somebody_comes_as_a_member_with_the_rights_of_the_group(served: Served, issuer: str) -> None:
    id = await served.place()
    async with served.stranger(OURS) as browser:
        way = parse_qs(urlsplit(await begin(browser)).query)
        assert way["code_challenge_method"] == ["S256"] and len(way["code_challenge"][0]) == 43
        answer = await come(browser, "li", f"/orders/{id}?tab=x")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{id}?tab=x")
        who = (await browser.get("/session")).json()["who"]
        assert (who["name"], who["role"], who["shops"], who["by_provider"]) == (
            "li",
            "service",
            ["mp-main"],
            True,
        )
        assert "reveal" not in who["scopes"] and who["refund_limit_fen"] == 5
        assert (await browser.post(f"{API}/orders/{id}/hold", json={"hold": "review"})).status_code == 200
        placed = [row for row in served.centre.reads.timeline(id) if row.fact == "HoldPlaced"]
        assert [row.operator for row in placed] == ["li"]
        assert (await browser.delete("/session")).status_code == 204
        out = await browser.get("/sign-in/oidc/leave")
        assert out.headers["location"].startswith(f"{issuer}/logout?client_id=tongdan&post_logout")
    member = served.members.named("li")
    assert member is not None and member.hides == (Hidden.PHONE,) and member.password == ""
    assert member.subject == f"{issuer} sub-li"


async def test_groups_are_looked_at_each_time_and_a_change_ends_the_sessions(
    served: Served, issuer: str
) -> None:
    async with served.stranger(OURS) as first, served.stranger(OURS) as second:
        await come(first, "li")
        await come(second, "li")
        assert (await first.get("/session")).json()["who"]  # the same rights: no session ends
        await told(issuer, "/regroup?who=li&groups=tongdan-service+tongdan-admin")
        await come(second, "li")
        assert (await second.get("/session")).json()["who"]["role"] == "admin"  # the first in the file counts
        assert (await first.get("/session")).json()["who"] is None
        await told(issuer, "/regroup?who=li&groups=")
        await refused(first, await come(first, "li"), "sign-in-no-group")
        await told(issuer, "/regroup?who=li&groups=tongdan-service")
    assert [each.name for each in served.members.all()] == ["li"]


async def test_whoever_is_barred_stays_out_and_a_password_opens_nothing(served: Served, issuer: str) -> None:
    async with served.stranger(OURS) as browser:
        await come(browser, "li")
        served.members.change("li", barred=True)
        assert (await browser.get("/session")).json()["who"] is None
        await refused(browser, await come(browser, "li"), "sign-in-barred")
        for password in ("", "nobody's password"):
            answer = await browser.post("/session", json={"name": "li", "password": password, "key": ""})
            assert answer.json()["error"] == "wrong-password"


async def test_a_name_that_another_has_is_not_taken_over(served: Served, issuer: str) -> None:
    served.members.add("boss", Role.ADMIN, "correct horse battery", served.centre.clock.now())
    async with served.stranger(OURS) as browser:
        await refused(browser, await come(browser, "boss"), "sign-in-name")
        await told(issuer, "/fault?what=name")  # li says that the name is BOSS
        await refused(browser, await come(browser, "li"), "sign-in-name")
    assert [(each.name, each.subject) for each in served.members.all()] == [("boss", "")]


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("nonce", "nonce"),
        ("no-nonce", "nonce"),
        ("audience", "aud"),
        ("audiences", "azp"),
        ("issuer", "iss"),
        ("expired", "exp"),
        ("early", "iat"),
        ("at_hash", "at_hash"),
        ("none", "algorithm"),
        ("shared", "algorithm"),
        ("key", "signature"),
    ],
)
async def test_a_token_that_does_not_hold_lets_nobody_in(
    served: Served, issuer: str, caplog: pytest.LogCaptureFixture, fault: str, word: str
) -> None:
    rows = rows_of(served)
    caplog.set_level(logging.WARNING, "tongdan.surfaces.http.sign_in")
    async with served.stranger(OURS) as browser:
        await told(issuer, f"/fault?what={fault}")
        await refused(browser, await come(browser, "boss"), "sign-in-not-proven")
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [word]
    assert served.members.all() == [] and rows_of(served) == rows


async def test_a_clock_that_is_a_little_off_is_borne(served: Served, issuer: str) -> None:
    async with served.stranger(OURS) as browser:
        await told(issuer, "/fault?what=late")
        await come(browser, "boss")
        assert (await browser.get("/session")).json()["who"]["name"] == "boss"


async def test_a_code_works_once_and_only_for_the_browser_that_began(served: Served, issuer: str) -> None:
    async with served.stranger(OURS) as browser, served.stranger(OURS) as thief:
        way = await begin(browser)
        back = await picked(way, "boss")
        await refused(thief, await thief.get(back), "sign-in-stale")
        attempt = browser.cookies[ATTEMPT]
        assert (await browser.get(back)).headers["location"] == "/"
        assert ATTEMPT not in browser.cookies
        await browser.delete("/session")
        await refused(browser, await browser.get(back), "sign-in-stale")
        thief.cookies.set(ATTEMPT, attempt)  # even with what the browser held
        await refused(thief, await thief.get(back), "sign-in-not-proven")


async def test_an_attempt_ends_and_belongs_to_one_state(served: Served, issuer: str) -> None:
    async with served.stranger(OURS) as browser:
        one, other = await begin(browser), await begin(browser)
        await refused(browser, await browser.get(await picked(one, "boss")), "sign-in-stale")
        await begin(browser)
        number, began_s, to = browser.cookies[ATTEMPT].strip('"').split(".", 2)
        browser.cookies.set(ATTEMPT, f"{number}.{int(began_s) - ATTEMPT_LASTS_S}.{to}")
        await refused(browser, await browser.get(await picked(other, "boss")), "sign-in-stale")


async def test_what_the_provider_refuses_and_another_issuers_answer(served: Served, issuer: str) -> None:
    async with served.stranger(OURS) as browser:
        state = parse_qs(urlsplit(await begin(browser)).query)["state"][0]
        answer = await browser.get(f"/sign-in/oidc/callback?error=access_denied&state={state}")
        await refused(browser, answer, "sign-in-denied")
        back = await picked(await begin(browser), "boss")
        mixed = back.partition("&iss=")[0] + "&iss=https%3A%2F%2Fevil.test"
        await refused(browser, await browser.get(mixed), "sign-in-stale")


async def test_new_keys_of_the_provider_are_found(served: Served, issuer: str) -> None:
    provider: Any = served.parts.provider
    async with served.stranger(OURS) as browser:
        await come(browser, "boss")
        await told(issuer, "/rotate")
        await browser.delete("/session")
        await refused(browser, await come(browser, "boss"), "sign-in-not-proven")  # the keys are a moment old
        fetched_s, keys = provider._keys
        provider._keys = (fetched_s - 10, keys)  # as if they had been asked for a while ago
        await come(browser, "boss")
        assert (await browser.get("/session")).json()["who"]["name"] == "boss"


async def test_a_provider_that_is_away_is_told_so(served: Served) -> None:
    provider: Any = served.parts.provider
    provider.how = msgspec.structs.replace(provider.how, issuer="http://127.0.0.1:9")
    async with served.stranger(OURS) as browser:
        answer = await browser.get("/sign-in/oidc")
        await refused(browser, answer, "sign-in-unavailable")


@pytest.mark.parametrize("to", ["//evil.test", "https://evil.test", "/\\evil.test", "evil"])
async def test_it_leads_to_pages_of_this_host_only(served: Served, to: str) -> None:
    async with served.stranger(OURS) as browser:
        answer = await browser.get("/sign-in/oidc", params={"to": to})
        assert (answer.status_code, answer.json()["error"]) == (422, "invalid-field")


async def test_where_no_provider_is_configured_there_is_none(served: Served) -> None:
    served.parts.provider = None
    async with served.stranger(OURS) as browser:
        assert (await browser.get("/session")).json() == {"who": None, "provider": None}
        for path in ("/sign-in/oidc", "/sign-in/oidc/callback", "/sign-in/oidc/leave"):
            assert (await browser.get(path)).json()["error"] == "unknown-path"
