"""Promises of the search: each kind of text finds its order, people are found and not named, pages and counts agree."""

import csv
import io

import pytest
from tests.surfaces.conftest import API, SECRETS, Served, get, refused, rows_of

from tongdan.adapters.xlsx_table import read_xlsx
from tongdan.domain.orders.commands import PlaceHold
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http.keys import Scope

PHONE, NAME = "13800000000", "张三"


async def indexed(served: Served) -> None:
    served.centre.views.flush()
    await served.centre.tokens.catch_up()


@pytest.fixture
async def two(served: Served) -> tuple[str, str]:
    first, second = await served.place("A1"), await served.place("B-2/x")
    await indexed(served)
    return first, second


@pytest.mark.parametrize(
    ("q", "read_as", "found"),
    [
        ("A1", "number", [0]),
        ("b-2/X", "number", [1]),
        ("TEA-250G", "number", [0, 1]),
        (PHONE, "phone", [0, 1]),
        ("+86 138-0000-0000", "phone", [0, 1]),
        ("0000", "phone", [0, 1]),
        (NAME, "name", [0, 1]),
        ("龙井", "words", [0, 1]),
        ("乌龙", "words", []),
        ("13800000001", "number", []),
    ],
)
async def test_one_text_is_read_in_the_way_that_finds(
    served: Served, two: tuple[str, str], q: str, read_as: str, found: list[int]
) -> None:
    async with served.client(Scope.READ) as client:
        answer = await client.post(f"{API}/orders/search", json={"q": q, "count": True})
    page = answer.json()
    assert {row["id"] for row in page["orders"]} == {two[n] for n in found}
    assert (page["count"], page["more"], page["behind"]) == (len(found), False, 0)
    if found:
        assert page["read_as"] == read_as
    assert not any(secret in answer.text for secret in SECRETS)


async def test_an_id_or_one_of_its_parts_finds_the_order_alone(served: Served, two: tuple[str, str]) -> None:
    async with served.client(Scope.READ) as client:
        for q in (two[0], two[0].lower(), f"{two[0]}-P1"):
            page = await get(client, f"/orders?q={q}")
            assert ([row["id"] for row in page["orders"]], page["read_as"]) == ([two[0]], "id")


async def test_every_field_narrows_and_all_must_hold(served: Served, two: tuple[str, str]) -> None:
    first, second = two
    now = served.centre.clock.now()
    hold = Inbound(
        command=PlaceHold(order=first, hold="review"),
        key=("h",),
        source="t",
        shop="",
        happened_at=now,
        raw=b"",
    )
    assert isinstance(await served.centre.bus.ask(hold), Accepted)
    await served.centre.quiet()
    await indexed(served)
    both = {first, second}
    asked = {
        "phone=13800000000": both, "phone=0000": both, "phone=0001": set(), f"name={NAME}": both,
        "name=李四": set(), "sku=TEA-250G": both, "sku=TEA": set(), "waybill=A1": {first}, "words=龙井": both,
        "channel=MP": both, "channel=DY": set(), "shop=mp-main": both, "shop=dy-main&shop=mp-main": both,
        "status=1": both, "status=5&status=1": both, "status=5": set(), "amount_min_fen=6080": both,
        "amount_max_fen=6079": set(), "held=true": {first}, "odd=true": set(), "q=A1&held=true": {first},
        "q=B-2/x&held=true": set(), "phone=0000&name=张三&waybill=A1": {first},
        "placed_since=2026-01-01T00:00:00Z": both, "placed_until=2026-01-01T00:00:00Z": set(),
    }  # fmt: skip
    async with served.client(Scope.READ) as client:
        for question, found in asked.items():
            page = await get(client, f"/orders?{question}&count=true")
            assert ({row["id"] for row in page["orders"]}, page["count"]) == (found, len(found)), question


async def test_pages_follow_each_other_in_the_reading_of_the_first(served: Served) -> None:
    ids = {await served.place(f"A{n}") for n in range(5)}
    await indexed(served)
    async with served.client(Scope.READ) as client:
        seen, cursor = [], ""
        while True:
            asked = {"q": "0000", "limit": 2, "cursor": cursor}
            page = (await client.post(f"{API}/orders/search", json=asked)).json()
            seen += [row["id"] for row in page["orders"]]
            if page["next"] is None:
                break
            cursor = page["next"]
        assert (len(seen), set(seen)) == (5, ids)
        await refused(await client.get(f"{API}/orders?q=0000&cursor=12"), 422, "invalid-field")
        await refused(await client.get(f"{API}/orders?cursor=none"), 422, "invalid-field")


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("phone=123", "not-a-phone"),
        ("name=张", "not-a-name"),
        ("placed_since=yesterday", "invalid-field"),
        ("buyer=x", "invalid-field"),
        ("status=signed", "invalid-field"),
        ("after=1", "invalid-field"),
        ("limit=201", "invalid-field"),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_name(served: Served, question: str, name: str) -> None:
    async with served.client(Scope.READ) as client:
        await refused(await client.get(f"{API}/orders?{question}"), 422, name)


