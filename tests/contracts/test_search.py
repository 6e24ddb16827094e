"""Whatever is indexed and asked for, an index answers what looking through all orders would; the board counts them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tongdan.adapters.search_sqlite import SqliteSearch
from tongdan.ports.search import Cell, OrderDoc, OrderQuery, Search

AT = datetime(2026, 1, 27, 4, tzinfo=UTC)
SHOPS = {"dy-main": "DY", "dy-two": "DY", "pd-main": "PD"}
TITLES = ("明前龙井 250g", "龙井 茶具", "Green Tea", "潮州凤凰单丛", "")
CODES = ("TEA-1", "TEA-2", "杯 3", "6901234567892")
IDS = [f"DY20260127{n:06}" for n in range(8)]
# What is typed → the parts of a title that it asks for; one sign alone is a whole word.
WORDS = {"龙井": ["龙井"], "井 茶": ["井", "茶"], "tea": ["tea"], "凤凰单": ["凤凰", "凰单"]}


@contextmanager
def index() -> Iterator[Search]:
    with TemporaryDirectory() as folder:
        search = SqliteSearch(Path(folder) / "search.sqlite")
        yield search
        search.close()


@st.composite
def docs(draw: st.DrawFn) -> OrderDoc:
    shop = draw(st.sampled_from(sorted(SHOPS)))
    id = draw(st.sampled_from(IDS))
    return OrderDoc(
        id=id, channel=SHOPS[shop], shop=shop, native=f"N-{id[-2:]}", status=draw(st.sampled_from([0, 2, 4, 7])),
        amount_fen=draw(st.integers(0, 5)) * 100, at=AT + timedelta(hours=draw(st.integers(0, 5))), updated_at=AT,
        warehouse=draw(st.sampled_from(["", "WH-EAST"])), odd=draw(st.booleans()), held=draw(st.booleans()),
        skus=tuple(draw(st.lists(st.sampled_from(CODES), max_size=2))),
        names=tuple(draw(st.lists(st.sampled_from(["SF123", "YT-9"]), max_size=1))),
        title=draw(st.sampled_from(TITLES)),
    )  # fmt: skip


PUTS = st.lists(st.lists(docs(), max_size=6), min_size=1, max_size=4)
QUERIES = st.builds(
    OrderQuery,
    channel=st.sampled_from(["", "DY", "PD"]),
    shops=st.sampled_from([(), ("dy-main",), ("dy-main", "pd-main")]),
    statuses=st.sampled_from([(), (2,), (2, 4), (9,)]),
    warehouse=st.sampled_from(["", "WH-EAST"]),
    sku=st.sampled_from(["", *CODES]),
    name=st.sampled_from(["", "", "sf123", "N-03", "tea-1"]),
    words=st.sampled_from(["", "", *WORDS]),
    ids=st.sampled_from([None, None, (), tuple(IDS[:3])]),
    since=st.sampled_from([None, AT + timedelta(hours=2)]),
    until=st.sampled_from([None, AT + timedelta(hours=4)]),
    least_fen=st.sampled_from([None, 100]),
    most_fen=st.sampled_from([None, 300]),
    odd=st.booleans(),
    held=st.booleans(),
)


def fits(doc: OrderDoc, query: OrderQuery) -> bool:
    names = {name.lower() for name in (doc.id, doc.native, *doc.names, *doc.skus)}
    title = doc.title.lower()
    return all(
        [
            query.channel in ("", doc.channel),
            not query.shops or doc.shop in query.shops,
            not query.statuses or doc.status in query.statuses,
            query.warehouse in ("", doc.warehouse),
            not query.sku or query.sku in doc.skus,
            not query.name or query.name.lower() in names,
            all(part in (title if len(part) > 1 else title.split()) for part in WORDS.get(query.words, ())),
            query.ids is None or doc.id in query.ids,
            query.since is None or placed(doc) >= query.since,
            query.until is None or placed(doc) < query.until,
            query.least_fen is None or doc.amount_fen >= query.least_fen,
            query.most_fen is None or doc.amount_fen <= query.most_fen,
            not query.odd or doc.odd,
            not query.held or doc.held,
        ]
    )


def placed(doc: OrderDoc) -> datetime:
    assert doc.at is not None
    return doc.at


def put(search: Search, puts: list[list[OrderDoc]]) -> dict[str, OrderDoc]:
    """Index these, one batch after the other; every order as it is then."""
    truth: dict[str, OrderDoc] = {}
    for some in puts:
        search.put(some, {})
        truth |= {doc.id: doc for doc in some}
    return truth


@settings(max_examples=150, deadline=None)
@given(PUTS, st.lists(QUERIES, min_size=1, max_size=6))
def test_an_index_finds_what_looking_through_all_would(
    puts: list[list[OrderDoc]], queries: list[OrderQuery]
) -> None:
    with index() as search:
        truth = put(search, puts)
        for query in queries:
            expected = {doc.id for doc in truth.values() if fits(doc, query)}
            found, before = [], ""
            while page := search.find(query, before=before, limit=2):
                found += page
                before = page[-1].cursor
            assert {row.id for row in found} == expected and len(found) == len(expected)
            assert [row.at for row in found] == sorted((placed(truth[row.id]) for row in found), reverse=True)
            assert search.count(query) == len(expected)


@settings(deadline=None)
@given(PUTS)
def test_the_board_counts_every_order_where_it_is_now(puts: list[list[OrderDoc]]) -> None:
    with index() as search:
        truth = put(search, puts)
        for shops, warehouse in (((), ""), (("dy-main",), ""), ((), "WH-EAST")):
            here = [
                doc
                for doc in truth.values()
                if (not shops or doc.shop in shops) and warehouse in ("", doc.warehouse)
            ]
            orders = Counter((doc.channel, doc.status) for doc in here)
            odd = Counter((doc.channel, doc.status) for doc in here if doc.odd)
            assert search.cells(shops=shops, warehouse=warehouse) == [
                Cell(*place, n, odd[place]) for place, n in sorted(orders.items())
            ]


def test_an_order_stays_where_it_was_first_seen_until_its_time_is_known() -> None:
    doc = OrderDoc(
        id=IDS[0], channel="DY", shop="dy-main", native="1", status=0, amount_fen=0, at=None, updated_at=AT
    )
    with index() as search:
        search.put([doc], {})
        search.put([replace(doc, updated_at=AT + timedelta(hours=1))], {})
        assert [row.at for row in search.find(OrderQuery())] == [AT]
        search.put([replace(doc, at=AT - timedelta(hours=1))], {})
        assert [row.at for row in search.find(OrderQuery(name="1"))] == [AT - timedelta(hours=1)]


def test_the_board_knows_how_old_what_is_open_is() -> None:
    doc = OrderDoc(
        id=IDS[0], channel="DY", shop="dy-main", native="1", status=2, amount_fen=1, at=AT, updated_at=AT
    )
    with index() as search:
        search.put([doc, replace(doc, id=IDS[1], at=AT - timedelta(hours=30))], {})
        assert [cell.orders for cell in search.cells(until=AT - timedelta(hours=24))] == [1]
        assert [cell.orders for cell in search.cells(since=AT)] == [1]


def test_positions_are_kept_with_what_was_put_and_a_harmed_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    search = SqliteSearch(path)
    search.put([], {0: 7, 1: 9})
    search.close()
    search = SqliteSearch(path)
    assert search.positions() == {0: 7, 1: 9}
    search.close()
    path.write_bytes(b"no database" * 1_000)
    search = SqliteSearch(path)
    assert search.positions() == {} and search.find(OrderQuery()) == []
    search.close()


def test_what_is_no_cursor_is_refused() -> None:
    with index() as search, pytest.raises(ValueError, match="invalid literal"):
        search.find(OrderQuery(), before="x")
