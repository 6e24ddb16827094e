"""A day beside finance's list over the API: causes with their evidence, a file of it, and one click that tells finance
again, once. Looking writes nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.surfaces.conftest import API, Served, refused, rows_of, serving

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.transport import Handler, InProcessTransport
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.messages import Person
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.lines import Line
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.faults import Faults
from tongdan.labs.world.finance import Finance
from tongdan.labs.world.setting import Names, Setting
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.reconcile import router_of

SECRET = "secret of finance"
LOOK = f"{API}/reconciliation"


def finance() -> Finance:
    clock = SystemClock()
    nowhere, faults = InProcessTransport({}, clock), Faults(1, clock, 0.0)
    setting = Setting(1, clock, clock, nowhere, "http://centre", faults, Bustle(clock), Names())
    return Finance(setting, "main", SECRET, ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def books() -> Finance:
    return finance()


@pytest.fixture
async def paid(tmp_path: Path, books: Finance) -> AsyncIterator[Served]:
    hosts: dict[str, Handler] = {}
    async with serving(tmp_path, Path("conf"), hosts, {"finance/main": {"secret": SECRET}}) as served:
        hosts["finance.example.com"] = books.handle
        served.app.include_router(router_of(served.centre.books))
        yield served


async def _order(served: Served, native: str) -> str:
    """A platform's order of which it is known that it is paid; finance hears of it."""
    now = served.centre.clock.now()
    said = RecordDetail(
        channel="DY", shop="dy-main", native=native, native_status="2", said_at=now, amount_fen=9_900, placed_at=now,
        lines=(Line(no=1, sku="CUP", units=1, amount_fen=9_900, title="杯"),), paid_at=now, region="浙江",
        person=Person(),
    )  # fmt: skip
    reply = await served.centre.bus.ask(
        Inbound(
            command=said, key=("test", native), source="channel/DY", shop="dy-main", happened_at=now, raw=b""
        )
    )
    assert isinstance(reply, Accepted)
    await served.centre.quiet()
    return reply.aggregate


async def _looked(client: Any, day: str) -> dict[str, Any]:
    answer = await client.get(LOOK, params={"date": day})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_what_finance_has_lost_is_named_and_told_again_once(paid: Served, books: Finance) -> None:
    order = await _order(paid, "70001")
    await paid.centre.clock.sleep(0.3)
    day = business_day(paid.centre.clock.now()).isoformat()
    books.book.clear()
    books.accounts.clear()
    before = rows_of(paid)
    async with paid.client(Scope.READ) as reader:
        said = await _looked(reader, day)
        assert (said["ours"], said["theirs"], said["residue"]) == (1, 0, 0)
        (one,) = said["differences"]
        assert (one["order"], one["cause"], one["mends"]) == (order, "lost-there", True)
        facts = [each["fact"] for each in one["evidence"]]
        assert facts == ["OrderPaid", "EffectSettled"]
        file = await reader.get(f"{LOOK}/export", params={"date": day})
        assert file.content.startswith(b"PK") and f"finance-{day}" in file.headers["content-disposition"]
        assert (await reader.post(f"{LOOK}/repairs", json={"day": day, "order": order})).status_code == 403
    assert rows_of(paid) == before
    async with paid.client(Scope.READ, Scope.OPERATE) as clerk:
        body = {"day": day, "order": order}
        first = await clerk.post(f"{LOOK}/repairs", json=body)
        assert first.status_code == 200, first.text
        assert first.json()["duplicate"] is False
        again = await clerk.post(f"{LOOK}/repairs", json=body)
        # Either it is the same click, or finance has the order by now and nothing is left to mend.
        assert again.json().get("duplicate") or again.json()["error"] == "not-to-mend"
        await paid.centre.clock.sleep(0.5)
        assert books.accounts[order].heard == {"paid": 1}
        assert [fact.fact for fact in paid.centre.reads.timeline(order)].count("MilestoneRetold") == 1
        nothing = await clerk.post(f"{LOOK}/repairs", json={"day": day, "order": "DY20260127000892"})
        await refused(nothing, 409, "not-to-mend")


async def test_a_day_and_a_shop_that_cannot_be_are_refused(paid: Served, books: Finance) -> None:
    async with paid.client(Scope.READ) as reader:
        assert (await reader.get(LOOK, params={"date": "yesterday"})).status_code == 422
        await refused(await reader.get(LOOK, params={"shop": "nowhere"}), 404, "unknown-shop")
        quiet = await _looked(reader, (business_day(paid.centre.clock.now()) - timedelta(days=3)).isoformat())
        assert (quiet["ours"], quiet["theirs"], quiet["differences"]) == (0, 0, [])
