"""`stock.query` at a Qimen WMS: what is asked, and which of its rows are sound stock of that warehouse."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.contracts.partners.called import Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF

from tongdan.adapters.partners.qimen_api import QimenActor
from tongdan.domain.fulfillment.wms_stock import QueryStock, StockPage, Told
from tongdan.ports import Repeat

HOST = "qimen.api.taobao.com"
GOLDEN = Path(__file__).with_name("golden") / "qimen"
ALL = QueryStock(partner="wms/WH-EAST", warehouse="WH-EAST")
ONE = replace(ALL, sku="DOWN-JACKET-M", page=2)


def qimen(partner: Partner) -> QimenActor:
    return QimenActor("wms/WH-EAST", CONF.partners.qimen, CONF.policy, partner.wire)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def answer(items: str, more: str = "") -> bytes:
    return f"<response><flag>success</flag>{more}<items>{items}</items></response>".encode()


async def test_a_page_of_one_sku_is_asked_for_as_the_interface_has_it() -> None:
    partner = Partner(HOST, ok(golden("stock.xml")))
    for tries in (1, 2):
        await done(qimen(partner).perform(errand(ONE, "stock/DOWN-JACKET-M", tries=tries)))
    assert [each.body for each in partner.asked] == [golden("stock-query.xml")] * 2
    assert partner.query()["method"] == "taobao.qimen.stock.query"
    assert qimen(partner).verbs[QueryStock].repeat is Repeat.NATURAL


async def test_without_a_sku_all_of_the_owners_is_meant() -> None:
    partner = Partner(HOST, ok(golden("stock.xml")))
    await done(qimen(partner).perform(errand(ALL, "stock/")))
    assert b"itemCode" not in partner.asked[0].body and b"<page>1</page>" in partner.asked[0].body


async def test_sound_stock_of_the_warehouse_is_read_with_what_is_locked() -> None:
    partner = Partner(HOST, ok(golden("stock.xml")))
    outcome = await done(qimen(partner).perform(errand(ALL, "stock/")))
    told = (Told("DOWN-JACKET-M", 42), Told("DOWN-JACKET-M", 7), Told("HAT", 0))
    assert (outcome.command, outcome.raw) == (None, b"")
    assert outcome.found == StockPage(told=told, rows=5, total=5)
    one = await done(qimen(partner).perform(errand(ONE, "stock/DOWN-JACKET-M")))
    assert one.found == StockPage(told=told[:2], rows=5, total=5)


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (answer(""), StockPage(told=(), rows=0)),
        (answer("", "<totalLines>0</totalLines>"), StockPage(told=(), rows=0, total=0)),
    ],
)
async def test_a_warehouse_without_any_has_an_empty_page(body: bytes, page: StockPage) -> None:
    assert (await done(qimen(Partner(HOST, ok(body))).perform(errand(ALL, "stock/")))).found == page


@pytest.mark.parametrize(
    "items",
    [
        "<item><quantity>1</quantity></item>",
        "<item><itemCode>A</itemCode></item>",
        "<item><itemCode>A</itemCode><quantity>-1</quantity></item>",
        "<item><itemCode>A</itemCode><quantity>1.5</quantity></item>",
        "<item><itemCode>A</itemCode><quantity>many</quantity></item>",
        "<item><itemCode>A</itemCode><quantity>1</quantity></item>" * 101,
    ],
    ids=["no code", "no quantity", "negative", "half", "word", "101 rows"],
)
async def test_stock_that_cannot_be_read_is_no_stock(items: str) -> None:
    failure = await failed(qimen(Partner(HOST, ok(answer(items)))).perform(errand(ALL, "stock/")))
    assert failure.final and "expected" in failure.error


async def test_a_no_of_the_wms_is_told_in_its_words() -> None:
    said = "<response><flag>failure</flag><code>S003</code><message>货主不存在</message></response>".encode()
    failure = await failed(qimen(Partner(HOST, ok(said))).perform(errand(ALL, "stock/")))
    assert (failure.error, failure.partner_wide) == ("S003 货主不存在", False)
