"""Promises of `tongdan waybill`: numbers are shown, asked for again and given up; labels go into a file of the owner's,
never over another, and what could not be had is named. Here on the files; over the API it is the same desk.
"""

import asyncio
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import PERSON, PLACED, tongdan
from tests.surfaces.test_waybills import ACCOUNT, sf_express, with_seller_numbers
from typer.testing import Result

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.credentials_file import write_credentials
from tongdan.adapters.transport import InProcessTransport
from tongdan.cli import asking, labels
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.commands import PlaceOrder, RecordPayment
from tongdan.domain.orders.lines import Line
from tongdan.labs.world.sf import SfExpress
from tongdan.ports import Accepted, Inbound
from tongdan.profile import Centre, embedded, reading
from tongdan.surfaces.http.keys import Scope

SHIRTS = 3


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return with_seller_numbers(tmp_path / "conf")


@pytest.fixture
def sf() -> SfExpress:
    return sf_express()


@pytest.fixture
def shipments(tmp_path: Path, conf: Path, sf: SfExpress, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three parcels: two with a number, and one that SF refuses because it does not go there."""

    def opened(data: Path, conf: Path) -> Centre:
        transport = InProcessTransport({"bspgw.sf-express.com": sf.handle}, SystemClock())
        return embedded(data, conf, transport=transport)

    monkeypatch.setattr(asking, "embedded", opened)
    data = tmp_path / "data"
    data.mkdir()
    write_credentials(data / "credentials.json", {"sf/main": ACCOUNT})

    async def sell() -> list[str]:
        here = opened(data, conf)
        await here.relay.start()
        here.runner.start()
        await told(here, CountStock(sku="HAT", warehouse="WH-EAST", on_hand=9, counted_at=PLACED), "count")
        ids = []
        for n in range(SHIRTS):
            if n == SHIRTS - 1:
                sf.waybills._numbers.out_of_range.add(PERSON.province)
            order = PlaceOrder(
                channel="MP", shop="mp-main", native=f"M-{n}", buyer=f"b-{n}", amount_fen=5_000, placed_at=PLACED,
                lines=(Line(no=1, sku="HAT", units=1, amount_fen=5_000),), region="浙江", person=PERSON,
            )  # fmt: skip
            id = (await told(here, order, f"place-{n}")).aggregate
            await here.quiet()
            paid = RecordPayment(order=id, attempt=1, transaction=f"T{n}", amount_fen=5_000, paid_at=PLACED)
            await told(here, paid, f"pay-{n}")
            await here.bus.wait_for(f"{id}-S1", _settled, 10)
            ids.append(f"{id}-S1")
        await here.quiet()
        await here.stop()
        sf.waybills._numbers.out_of_range.clear()
        return ids

    return asyncio.run(sell())


async def told(centre: Centre, command: Command, key: str) -> Accepted:
    shop = "" if isinstance(command, CountStock) else "mp-main"
    message = Inbound(command=command, key=(key,), source="test", shop=shop, happened_at=PLACED, raw=b"")
    reply = await centre.bus.ask(message)
    assert isinstance(reply, Accepted)
    return reply


def _settled(shipment: object) -> bool:
    return any(label.stage.name != "ASKED" for label in getattr(shipment, "labels", ()))


def waybill(tmp_path: Path, *words: object) -> Result:
    return tongdan("waybill", *words, "--data", tmp_path / "data")


def with_conf(tmp_path: Path, *words: object) -> Result:
    return waybill(tmp_path, *words, "--conf", tmp_path / "conf")


def rows(tmp_path: Path) -> int:
    return reading(tmp_path / "data").counts()["journal_rows"]


def test_numbers_are_shown_with_what_became_of_them(tmp_path: Path, shipments: list[str]) -> None:
    shown = json.loads(waybill(tmp_path, "show", shipments[0], "--json").stdout)
    assert (shown["waits"], [each["stage"] for each in shown["numbers"]]) == (False, ["live"])
    table = waybill(tmp_path, "show", shipments[2])
    assert table.exit_code == 0
    assert "SF does not go there" in table.stdout
    assert waybill(tmp_path, "show", "MP20260127000001-S1").exit_code == 2


def test_one_label_goes_into_a_file_of_its_own_and_never_over_another(
    tmp_path: Path, shipments: list[str]
) -> None:
    target = tmp_path / "label.pdf"
    done = with_conf(tmp_path, "print", shipments[0], "--out", target)
    assert done.exit_code == 0, done.stderr
    assert target.read_bytes().startswith(b"%PDF")
    assert target.stat().st_mode & 0o777 == 0o600
    before = rows(tmp_path)
    assert with_conf(tmp_path, "print", shipments[0], "--out", target).exit_code == 2
    assert rows(tmp_path) == before
    facts = [row.fact for row in reading(tmp_path / "data").timeline(shipments[0].partition("-")[0])]
    assert facts.count("WaybillPrinted") == 1


def test_a_list_goes_into_one_zip_and_what_could_not_be_had_is_named(
    tmp_path: Path, shipments: list[str]
) -> None:
    listed, target = tmp_path / "today.txt", tmp_path / "labels.zip"
    listed.write_text("\n".join([*shipments, "", "MP20260127000001-S1", shipments[0]]))
    done = with_conf(tmp_path, "print", "--list", listed, "--out", target, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert {each["shipment"]: each["error"] for each in told["missed"]} == {
        shipments[2]: "no-waybill", "MP20260127000001-S1": "unknown-id"
    }  # fmt: skip
    with zipfile.ZipFile(target) as packed:
        assert packed.namelist() == told["printed"]
        assert len(told["printed"]) == 2
        assert all(packed.read(name).startswith(b"%PDF") for name in packed.namelist())
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_without_a_label_there_is_no_file(tmp_path: Path, shipments: list[str]) -> None:
    target = tmp_path / "label.pdf"
    assert with_conf(tmp_path, "print", shipments[2], "--out", target).exit_code == 1
    assert not target.exists()
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("case", ["none", "several into a pdf", "too many", "no list", "no folder"])
def test_what_was_asked_for_wrongly_writes_nothing(
    tmp_path: Path, shipments: list[str], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / ("labels.pdf" if case == "several into a pdf" else "labels.zip")
    words: list[object] = [*shipments[:2]]
    if case in ("none", "no list"):
        words = ["--list", tmp_path / "nothing.txt"] if case == "no list" else []
    if case == "too many":
        monkeypatch.setattr(labels, "MAX_LABELS", 1)
    if case == "no folder":
        target = tmp_path / "nowhere" / "labels.zip"
    before = rows(tmp_path)
    done = with_conf(tmp_path, "print", *words, "--out", target)
    assert done.exit_code == 2, done.stderr
    assert rows(tmp_path) == before
    assert not target.exists()


def test_a_refused_number_is_asked_for_again_or_left_to_the_warehouse(
    tmp_path: Path, shipments: list[str]
) -> None:
    refused = shipments[2]
    assert with_conf(tmp_path, "get", refused, "--carrier", "EMS").exit_code == 1
    assert with_conf(tmp_path, "get", shipments[0]).exit_code == 1
    assert with_conf(tmp_path, "get", refused).exit_code == 0
    assert json.loads(waybill(tmp_path, "show", refused, "--json").stdout)["waits"] is True
    assert with_conf(tmp_path, "cancel", refused, "--reason", "too far").exit_code == 0
    shown = json.loads(waybill(tmp_path, "show", refused, "--json").stdout)
    assert shown["waits"] is False
    assert [each["stage"] for each in shown["numbers"]] == ["cancelled", "dropped"]
    assert with_conf(tmp_path, "cancel", shipments[0], "--reason", "x").exit_code == 1


def test_where_a_centre_serves_the_data_it_is_asked_for_each_label(
    tmp_path: Path, shipments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if shipments[1] in request.url.path:
            said = {"error": "label-unavailable", "message": "not now", "message_zh": "暂无"}
            return httpx.Response(503, json=said)
        if shipments[2] in request.url.path:
            raise httpx.ReadTimeout("no answer")
        headers = {"Content-Disposition": 'attachment; filename="SF-1.pdf"'}
        return httpx.Response(200, headers=headers, content=b"%PDF-1.4")

    @contextmanager
    def served(data: Path, scope: Scope, within_s: float) -> Iterator[httpx.Client]:
        yield httpx.Client(base_url="http://centre", transport=httpx.MockTransport(answer))

    monkeypatch.setattr(labels, "service", served)
    done = with_conf(tmp_path, "print", *shipments, "--out", tmp_path / "labels.zip", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["printed"]) == (1, ["SF-1.pdf"])
    assert [each["error"] for each in told["missed"]] == ["label-unavailable", "no-answer"]
    assert asked == [f"/api/v1/shipments/{id}/waybill/print" for id in shipments]
