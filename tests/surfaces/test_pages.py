"""The pages open without ceremony, show nobody's data, and run nothing that came from outside."""

import re

import pytest
from tests.surfaces.conftest import Served

from tongdan.surfaces.http.access import COOKIE
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.push_reference import EXAMPLE_BODY


def key_of(served: Served, *scopes: Scope) -> str:
    return served.client(*scopes).headers["authorization"].removeprefix("Bearer ")


async def test_a_link_with_a_key_leaves_a_cookie_and_an_address_without_it(served: Served) -> None:
    id = await served.place()
    key = key_of(served, Scope.READ)
    async with served.stranger() as browser:
        answer = await browser.get(f"/orders/{id}?key={key}&lang=zh")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{id}?lang=zh")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie
        page = await browser.get(answer.headers["location"])
        assert page.status_code == 200 and id in page.text and key not in page.text


async def test_without_a_key_there_is_a_form_and_nothing_else(served: Served) -> None:
    id = await served.place()
    key = key_of(served, Scope.READ)
    async with served.stranger() as browser:
        for path in (f"/orders/{id}", "/orders", f"/orders/{id}?key=wrong"):
            answer = await browser.get(path)
            assert answer.status_code == 401 and "<form" in answer.text and "mp-main" not in answer.text
            assert "set-cookie" not in answer.headers
        entered = await browser.post("/session", data={"key": key, "back": f"/orders/{id}?lang=en"})
        assert (entered.status_code, entered.headers["location"]) == (303, f"/orders/{id}?lang=en")
        assert (await browser.get(f"/orders/{id}")).status_code == 200


@pytest.mark.parametrize("back", ["https://evil.example/orders", "//evil.example", "javascript:alert(1)", ""])
async def test_the_form_leads_nowhere_else(served: Served, back: str) -> None:
    async with served.stranger() as browser:
        answer = await browser.post("/session", data={"key": key_of(served, Scope.READ), "back": back})
        assert (answer.status_code, answer.headers["location"]) == (303, "/orders")


async def test_the_cookie_opens_pages_only_and_a_key_without_read_opens_none(served: Served) -> None:
    id = await served.place()
    async with served.stranger() as browser:
        browser.cookies.set(COOKIE, key_of(served, *Scope))
        assert (await browser.get(f"/orders/{id}")).status_code == 200
        assert (await browser.get(f"/api/v1/orders/{id}")).status_code == 401
        assert (await browser.post(f"/api/v1/orders/{id}/hold", json={"hold": "review"})).status_code == 401
    async with served.stranger() as browser:
        browser.cookies.set(COOKIE, key_of(served, Scope.WRITE))
        assert (await browser.get(f"/orders/{id}")).status_code == 401


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ["待付款", "下单，60.80 元"]), ("en", ["created", "order placed, 60.80"])]
)
async def test_the_order_page_tells_every_fact_in_the_readers_language(
    served: Served, lang: str, words: list[str]
) -> None:
    id = await served.place()
    async with served.stranger() as browser:
        browser.cookies.set(COOKIE, key_of(served, *Scope))
        page = (await browser.get(f"/orders/{id}", headers={"Accept-Language": lang})).text
    assert all(word in page for word in words)
    assert page.count('<li class="fact') == len(served.centre.reads.timeline(id))
    for row in served.centre.reads.timeline(id):
        assert row.hash in page and f"{row.slot}.{row.epoch}.{row.seq}" in page
    assert "张**" in page and "138****0000" in page
    assert not any(secret in page for secret in ("张三", "13800000000", "文三路"))


async def test_what_others_wrote_is_text_and_no_script_can_run(served: Served) -> None:
    body = EXAMPLE_BODY.replace("明前龙井 250g", "<script>alert(1)</script>").replace(
        "TEA-250G", "<b>TEA</b>"
    )
    assert (await served.push("/own/mp-main/orders", body.encode())).status == 201
    async with served.client(Scope.WRITE) as client:
        id = served.centre.reads.find("MP", "mp-main", "A2026012700001")
        await client.post(
            f"/api/v1/orders/{id}/hold", json={"hold": "review", "note": "<img src=x onerror=alert(1)>"}
        )
    async with served.stranger() as browser:
        browser.cookies.set(COOKIE, key_of(served, Scope.READ))
        answer = await browser.get(f"/orders/{id}")
    assert "&lt;script&gt;" in answer.text and "<script" not in answer.text
    assert "<b>TEA" not in answer.text and "<img" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    assert not re.search(r"<[^>]+ style=", answer.text)


async def test_an_order_that_is_not_there_is_a_page_of_its_own(served: Served) -> None:
    async with served.stranger() as browser:
        browser.cookies.set(COOKIE, key_of(served, Scope.READ))
        for id in ("DY20260127000892", "nonsense", "%3Cscript%3E"):
            answer = await browser.get(f"/orders/{id}?lang=en")
            assert answer.status_code == 404 and "There is no such order." in answer.text


async def test_a_shipment_or_payment_id_leads_to_its_order(served: Served) -> None:
    id = await served.place()
    async with served.stranger() as browser:
        browser.cookies.set(COOKIE, key_of(served, Scope.READ))
        assert f"<h1 class=id>{id}</h1>" in (await browser.get(f"/orders/{id}-P1")).text
