"""Promises of the catalogue over the API: SKUs are described and read, offers matched once, suggestions explained."""

import httpx
import pytest
from tests.surfaces.conftest import API, SKU, Served, get, refused, rows_of

from tongdan.domain.catalog.commands import FindMatch
from tongdan.domain.catalog.model import Description, Offer, Sku
from tongdan.domain.kernel.messages import Command, Person
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import UNMATCHED_HOLD, Order
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.catalog import Ranking
from tongdan.surfaces.http import catalog
from tongdan.surfaces.http.keys import Scope


@pytest.fixture
def shown(served: Served) -> Served:
    served.app.include_router(catalog.router)
    return served


async def put(client: httpx.AsyncClient, sku: str, **body: object) -> httpx.Response:
    return await client.put(f"{API}/catalog/skus/{sku}", json={"title": "明前龙井", **body})


async def tell(served: Served, command: Command, key: str) -> Accepted:
    now = served.centre.clock.now()
    message = Inbound(
        command=command, key=("test", key), source="test", shop="dy-main", happened_at=now, raw=b"{}"
    )
    reply = await served.centre.bus.ask(message)
    assert isinstance(reply, Accepted)
    await served.centre.quiet()
    return reply


async def sell(served: Served, native: str = "69001") -> str:
    """A platform's order with a line that names no own SKU; its id."""
    now = served.centre.clock.now()
    line = Line(
        no=1, sku="", units=2, amount_fen=100, native="N1", platform_sku="900", title="明前龙井 250g 罐装"
    )
    detail = RecordDetail(
        channel="DY", shop="dy-main", native=native, native_status="1", said_at=now, lines=(line,),
        amount_fen=100, placed_at=now, region="浙江", person=Person(name="张三"),
    )  # fmt: skip
    return (await tell(served, detail, native)).aggregate


async def test_a_product_shows_stock_threshold_and_limit(shown: Served) -> None:
    async with shown.client(Scope.READ, Scope.WRITE) as client:
        for code, product in ((SKU, "TEA"), ("TEA-500G", "TEA"), ("CUP", "CUP")):
            said = await put(client, code, product=product, low_stock_units=5, limit_units=3, weight_g=250)
            assert (said.status_code, said.json()["aggregate"]) == (200, f"sku/{code}")
        await shown.stock(7)
        product = await get(client, "/catalog/products/TEA")
        figures = [
            (s["sku"], s["available_units"], s["low_stock"], s["limit_units"]) for s in product["skus"]
        ]
        assert figures == [(SKU, 7, False, 3), ("TEA-500G", 0, True, 3)]
        assert (await get(client, f"/catalog/skus/{SKU}"))["weight_g"] == 250
        first = await get(client, "/catalog/skus?limit=2")
        assert ([sku["sku"] for sku in first["skus"]], first["next"]) == (["CUP", SKU], SKU)
        second = await get(client, f"/catalog/skus?limit=2&after={first['next']}")
        assert ([sku["sku"] for sku in second["skus"]], second["next"]) == (["TEA-500G"], None)
        assert (await get(client, "/catalog/skus?text=nothing"))["skus"] == []


async def test_a_bundle_is_as_available_as_its_scarcest_part_and_never_of_bundles(shown: Served) -> None:
    async with shown.client(Scope.READ, Scope.WRITE) as client:
        await put(client, SKU)
        await shown.stock(7)
        parts = [{"sku": SKU, "units": 3}]
        assert (await put(client, "BOX/3", parts=parts)).status_code == 200
        assert (await get(client, "/catalog/skus/BOX/3"))["available_units"] == 2
        await shown.centre.quiet()
        before = rows_of(shown)
        nothing = [{"sku": "NOTHING", "units": 1}]
        await refused(await put(client, "NEST", parts=nothing), 404, "no-such-sku")
        await refused(await put(client, "NEST", parts=[{"sku": "BOX/3", "units": 1}]), 422, "part-is-bundle")
        await put(client, "CUP")
        await refused(await put(client, SKU, parts=[{"sku": "CUP", "units": 1}]), 422, "already-part")
        await refused(await put(client, "CUP", weight_g=-1), 422, "out-of-range")
        assert rows_of(shown) == before + 1  # the cup


