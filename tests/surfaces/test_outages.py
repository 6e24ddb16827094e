"""Outages over the API and on the command line: the same numbers, and each effect with what became of it."""

import asyncio
import csv
import io
import json

import pytest
from tests.cli.conftest import tongdan
from tests.surfaces.conftest import API, Served

from tongdan.domain.orders.commands import CancelOrder
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http import outages
from tongdan.surfaces.http.keys import Scope

ORDERS = 8
REPORT = {"partner": "finance", "no": "1"}


async def cancelled(served: Served, native: str) -> str:
    """An order whose end finance is told."""
    order = await served.place(native)
    cancel = CancelOrder(order=order, reason="not wanted")
    message = Inbound(
        command=cancel,
        key=("t", order),
        source="test",
        shop="",
        happened_at=served.centre.clock.now(),
        raw=b"",
    )
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    return order


async def until(served: Served, fact: str) -> None:
    for _ in range(300):
        if fact in [row.fact for row in served.centre.reads.timeline("outage/finance")]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"no {fact} came")


async def test_an_outage_is_listed_with_its_progress_and_its_report_can_be_had_as_a_file(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.finance_status = 401
    orders = [await cancelled(served, f"N{n}") for n in range(ORDERS)]
    await until(served, "OutageBegan")
    async with served.client(Scope.READ) as client:
        (out,) = (await client.get(f"{API}/outages")).json()
        assert (out["partner"], out["no"], out["cause"], out["error"]) == (
            "finance", 1, "key-refused", "HTTP 401",
        )  # fmt: skip
        assert (out["missed"], out["waiting"], out["ended_at"]) == (ORDERS, ORDERS, None)
        served.finance_status = 200
        await until(served, "OutageCompensated")
        (done,) = (await client.get(f"{API}/outages")).json()
        assert (done["missed"], done["resent"], done["waiting"], done["left"]) == (ORDERS, ORDERS, 0, 0)
        assert (done["lanes"], done["lanes_broken"]) == (ORDERS, 0)
        report = (await client.get(f"{API}/outages/report", params=REPORT)).json()
        assert sorted(each["aggregate"] for each in report["effects"]) == sorted(orders)
        assert {each["how"] for each in report["effects"]} == {"re-sent"}
        assert {name: report[name] for name in done} == done
        file = await client.get(f"{API}/outages/export", params=REPORT)
        rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
        assert sorted(row[1] for row in rows[1:]) == sorted(orders)
        unknown = await client.get(f"{API}/outages/report", params={"partner": "finance", "no": "7"})
        assert (unknown.status_code, unknown.json()["error"]) == (404, "unknown-outage")
        monkeypatch.setattr(outages, "READ_AT_MOST", ORDERS - 1)
        large = await client.get(f"{API}/outages/export", params=REPORT)
        assert (large.status_code, large.json()["error"]) == (413, "outage-too-large")
    data = served.centre.data
    (listed,) = json.loads(tongdan("compensation", "list", "--json", "--data", data).stdout)
    assert {name: listed[name] for name in ("missed", "resent", "left")} == {
        "missed": ORDERS, "resent": ORDERS, "left": 0,
    }  # fmt: skip
    shown = tongdan("compensation", "show", "finance", "--data", data)
    assert shown.exit_code == 0 and f"{ORDERS} of {ORDERS} (100 %)" in shown.stdout
    to = data / "missed.csv"
    assert tongdan("compensation", "export", "finance", "--out", to, "--data", data).exit_code == 0
    assert to.read_bytes() == file.content
    assert tongdan("compensation", "show", "finance", "7", "--data", data).exit_code == 1
