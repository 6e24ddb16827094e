"""Promises of numbers over the API: seen, asked for again, given up, and labels given out to whoever may, on record."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.surfaces.conftest import API, SECRETS, Served, refused, rows_of, serving
from tests.surfaces.test_shipments import sold

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.transport import Handler, InProcessTransport
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.faults import Faults
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.sf import SfExpress
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.waybills import router_of

ACCOUNT = {"partner_id": "TDKJ", "check_word": "check word", "push_secret": "push secret of the account"}
PROVINCE = "浙江省"


def sf_express() -> SfExpress:
    clock = SystemClock()
    nowhere, faults = InProcessTransport({}, clock), Faults(1, clock, 0.0)
    setting = Setting(1, clock, clock, nowhere, "http://centre", faults, Bustle(clock), Names())
    return SfExpress(setting, Carrier(setting), ACCOUNT, ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def sf() -> SfExpress:
    return sf_express()


def with_seller_numbers(folder: Path) -> Path:
    """The configuration, made in `folder`; the first warehouse's numbers come from SF."""
    shutil.copytree("conf", folder)
    path = folder / "warehouses.yml"
    seller = "partner: qimen\n  waybill: seller\n  carrier: SF\n"
    path.write_text(path.read_text().replace("partner: qimen\n", seller, 1))
    return folder


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """There is a folder for the data beside it."""
    (tmp_path / "data").mkdir()
    return with_seller_numbers(tmp_path / "conf")


@pytest.fixture
async def numbered(conf: Path, sf: SfExpress) -> AsyncIterator[Served]:
    hosts: dict[str, Handler] = {"bspgw.sf-express.com": sf.handle}
    async with serving(conf.with_name("data"), conf, hosts, {"sf/main": ACCOUNT}) as served:
        served.app.include_router(router_of(served.centre.labels))
        await served.stock(50)
        yield served


async def until(served: Served, id: str, stage: str) -> None:
    def reached(shipment: object) -> bool:
        return [each.stage.name for each in getattr(shipment, "labels", ())][-1:] == [stage]

    assert await served.centre.bus.wait_for(id, reached, 10)


async def test_a_number_is_shown_and_its_label_given_out_on_record(numbered: Served, sf: SfExpress) -> None:
    id = f"{await sold(numbered, 'A1')}-S1"
    await until(numbered, id, "LIVE")
    (number,) = numbered_of(sf)
    async with numbered.client(Scope.READ) as client:
        shown = (await client.get(f"{API}/shipments/{id}/waybill")).json()
        assert [(each["waybill"], each["stage"], each["printed"]) for each in shown["numbers"]] == [
            (number, "live", 0)
        ]
        assert (shown["waits"], shown["left_under"]) == (False, [])
        await refused(await client.post(f"{API}/shipments/{id}/waybill/print", json={}), 403, "not-allowed")
    async with numbered.client(Scope.WRITE) as client:
        label = await client.post(f"{API}/shipments/{id}/waybill/print", json={})
        assert (label.status_code, label.headers["content-type"]) == (200, "application/pdf")
        assert label.headers["content-disposition"] == f'attachment; filename="SF-{number}.pdf"'
        assert label.headers["cache-control"] == "no-store"
        assert number.encode() in label.content and label.content.startswith(b"%PDF")
    rows = [row for row in numbered.centre.reads.journal() if row.fact == "WaybillPrinted"]
    assert [(row.operator, row.source, row.shop) for row in rows] == [("key-1", "api", "mp-main")]
    order = id.partition("-")[0]
    facts = [row for row in numbered.centre.reads.timeline(order, with_raw=True) if "Waybill" in row.fact]
    assert not any(b"%PDF" in (row.raw or b"") for row in facts)
    assert [row.fact for row in facts] == ["WaybillAsked", "WaybillGot", "WaybillPrinted"]
    assert not any(secret in repr(row.body) for row in facts for secret in SECRETS)


def numbered_of(sf: SfExpress) -> list[str]:
    return [each.waybill for each in sf.waybills._numbers.live()]


async def test_a_refused_number_is_asked_for_again_or_left_to_the_warehouse(
    numbered: Served, sf: SfExpress
) -> None:
    sf.waybills._numbers.out_of_range.add(PROVINCE)
    a, b = [f"{await sold(numbered, native)}-S1" for native in ("A1", "A2")]
    await until(numbered, a, "REFUSED")
    await until(numbered, b, "REFUSED")
    sf.waybills._numbers.out_of_range.clear()
    async with numbered.client(Scope.WRITE, Scope.READ) as client:
        assert (await client.get(f"{API}/shipments/{a}/waybill")).json()["waits"] is True
        print_ = await client.post(f"{API}/shipments/{a}/waybill/print", json={})
        await refused(print_, 404, "no-waybill")
        wrong = await client.post(f"{API}/shipments/{a}/waybill", json={"carrier": "EMS"})
        await refused(wrong, 422, "carrier-gives-no-numbers")
        done = await client.post(f"{API}/shipments/{a}/waybill", json={})
        assert done.json()["aggregate"] == a
        await until(numbered, a, "LIVE")
        again = await client.post(f"{API}/shipments/{a}/waybill", json={})
        await refused(again, 409, "warehouse-takes-number")
        left = await client.post(f"{API}/shipments/{b}/waybill/cancel", json={"reason": "too far"})
        assert left.status_code == 200
        assert (await client.get(f"{API}/shipments/{b}/waybill")).json()["waits"] is False
        used = await client.post(f"{API}/shipments/{a}/waybill/cancel", json={"reason": "too far"})
        await refused(used, 409, "waybill-in-use")
    await numbered.centre.quiet()
    numbered.centre.views.flush()
    assert [each for each in numbered.centre.reads.tickets() if each.kind == "waybill-refused"] == []


async def test_other_keys_and_wrong_requests_are_refused_and_nothing_is_written(numbered: Served) -> None:
    id = f"{await sold(numbered, 'A1')}-S1"
    await until(numbered, id, "LIVE")
    await numbered.centre.quiet()
    before = rows_of(numbered)
    async with numbered.stranger() as client:
        for path in ("waybill", "waybill/print"):
            await refused(await client.post(f"{API}/shipments/{id}/{path}", json={}), 401, "no-api-key")
    async with numbered.client(Scope.WRITE, Scope.READ) as client:
        for unknown in ("MP20260127000001-S1", id.partition("-")[0], "x"):
            await refused(await client.get(f"{API}/shipments/{unknown}/waybill"), 404, "unknown-id")
            printed = await client.post(f"{API}/shipments/{unknown}/waybill/print", json={})
            await refused(printed, 404, "unknown-id")
        more = await client.post(f"{API}/shipments/{id}/waybill", json={"carrier": "S F"})
        await refused(more, 422, "invalid-field")
    assert rows_of(numbered) == before


async def test_a_label_that_cannot_be_had_is_refused_by_name_and_not_on_record(
    numbered: Served, sf: SfExpress
) -> None:
    id = f"{await sold(numbered, 'A1')}-S1"
    await until(numbered, id, "LIVE")
    sf._account = {**ACCOUNT, "check_word": "another"}  # type: ignore[misc]
    async with numbered.client(Scope.WRITE) as client:
        answer = await client.post(f"{API}/shipments/{id}/waybill/print", json={})
        await refused(answer, 503, "label-unavailable")
        assert answer.headers["retry-after"] == "30"
        assert "SF gateway: A1006" in answer.json()["message"]
    assert [row for row in numbered.centre.reads.journal() if row.fact == "WaybillPrinted"] == []
