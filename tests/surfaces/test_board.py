"""The board counts every order once, its lists hold what its cells say, and whoever watches hears of each change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.domain.centre import NOON, PERSON
from tests.surfaces.conftest import API, Served, eventually, get, refused
from tests.surfaces.test_members import member, signed_in

from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.lines import Line
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces import board
from tongdan.surfaces.board import COLUMN_OF, COLUMNS, Age, Filter, orders_in
from tongdan.surfaces.http import live
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.members import Role


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "FRESH_S", 0.0)
    monkeypatch.setattr(live, "EVERY_S", 0.01)


async def douyin(served: Served, native: str, status: str, ago: timedelta = timedelta()) -> None:
    """A Douyin order as its detail tells it."""
    now = served.centre.clock.now()
    command = RecordDetail(
        channel="DY", shop="dy-main", native=native, native_status=status, said_at=now,
        lines=(Line(no=1, sku="TEA-250G", units=1, amount_fen=9_900, native=f"{native}1"),), amount_fen=9_900,
        placed_at=now - ago, region="浙江", person=PERSON,
    )  # fmt: skip
    message = Inbound(
        command=command, key=("detail", native), source="test", shop="dy-main", happened_at=now, raw=b"{}"
    )
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    await served.centre.quiet()


async def seen(served: Served, client: Any, filters: str = "") -> dict[tuple[str, str], tuple[int, int]]:
    """(channel, column) → (orders, odd), where there are any."""
    served.centre.views.flush()
    shown = await get(client, f"/board{filters}")
    return {
        (row["channel"], cell["column"]): (cell["orders"], cell["odd"])
        for row in shown["channels"]
        for cell in row["cells"]
        if cell["orders"]
    }


def test_every_status_has_one_column() -> None:
    assert sorted(status for column in COLUMNS for status in column.statuses) == sorted(Status)
    assert set(COLUMN_OF) == set(Status)


async def test_all_channels_are_rows_and_every_cell_is_there(served: Served) -> None:
    async with served.client(Scope.READ) as client:
        shown = await get(client, "/board")
    assert [row["channel"] for row in shown["channels"]] == list(served.centre.policy.channels)
    assert len(shown["channels"]) == 6
    ids = [column["id"] for column in shown["columns"]]
    assert all([cell["column"] for cell in row["cells"]] == ids for row in shown["channels"])
    assert {row["channel"]: row["name_zh"] for row in shown["channels"]}["KS"] == "快手小店"
    assert {shop["id"] for shop in shown["shops"]} == set(served.centre.policy.shops)


async def test_orders_are_counted_where_they_stand_and_odd_ones_are_told(served: Served) -> None:
    await served.place("A1")
    await served.place("A2")
    await douyin(served, "69001", "1")
    await douyin(served, "69002", "5")  # completed there, and nothing has left here
    async with served.client(Scope.READ) as client:
        assert await seen(served, client) == {("MP", "created"): (2, 0), ("DY", "created"): (2, 1)}
        assert await seen(served, client, "?shop=mp-main") == {("MP", "created"): (2, 0)}
        odd = await get(client, "/board/orders?column=created&channel=DY&odd=true")
        assert [(each["native"], each["odd"]) for each in odd["orders"]] == [("69002", True)]
        both = await get(client, "/board/orders?column=created&channel=DY")
        assert {each["native"] for each in both["orders"]} == {"69001", "69002"} and both["next"] is None


async def test_an_age_counts_as_many_as_it_lists(served: Served) -> None:
    for n, hours in enumerate((0, 5, 30, 100, 200)):
        await douyin(served, f"6900{n}", "4" if n % 2 else "1", timedelta(hours=hours))
    async with served.client(Scope.READ) as client:
        total = 0
        for age in ("1d", "1-3d", "3-7d", "7d%2B"):
            counted = await seen(served, client, f"?age={age}")
            for (channel, column), (orders, _) in counted.items():
                listed = await get(client, f"/board/orders?column={column}&channel={channel}&age={age}")
                assert len(listed["orders"]) == orders
                total += orders
        assert total == 5


def test_what_is_over_is_listed_from_the_first_whole_day() -> None:
    now = datetime(2026, 1, 27, 9, 30, tzinfo=UTC)
    by_id = {column.id: column for column in COLUMNS}
    filter = Filter(age=Age.DAYS)
    paid = orders_in(by_id["paid"], "DY", filter, now, odd=False)
    assert (paid.since, paid.until) == (
        datetime(2026, 1, 24, 9, tzinfo=UTC),
        datetime(2026, 1, 26, 9, tzinfo=UTC),
    )
    closed = orders_in(by_id["closed"], "DY", filter, now, odd=False)
    assert (closed.since, closed.until) == (
        datetime(2026, 1, 25, tzinfo=UTC),
        datetime(2026, 1, 27, tzinfo=UTC),
    )
    assert orders_in(by_id["closed"], "", Filter(), now, odd=True).since is None


async def test_a_member_of_some_shops_sees_these_only(served: Served) -> None:
    await served.place("A1")
    await douyin(served, "69001", "1")
    served.members.add("li", Role.SERVICE, "correct horse battery", NOON, ("dy-main",))
    async with signed_in(served, "li") as li:
        assert await seen(served, li) == {("DY", "created"): (1, 0)}
        shown = await get(li, "/board")
        assert [shop["id"] for shop in shown["shops"]] == ["dy-main"] and len(shown["channels"]) == 6
        assert len((await get(li, "/board/orders?column=created"))["orders"]) == 1
        for path in ("/board", "/board/orders", "/live/board"):
            await refused(await li.get(f"{API}{path}?shop=mp-main&column=created"), 404, "no-such-shop")


async def test_what_the_board_has_not_is_refused_by_name(served: Served) -> None:
    async with served.client(Scope.READ) as client:
        await refused(await client.get(f"{API}/board?shop=nowhere"), 404, "no-such-shop")
        await refused(await client.get(f"{API}/board?age=1y"), 422, "invalid-field")
        await refused(await client.get(f"{API}/board/orders?column=lost"), 422, "invalid-field")
        await refused(await client.get(f"{API}/board/orders?column=paid&cursor=x"), 422, "invalid-field")
    async with served.stranger() as nobody:
        await refused(await nobody.get(f"{API}/live/board"), 401, "no-api-key")


# -- live


class Listener:
    """One listener, spoken to as the server would: `heard` are its events, `leave()` hangs up."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.headers: dict[bytes, bytes] = {}
        self._left = asyncio.Event()
        self._asked = False

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.headers |= dict(message.get("headers", []))
        for event in message.get("body", b"").decode().split("\n\n"):
            if event.startswith("event: "):
                name, data = event.removeprefix("event: ").split("\ndata: ")
                self.heard.append((name, msgspec.json.decode(data) if name == "counts" else data))