async def test_an_unmatched_line_is_listed_with_who_may_be_meant_and_released_by_a_match(
    shown: Served,
) -> None:
    async with shown.client(Scope.READ, Scope.WRITE) as client:
        await put(client, SKU, variant="250g")
        await put(client, "CUP", title="青瓷茶杯")
        order = await sell(shown)
        held = shown.centre.reads.order(order)
        assert isinstance(held, Order) and held.holds == (UNMATCHED_HOLD,)
        (offer,) = (await get(client, "/catalog/offers"))["offers"]
        assert (offer["offer"], offer["waiting_lines"]) == ("900", 1)
        assert [(s["sku"], s["why"]) for s in offer["suggestions"]] == [(SKU, "similar-title")]
        body = {"shop": "dy-main", "offer": "900", "sku": SKU}
        assert (await client.post(f"{API}/catalog/offers/match", json=body)).status_code == 200
        await shown.centre.quiet()
        free = shown.centre.reads.order(order)
        assert isinstance(free, Order) and (free.holds, free.lines[0].line.sku) == ((), SKU)
        assert (await get(client, "/catalog/offers"))["offers"] == []
        (matched,) = (await get(client, "/catalog/offers?unmatched=false"))["offers"]
        assert (matched["sku"], matched["suggestions"]) == (SKU, [])


async def test_offers_come_page_by_page(shown: Served) -> None:
    for n in range(5):
        asked = FindMatch(
            channel="DY", shop="dy-main", offer=f"90{n}", outer="", title="", order="DY20260127000892", line=n
        )
        await tell(shown, asked, str(n))
    async with shown.client(Scope.READ) as client:
        seen: list[list[str]] = []
        after: str | None = ""
        while after is not None and len(seen) < 4:
            page = await get(client, f"/catalog/offers?limit=2&after={after}")
            seen.append([offer["offer"] for offer in page["offers"]])
            after = page["next"]
        assert seen == [["900", "901"], ["902", "903"], ["904"]]


async def test_who_may_not_or_asks_for_what_is_not_there_is_refused_and_nothing_is_written(
    shown: Served,
) -> None:
    before = rows_of(shown)
    body = {"shop": "dy-main", "offer": "900", "sku": "NOTHING"}
    async with shown.client(Scope.READ) as client:
        await refused(await client.post(f"{API}/catalog/offers/match", json=body), 403, "not-allowed")
        await refused(await put(client, "CUP"), 403, "not-allowed")
        await refused(await client.get(f"{API}/catalog/skus/CUP"), 404, "no-such-sku")
        await refused(await client.get(f"{API}/catalog/products/CUP"), 404, "no-such-product")
    async with shown.client(Scope.WRITE) as client:
        await refused(await client.post(f"{API}/catalog/offers/match", json=body), 404, "no-such-sku")
        body["shop"] = "nowhere"
        await refused(await client.post(f"{API}/catalog/offers/match", json=body), 404, "no-such-shop")
        await refused(await put(client, "CUP", colour="white"), 422, "invalid-field")
    async with shown.stranger() as client:
        await refused(await client.get(f"{API}/catalog/skus"), 401, "no-api-key")
    assert rows_of(shown) == before


async def test_many_skus_are_defined_together_or_not_at_all(shown: Served) -> None:
    cup, pot = ({"sku": code, "title": "青瓷"} for code in ("CUP", "POT"))
    both = {"sku": "SET", "title": "套装", "parts": [{"sku": "CUP", "units": 2}, {"sku": "POT", "units": 1}]}
    before = rows_of(shown)
    async with shown.client(Scope.READ, Scope.WRITE) as client:
        missing = await client.post(f"{API}/catalog/skus", json={"skus": [cup, both]})
        await refused(missing, 404, "no-such-sku")
        wrong = await client.post(f"{API}/catalog/skus", json={"skus": [cup, {**pot, "weight_g": -1}]})
        await refused(wrong, 422, "out-of-range")
        many = [{"sku": f"S{n}", "title": "x"} for n in range(201)]
        await refused(await client.post(f"{API}/catalog/skus", json={"skus": many}), 422, "invalid-field")
        assert rows_of(shown) == before
        done = await client.post(f"{API}/catalog/skus", json={"skus": [both, cup, pot]})
        assert (done.status_code, done.json()) == (200, {"defined": 3})
        await shown.centre.quiet()
        assert (await get(client, "/catalog/skus/SET"))["parts"][0] == {
            "sku": "CUP",
            "units": 2,
            "price_fen": 0,
        }


def test_the_same_code_ranks_before_the_same_bar_code_before_similar_titles() -> None:
    offer = Offer(channel="DY", shop="s", offer="690", outer="cup-1", title="【新款】青瓷茶杯 300ML")

    def sku(code: str, title: str, **more: object) -> Sku:
        return Sku(sku=code, description=Description(title=title, **more))  # type: ignore[arg-type]

    ranking = Ranking([offer])
    for each in (
        sku("A", "青瓷茶杯 300ml"),
        sku("B", "青瓷茶杯"),
        sku("C", "木筷"),
        sku("D", "别的", barcode="690"),
        sku("CUP-1", "也是别的"),
        sku("E", "青瓷茶杯 300ml", active=False),
    ):
        ranking.see(each)
    (best,) = ranking.best()
    found = [(each.sku, each.why) for each in best]
    assert found == [("CUP-1", "same-code"), ("D", "same-barcode"), ("A", "similar-title")]
