"""The list of tickets: the kept count is that of the rows, pages are the whole in pieces, repairs are counted right."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tongdan.adapters.overview_sqlite import SqliteOverview
from tongdan.ports import DIFFERENCES, Place, RepairNumbers, RepairRow, TicketQuery, TicketRow

AT = datetime(2026, 1, 27, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def ticket(id: str, is_open: bool, **said: Any) -> TicketRow:
    plain = TicketRow(id=id, subject=id, kind="k", summary="", times=1, open=is_open, raised_at=AT)
    return replace(plain, **said)


@pytest.fixture
def overview(tmp_path: Path) -> Iterator[SqliteOverview]:
    overview = SqliteOverview(tmp_path / "overview.sqlite")
    yield overview
    overview.close()


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.booleans()), max_size=8))
def test_the_count_is_that_of_the_rows(puts: list[dict[str, bool]]) -> None:
    with TemporaryDirectory() as folder:
        overview = SqliteOverview(Path(folder) / "overview.sqlite")
        tickets: dict[str, bool] = {}
        for some in puts:
            overview.put([ticket(*each) for each in some.items()], {})
            tickets |= some
        assert overview.tickets_open() == sum(tickets.values()) == overview.count(TicketQuery(open=True))
        overview.close()


PLACES = (
    Place(order="O1", channel="DY", shop="dy-1", native="1", status=3, warehouses=("WH-A", "WH-B")),
    Place(order="O2", channel="PD", shop="pd-1", native="2", status=5, warehouses=("WH-AB",)),
    None,
)
ROWS = st.builds(
    ticket,
    st.text("abcdefgh", min_size=1, max_size=2),
    st.booleans(),
    raised_at=st.integers(0, 4).map(after),
    kind=st.sampled_from(["differs-status", "differs-amount", "dead-letter:7", "dead-letter:8"]),
    owner=st.sampled_from(["finance", "operations"]),
    partners=st.sampled_from([(), ("finance",), ("finance", "carrier/SF")]),
    repair_by=st.sampled_from([None, after(10), after(20)]),
    place=st.sampled_from(PLACES),
)
QUERIES = st.builds(
    TicketQuery,
    open=st.sampled_from([None, None, True, False]),
    owner=st.sampled_from(["", "", "finance"]),
    kind=st.sampled_from(["", "", DIFFERENCES, "differs-status", "dead-letter"]),
    partner=st.sampled_from(["", "", "finance", "carrier/SF", "carrier"]),
    channel=st.sampled_from(["", "", "DY"]),
    shops=st.sampled_from([(), (), ("dy-1", "ks-1")]),
    statuses=st.sampled_from([(), (), (5, 6)]),
    overdue_at=st.sampled_from([None, None, after(15)]),
    within=st.sampled_from([(), (), ("WH-A",), ("WH-B", "WH-C")]),
)


def fits(row: TicketRow, query: TicketQuery) -> bool:
    place = row.place or Place(order="", channel="", shop="", native="", status=-1)
    matter = row.kind.partition(":")[0]
    return all(
        [
            query.open is None or row.open is query.open,
            query.owner in ("", row.owner),
            query.kind in ("", matter) or (query.kind == DIFFERENCES and matter.startswith("differs-")),
            not query.partner or query.partner in row.partners,
            query.channel in ("", place.channel),
            not query.shops or place.shop in query.shops,
            not query.statuses or place.status in query.statuses,
            query.overdue_at is None
            or (row.open and row.repair_by is not None and row.repair_by < query.overdue_at),
            not query.within or bool(set(query.within) & set(place.warehouses)),
        ]
    )


@given(st.lists(ROWS, max_size=15, unique_by=lambda row: row.id), QUERIES, st.integers(1, 4))
def test_pages_are_what_fits_newest_first_and_counted(
    rows: list[TicketRow], query: TicketQuery, limit: int
) -> None:
    with TemporaryDirectory() as folder:
        overview = SqliteOverview(Path(folder) / "overview.sqlite")
        overview.put(rows, {})
        found: list[TicketRow] = []
        while page := overview.find(query, before=found[-1].cursor if found else "", limit=limit):
            found += page
        expected = sorted(
            [row for row in rows if fits(row, query)], key=lambda r: (r.raised_at, r.id), reverse=True
        )
        assert found == expected
        assert overview.count(query) == len(expected)
        overview.close()


def test_a_ticket_follows_its_order(overview: SqliteOverview) -> None:
    assert PLACES[0] is not None
    overview.put([ticket("a", True, place=PLACES[0])], {})
    moved = replace(PLACES[0], status=6, warehouses=("WH-C",))
    overview.put([], {}, moved=[moved])
    (row,) = overview.find(TicketQuery(within=("WH-C",), statuses=(6,)))
    assert row.place == moved
    assert overview.count(TicketQuery(within=("WH-A",))) == 0


@pytest.mark.parametrize("cursor", ["x", ".", "1", "1.", "-1.a", f"{10**20}.a"])
def test_a_cursor_that_no_page_had_is_refused(overview: SqliteOverview, cursor: str) -> None:
    with pytest.raises(ValueError):
        overview.find(TicketQuery(), before=cursor)


def test_repairs_are_counted_by_when_they_were_found(
    overview: SqliteOverview, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert overview.repaired(TicketQuery(), AT, after(100)) == RepairNumbers()
    spans = [
        ("a", 0, 10, "itself"), ("a", 20, 50, "person"), ("a", 60, None, ""), ("b", 5, 105, "itself"),
        ("c", 7, 8, "time"), ("c", 200, 201, "itself"),
    ]  # fmt: skip
    rows = [
        RepairRow(
            ticket=id, found_at=after(found), closed_at=None if closed is None else after(closed), by=by
        )
        for id, found, closed, by in spans
    ]
    places = {"a": PLACES[0], "b": PLACES[1], "c": PLACES[0]}
    overview.put([ticket(id, True, place=place) for id, place in places.items()], {}, rows)
    overview.put([], {}, rows)  # told again, they are the same
    assert overview.repaired(TicketQuery(), AT, after(100)) == RepairNumbers(
        found=5, by_itself=2, by_person=1, by_time=1, open=1, median_s=10, p90_s=100
    )
    assert overview.repaired(TicketQuery(shops=("pd-1",)), AT, after(100)) == RepairNumbers(
        found=1, by_itself=1, median_s=100, p90_s=100
    )
    monkeypatch.setattr("tongdan.adapters.overview_sqlite.MOST_REPAIRS", 2)
    assert overview.repaired(TicketQuery(), AT, after(100)) == RepairNumbers(
        found=2, by_person=1, open=1, median_s=30, p90_s=30, more=True
    )
