"""Qimen messages: confirmations of tidy and careless warehouses, reports, and what cannot be read."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.contracts.partners.played import (
    credentials,
    golden,
    only,
    qimen_push,
    why,
)

from tongdan.adapters.partners.qimen import QimenDoor
from tongdan.domain.fulfillment.commands import ConfirmDelivery, Package, PackageItem, RecordWmsProcess
from tongdan.ports import Mistake

DOOR = QimenDoor(credentials(), ZoneInfo("Asia/Shanghai"))
SHIPMENT = "DY20260127000892-S1"


def test_a_tidy_confirmation_of_a_part() -> None:
    message = only(DOOR, qimen_push(golden("qimen/confirm-tidy.xml")))
    at = datetime(2026, 1, 27, 7, 24, 4, tzinfo=UTC)
    items = (PackageItem("DOWN-JACKET-M", 1), PackageItem("SOCKS", 2))
    assert message.command == ConfirmDelivery(
        shipment=SHIPMENT,
        warehouse="WH-EAST",
        packages=(Package("SF", "SF1234567890123", 1_250, items),),
        final=False,
        confirmed_at=at,
        out_biz_code=f"{SHIPMENT}-1",
    )
    assert message.happened_at == at
    assert message.key[:7] == ("qimen", "main", "deliveryorder.confirm", "C1", SHIPMENT, f"{SHIPMENT}-1", "1")


def test_a_careless_confirmation_as_recorded() -> None:
    command = only(DOOR, qimen_push(golden("qimen/confirm-careless.xml"))).command
    assert command == ConfirmDelivery(
        shipment=SHIPMENT,
        warehouse="WX",
        packages=(Package("STO2", "773024447089377", 0, (PackageItem("6001280065103", 1),)),),
        final=True,
        confirmed_at=datetime(2020, 1, 23, 7, 24, 4, tzinfo=UTC),
        out_biz_code=SHIPMENT,
    )


def test_two_confirmations_under_one_code_are_told_apart_by_their_parcels() -> None:
    """`outBizCode` is the order code, so only the parcels differ; white space does not."""
    first = golden("qimen/confirm-careless.xml")
    second = first.replace(b"773024447089377", b"773024447089378")
    spaced = first.replace(b"<package>", b"\n  <package>\n  ")
    keys = [only(DOOR, qimen_push(body)).key for body in (first, second, spaced)]
    assert keys[0] != keys[1]
    assert keys[0] == keys[2]


def test_the_only_parcel_without_items_carries_what_the_lines_say() -> None:
    body = golden("qimen/confirm-tidy.xml")
    start, end = body.index(b"<items>"), body.index(b"</items>") + len(b"</items>")
    bare = only(DOOR, qimen_push(body[:start] + body[end:])).command
    whole = only(DOOR, qimen_push(body)).command
    assert isinstance(bare, ConfirmDelivery) and isinstance(whole, ConfirmDelivery)
    assert bare.packages == whole.packages


def test_one_of_two_parcels_without_items_cannot_be_understood() -> None:
    body = golden("qimen/confirm-tidy.xml").replace(b"</packages>", b"<package/></packages>")
    assert why(DOOR, qimen_push(body)) == "expected `items/item` in `packages/package`"


def closed(status: bytes) -> bytes:
    body = golden("qimen/confirm-tidy.xml").replace(b"PARTDELIVERED", status)
    start, end = body.index(b"<packages>"), body.index(b"</packages>") + len(b"</packages>")
    body = body[:start] + body[end:]
    return body.replace(b"<actualQty>1", b"<actualQty>0").replace(b"<actualQty>2", b"<actualQty>0")


def test_a_closed_confirmation_tells_that_nothing_more_leaves() -> None:
    command = only(DOOR, qimen_push(closed(b"CLOSED"))).command
    assert isinstance(command, ConfirmDelivery)
    assert (command.packages, command.final) == ((), True)


@pytest.mark.parametrize("status", ["EXCEPTION", "CANCELED", "REJECT", "CANCELEDFAIL"])
def test_a_confirmation_of_a_failure_is_news_of_the_work(status: str) -> None:
    command = only(DOOR, qimen_push(closed(status.encode()))).command
    at = datetime(2026, 1, 27, 7, 24, 4, tzinfo=UTC)
    assert command == RecordWmsProcess(shipment=SHIPMENT, status=status, operated_at=at)


@pytest.mark.parametrize(("name", "status"), [("process-pick", "PICK"), ("process-sign", "SIGN")])
def test_a_process_report_says_its_step_and_keeps_the_signers_name_to_the_raw(name: str, status: str) -> None:
    message = only(DOOR, qimen_push(golden(f"qimen/{name}.xml")))
    command = message.command
    assert isinstance(command, RecordWmsProcess)
    assert (command.shipment, command.status, command.info) == (SHIPMENT, status, "")
    if status == "SIGN":
        assert "陈小明".encode() in message.raw


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (SHIPMENT, "XZXS2001230288", "the order code is no shipment of ours"),
        ("2026-01-27 15:24:04", "1769486400", "a value is out of range or malformed"),
        ("<confirmType>1", "<confirmType>2", "expected `confirmType` 0 or 1"),
        ("<quantity>1", "<quantity>1.5", "expected `quantity` to be a whole number up to 1000000"),
        ("<quantity>1", "<quantity>-1", "expected `quantity` to be a whole number up to 1000000"),
        ("<quantity>1", "<quantity>1e99", "expected `quantity` to be a decimal number"),
        ("<weight>1.25", "<weight>NaN", "expected `weight` to be a decimal number"),
        ("<itemCode>SOCKS", "<itemCode>", "expected `itemCode`"),
        ("deliveryOrder>", "somethingElse>", "expected `deliveryOrder`"),
    ],
)
def test_a_confirmation_that_cannot_be_read_is_kept_with_the_reason(old: str, new: str, reason: str) -> None:
    body = golden("qimen/confirm-tidy.xml").replace(old.encode(), new.encode())
    assert why(DOOR, qimen_push(body)) == reason


def test_another_method_is_kept() -> None:
    push = qimen_push(golden("qimen/confirm-tidy.xml"), method="stockout.confirm")
    assert why(DOOR, push) == "expected `method` deliveryorder.confirm or orderprocess.report"


def test_qimen_is_answered_in_xml() -> None:
    push = qimen_push(golden("qimen/process-pick.xml"))
    answer = DOOR.answer(push, [])
    assert b"<flag>success</flag>" in answer.body and answer.content_type.startswith("text/xml")
    with pytest.raises(Mistake) as refused:
        DOOR.open(msgspec.structs.replace(push, body=b" " * 2_000_000))
    told = DOOR.refuse(push, refused.value.refusal)
    assert b"<flag>failure</flag><code>body-too-large</code>" in told.body


def test_the_wms_clock_is_read_in_its_declared_zone() -> None:
    """The same digits in a zone with daylight saving; one hour stands twice, and its first passage is meant."""
    body = golden("qimen/confirm-tidy.xml").replace(b"2026-01-27 15:24:04", b"2026-11-01 01:30:00")
    new_york = QimenDoor(credentials(), ZoneInfo("America/New_York"))
    assert only(new_york, qimen_push(body)).happened_at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert only(DOOR, qimen_push(body)).happened_at == datetime(2026, 10, 31, 17, 30, tzinfo=UTC)