@asynccontextmanager
async def listening(served: Served, query: str = "") -> AsyncIterator[Listener]:
    token = served.client(Scope.READ).headers["authorization"].encode()
    scope = {
        "type": "http", "method": "GET", "path": f"{API}/live/board", "query_string": query.encode(),
        "headers": [(b"authorization", token)], "http_version": "1.1", "scheme": "http", "root_path": "",
        "raw_path": b"/", "client": ("127.0.0.1", 1), "server": ("centre", 80), "asgi": {"version": "3.0"},
    }  # fmt: skip
    listener = Listener()
    task = asyncio.create_task(served.app(scope, listener.receive, listener.send))
    try:
        yield listener
    finally:
        listener.leave()
        await asyncio.wait_for(task, 5)


async def test_a_listener_hears_the_counts_at_once_and_then_each_change(served: Served) -> None:
    async with listening(served) as listener, listening(served, "shop=dy-main") as other:
        await eventually(lambda: len(listener.heard) == 1 and len(other.heard) == 1)
        assert served.parts.boards.watching.n == 2
        assert listener.headers[b"content-type"].startswith(b"text/event-stream")
        await served.place("A1")
        served.centre.views.flush()
        await eventually(lambda: len(listener.heard) == 2)
        await asyncio.sleep(0.1)
        assert len(listener.heard) == 2 and len(other.heard) == 1
        name, counts = listener.heard[-1]
        assert name == "counts"
        assert {"column": "created", "orders": 1, "odd": 0} in next(
            row["cells"] for row in counts["channels"] if row["channel"] == "MP"
        )
    await eventually(lambda: served.parts.boards.watching.n == 0)


async def test_where_nothing_changes_that_is_told_now_and_then(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "QUIET_S", 0.05)
    async with listening(served) as listener:
        await eventually(lambda: len(listener.heard) >= 3)
    assert [name for name, _ in listener.heard[:3]] == ["counts", "unchanged", "unchanged"]
    assert datetime.fromisoformat(listener.heard[1][1]).tzinfo is not None


async def test_listeners_are_bounded_and_let_go_in_time(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_LISTENERS", 1)
    monkeypatch.setattr(live, "LASTS_S", 0.2)
    async with listening(served) as listener:
        await eventually(lambda: bool(listener.heard))
        async with served.client(Scope.READ) as late:
            answer = await late.get(f"{API}/live/board")
            await refused(answer, 503, "too-many-listeners")
            assert answer.headers["retry-after"] == "5"
        await eventually(lambda: served.parts.boards.watching.n == 0)


async def test_a_barred_member_hears_nothing_once_it_has_to_come_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LASTS_S", 0.02)
    member(served, Role.ADMIN, "boss")
    member(served)
    async with signed_in(served, "chen") as chen:
        assert (await chen.get(f"{API}/live/board")).status_code == 200
        served.members.change("chen", barred=True)
        await refused(await chen.get(f"{API}/live/board"), 401, "session-over")