async def test_what_fits_too_many_people_is_said(
    served: Served, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tongdan.surfaces.searching.PEOPLE_LIMIT", 1)
    async with served.client(Scope.READ) as client:
        await refused(await client.get(f"{API}/orders?phone=0000"), 422, "fits-too-many")
        await refused(await client.get(f"{API}/orders?q=0000"), 422, "fits-too-many")


async def test_a_question_without_an_index_ends_and_says_what_helps(
    served: Served, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tongdan.adapters.view_file.MAX_STEPS", 0)
    monkeypatch.setattr("tongdan.adapters.view_file._STRIDE", 1)
    async with served.client(Scope.READ) as client:
        await refused(await client.get(f"{API}/orders?amount_max_fen=1"), 422, "too-wide")
        monkeypatch.undo()
        assert (await get(client, "/orders?amount_max_fen=1"))["orders"] == []


async def test_an_index_that_is_being_made_anew_says_so_and_counts_nothing(
    served: Served, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = {0: (90, 100), 1: (30, 60), 2: (0, 0), 3: (0, 0)}
    monkeypatch.setattr(served.centre.reads, "indexed", lambda: reached)
    async with served.client(Scope.READ) as client:
        for lacking, percent, count in ((40, 75, None), (41, None, 2)):
            monkeypatch.setattr("tongdan.surfaces.searching.LACKING_ROWS", lacking)
            page = await get(client, "/orders?shop=mp-main&count=true")
            assert (page["behind"], page["percent_indexed"], page["count"]) == (40, percent, count)
            assert len(page["orders"]) == 2
            assert (await get(client, "/board"))["percent_indexed"] == percent


async def test_after_a_position_the_order_is_found(served: Served) -> None:
    async with served.client(Scope.READ, Scope.WRITE) as client:
        id = await served.place("A1")
        done = (await client.post(f"{API}/orders/{id}/hold", json={"hold": "review"})).json()
        page = await get(client, f"/orders?held=true&after={done['position']}")
        assert ([row["id"] for row in page["orders"]], page["behind"]) == ([id], 0)
        page = await get(client, f"/orders?phone=0000&after={done['position']}")
        assert [row["id"] for row in page["orders"]] == [id]


async def test_a_file_holds_what_the_list_shows_and_no_formula(served: Served) -> None:
    ids = [await served.place(native) for native in ("=1+1", "A2")]
    await indexed(served)
    async with served.client(Scope.READ) as client:
        asked = {"shop": ["mp-main"], "language": "en"}
        answer = await client.post(f"{API}/orders/export", json={**asked, "form": "csv"})
        heading, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert (answer.headers["X-Orders"], heading[0]) == ("2", "id")
        assert {row[0]: row[3] for row in rows} == {ids[0]: "'=1+1", ids[1]: "A2"}
        answer = await client.post(f"{API}/orders/export", json={**asked, "form": "xlsx"})
        sheet = read_xlsx(answer.content, {"id": "id", "native": "number", "yuan": "yuan"})
        assert {row.cells["id"]: row.cells["native"] for row in sheet.rows} == {ids[0]: "=1+1", ids[1]: "A2"}
        assert {row.cells["yuan"] for row in sheet.rows} == {"60.80"}


async def test_a_file_that_is_cut_says_so(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        await served.place(f"A{n}")
    await indexed(served)
    monkeypatch.setattr("tongdan.surfaces.order_file.PAGE", 1)
    monkeypatch.setattr("tongdan.surfaces.order_file.LIMIT", 2)
    async with served.client(Scope.READ) as client:
        answer = await client.post(f"{API}/orders/export", json={"form": "csv", "language": "en"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 4
    assert rows[-1][0].startswith("More than")


# -- many at once


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"action": "hold", "hold": "review", "reason": "rings twice"}, ["held", "held"]),
        ({"action": "lift", "hold": "review"}, ["refused", "refused"]),
        ({"action": "cancel", "reason": "fraud"}, ["cancelled", "cancelled"]),
    ],
)
async def test_many_do_as_was_shown_and_showing_writes_nothing(
    served: Served, two: tuple[str, str], asked: dict[str, str], what: list[str]
) -> None:
    before = rows_of(served)
    async with served.client(Scope.WRITE) as client:
        shown = (await client.post(f"{API}/bulk/preview", json={**asked, "orders": two})).json()
        assert ([each["what"] for each in shown["outcomes"]], rows_of(served)) == (what, before)
        done = (await client.post(f"{API}/bulk/apply", json={**asked, "orders": two})).json()
        assert done == shown | {"applied": True}
    assert (rows_of(served) > before) is (what[0] != "refused")


@pytest.mark.parametrize("asked", [{"action": "cancel"}, {"action": "lift"}, {"action": "ship", "hold": "x"}])
async def test_half_an_action_is_refused_and_nothing_is_done(
    served: Served, two: tuple[str, str], asked: dict[str, str]
) -> None:
    before = rows_of(served)
    async with served.client(Scope.WRITE) as client:
        await refused(
            await client.post(f"{API}/bulk/apply", json={**asked, "orders": two}), 422, "invalid-field"
        )
    assert rows_of(served) == before
