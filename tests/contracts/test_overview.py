"""The lists' counts are kept with the rows: whatever is put, in whatever order, they are what counting would give."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tongdan.adapters.overview_sqlite import SqliteOverview
from tongdan.ports import OrderRow, TicketRow

AT = datetime(2026, 1, 27, tzinfo=UTC)
IDS = st.sampled_from("abcdef")


def order(id: str, status: int) -> OrderRow:
    return OrderRow(id=id, channel="DY", shop="s", native=id, status=status, amount_fen=1, updated_at=AT)


def ticket(id: str, is_open: bool) -> TicketRow:
    return TicketRow(id=id, subject=id, kind="k", summary="", times=1, open=is_open, raised_at=AT)


@given(
    st.lists(
        st.tuples(st.dictionaries(IDS, st.integers(0, 12)), st.dictionaries(IDS, st.booleans())), max_size=8
    )
)
def test_counts_are_those_of_the_rows(puts: list[tuple[dict[str, int], dict[str, bool]]]) -> None:
    with TemporaryDirectory() as folder:
        overview = SqliteOverview(Path(folder) / "overview.sqlite")
        orders: dict[str, int] = {}
        tickets: dict[str, bool] = {}
        for some, others in puts:
            overview.put(
                [order(*each) for each in some.items()], [ticket(*each) for each in others.items()], {}
            )
            orders |= some
            tickets |= others
        by_status = {f"orders_status_{status}": n for status, n in Counter(orders.values()).items()}
        assert overview.counts() == {
            "orders": len(orders), **by_status, "tickets_open": sum(tickets.values())
        }  # fmt: skip
        overview.close()
