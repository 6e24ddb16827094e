"""How many tickets are open is kept with the rows: it is what counting would give."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tongdan.adapters.overview_sqlite import SqliteOverview
from tongdan.ports import TicketRow

AT = datetime(2026, 1, 27, tzinfo=UTC)


def ticket(id: str, is_open: bool) -> TicketRow:
    return TicketRow(id=id, subject=id, kind="k", summary="", times=1, open=is_open, raised_at=AT)


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.booleans()), max_size=8))
def test_the_count_is_that_of_the_rows(puts: list[dict[str, bool]]) -> None:
    with TemporaryDirectory() as folder:
        overview = SqliteOverview(Path(folder) / "overview.sqlite")
        tickets: dict[str, bool] = {}
        for some in puts:
            overview.put([ticket(*each) for each in some.items()], {})
            tickets |= some
        assert overview.tickets_open() == sum(tickets.values())
        overview.close()
