"""Promises of after-sales over the API: what waits is listed, an answer is shown unless `apply` is said, given once,
and refused by name."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.surfaces.conftest import API, SECRETS, Served, refused, rows_of

from tongdan.domain.kernel.after_sales import AfterSaleKind
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.after_sale_commands import RequestAfterSale
from tongdan.domain.orders.commands import RecordPayment
from tongdan.domain.orders.lines import Units
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http import after_sales
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.push_reference import EXAMPLE_BODY

AMOUNT_FEN = msgspec.json.decode(EXAMPLE_BODY)["amount_fen"]


@pytest.fixture
async def desk(served: Served) -> AsyncIterator[Served]:
    served.app.include_router(after_sales.router)
    await served.stock(50)
    yield served


async def tell(served: Served, command: Command, name: str) -> None:
    now = served.centre.clock.now()
    message = Inbound(
        command=command, key=("test", name), source="test", shop="mp-main", happened_at=now, raw=b"{}"
    )
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    await served.centre.quiet()


async def applied(served: Served) -> str:
    """A paid order whose buyer wants some money back; the id of the after-sale."""
    order = await served.place("A1")
    now = served.centre.clock.now()
    await tell(
        served,
        RecordPayment(order=order, attempt=1, transaction="T1", amount_fen=AMOUNT_FEN, paid_at=now),
        "pay",
    )
    await tell(
        served,
        RequestAfterSale(
            order=order, number="K-1", kind=AfterSaleKind.REFUND_ONLY, units=(Units(1, 1),), amount_fen=100
        ),
        "apply",
    )
    return f"{order}-A1"


async def test_what_waits_is_listed_with_what_may_be_answered(desk: Served) -> None:
    id = await applied(desk)
    async with desk.client(Scope.READ) as client:
        page = (await client.get(f"{API}/after-sales")).json()
        (row,) = page["after_sales"]
        assert (row["id"], row["number"], row["amount_fen"], row["waits"]) == (id, "K-1", 100, True)
        assert row["units"] == [{"line": 1, "units": 1}]
        assert row["stage"] == {"name": "applied", "en": "to be answered", "zh": "待商家处理"}
        assert [each["answer"] for each in row["options"]] == ["refund", "refuse"]
        assert row["options"][0]["undo"] == "irreversible"
        assert (await client.get(f"{API}/after-sales", params={"shop": "dy-main"})).json()[
            "after_sales"
        ] == []
        one = await client.get(f"{API}/after-sales/{id}")
        assert one.json() == row and not any(secret in one.text for secret in SECRETS)
        await refused(await client.get(f"{API}/after-sales/{id[:-1]}9"), 404, "unknown-id")


async def test_an_answer_is_shown_then_given_and_the_journal_says_who(desk: Served) -> None:
    id = await applied(desk)
    before = rows_of(desk)
    async with desk.client(Scope.WRITE, Scope.READ) as client:
        path = f"{API}/after-sales/{id}/answer"
        shown = (await client.post(path, json={"answer": "refuse", "reason": "used"})).json()
        assert (shown["option"]["answer"], shown["done"]) == ("refuse", None)
        assert shown["facts"][:2] == ["AnswerAsked", "AnswerTaken"]
        await refused(
            await client.post(path, json={"answer": "refuse", "reason": "?"}), 422, "refusal-reason-unknown"
        )
        await refused(await client.post(path, json={"answer": "send"}), 409, "answer-not-possible")
        await refused(await client.post(path, json={"answer": "burn"}), 422, "invalid-field")
        assert rows_of(desk) == before
        given = await client.post(path, json={"answer": "refuse", "reason": "used", "apply": True})
        assert given.json()["done"]["aggregate"] == id
        await desk.centre.quiet()
        assert (await client.get(f"{API}/after-sales")).json()["after_sales"] == []
        (row,) = (await client.get(f"{API}/after-sales", params={"waiting": False})).json()["after_sales"]
        given_once = [{"answer": "refuse", "stage": "applied", "taken": True, "error": ""}]
        assert (row["stage"]["name"], row["answers"]) == ("refused", given_once)
    (asked,) = [row for row in desk.centre.reads.journal() if row.fact == "AnswerAsked"]
    assert (asked.operator, asked.source, asked.shop) == ("key-0", "api", "mp-main")
