"""Files of an ERP: what good rows become, and what is said of bad ones, row by row, in both languages."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.importers import headings
from tests.contracts.partners.played import CONF

from tongdan.adapters import csv_table
from tongdan.adapters.csv_table import FileRefused, read_table
from tongdan.adapters.partners.erp_csv import Read, read_file
from tongdan.adapters.partners.erp_map import needs_as_of
from tongdan.adapters.policy_files import ConfError, load_import
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.messages import Person
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.lines import Line

FOLDER = Path(__file__).parents[3] / "conf"
STOCK = load_import(FOLDER, "stock-count", CONF.policy)
ORDERS = load_import(FOLDER, "erp-orders", CONF.policy)
EVENING = datetime(2026, 1, 27, 10, tzinfo=UTC)

COUNTS = """商品编码,仓库,库存数量,盘点时间
SHIRT,华东嘉兴仓,"1,200",2026-01-27 18:00:00
="00123",WH-NORTH,0.0,2026/01/27 18:00
"""
HEADING = ",".join(headings(ORDERS)) + "\n"
WHO = "陈小明,12012345678,浙江省,杭州市,余杭区,良渚街道 12 号"
SHIRTS = f"6900001,待发货,2026-01-27 18:00:00,2026-01-27 12:00:00,2026-01-27 12:01:00,6,SHIRT,衬衫,2,¥198.00,{WHO}\n"
HAT = "6900001,,,,,,HAT,帽子,1,30,,,,,,\n"
OTHER = f"6900002,待付款,2026-01-27 18:00:00,2026-01-27 12:00:00,,,HAT,帽子,1,30,{WHO}\n"


def stock(text: str, written_in: str = "utf-8", as_of: datetime | None = None, **differs: object) -> Read:
    how = msgspec.structs.replace(STOCK, **differs)
    return read_file(text.encode(written_in), how, CONF.policy, as_of)


def orders(*rows: str, encoding: str = "utf-8") -> Read:
    return read_file((HEADING + "".join(rows)).encode(encoding), ORDERS, CONF.policy, None)


def faults(read: Read) -> list[tuple[int, str]]:
    """Line and English words; the Chinese ones are there too."""
    assert all(not fault.zh.isascii() for fault in read.faults)
    return [(fault.line, fault.en) for fault in read.faults]


# ---- good files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_counts_in_any_encoding_that_spreadsheets_write(encoding: str, end: str) -> None:
    read = stock(COUNTS.replace("\n", end), encoding)
    assert read.faults == []
    assert [message.command for message in read.messages] == [
        CountStock(sku="SHIRT", warehouse="WH-EAST", on_hand=1_200, counted_at=EVENING),
        CountStock(sku="00123", warehouse="WH-NORTH", on_hand=0, counted_at=EVENING),
    ]
    assert read.messages[0].raw.decode() == f'SHIRT,华东嘉兴仓,"1,200",2026-01-27 18:00:00{end}'


def test_the_zone_is_the_maps() -> None:
    (first, _) = stock(COUNTS, zone="UTC").messages
    assert first.happened_at == datetime(2026, 1, 27, 18, tzinfo=UTC)


def test_without_a_column_the_moment_is_what_is_said() -> None:
    columns = {name: title for name, title in STOCK.columns.items() if name != "counted_at"}
    assert needs_as_of(msgspec.structs.replace(STOCK, columns=columns)) and not needs_as_of(STOCK)
    read = stock("商品编码,仓库,库存数量\nSHIRT,WH-EAST,3\n", as_of=EVENING, columns=columns)
    assert [message.happened_at for message in read.messages] == [EVENING]


def test_rows_of_one_number_are_one_order() -> None:
    read = orders(SHIRTS, OTHER, HAT)
    assert faults(read) == []
    first, second = read.messages
    assert first.command == RecordDetail(
        channel="DY",
        shop="dy-main",
        native="6900001",
        native_status="2",
        said_at=EVENING,
        lines=(
            Line(no=1, sku="SHIRT", units=2, amount_fen=19_800, title="衬衫"),
            Line(no=2, sku="HAT", units=1, amount_fen=3_000, title="帽子"),
        ),
        amount_fen=23_400,
        freight_fen=600,
        placed_at=datetime(2026, 1, 27, 4, tzinfo=UTC),
        paid_at=datetime(2026, 1, 27, 4, 1, tzinfo=UTC),
        region="浙江",
        person=Person(
            name="陈小明",
            phone="12012345678",
            province="浙江省",
            city="杭州市",
            district="余杭区",
            detail="良渚街道 12 号",
        ),
    )
    assert first.raw.decode() == SHIRTS + HAT
    assert isinstance(second.command, RecordDetail)
    assert (second.command.native_status, second.command.paid_at) == ("1", None)
    assert first.shop == "dy-main"


def test_the_same_file_has_the_same_keys_and_a_changed_row_another() -> None:
    keys = [message.key for message in orders(SHIRTS, HAT, OTHER).messages]
    assert keys == [message.key for message in orders(SHIRTS, HAT, OTHER).messages]
    changed = [message.key for message in orders(SHIRTS, HAT.replace(",1,30", ",2,30"), OTHER).messages]
    assert changed[0] != keys[0] and changed[1] == keys[1]


# ---- bad rows


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("SHIRT,月球仓,1,2026-01-27 18:00:00", "warehouse: expected one of WH-EAST"),
        (",WH-EAST,1,2026-01-27 18:00:00", "sku: is empty"),
        ("SHIRT,WH-EAST,,2026-01-27 18:00:00", "on_hand: is empty"),
        ("SHIRT,WH-EAST,-1,2026-01-27 18:00:00", "on_hand: expected a whole number from 0"),
        ("SHIRT,WH-EAST,1.5,2026-01-27 18:00:00", "got '1.5'"),
        ("SHIRT,WH-EAST,１２,2026-01-27 18:00:00", "on_hand: expected a whole number"),
        ("SHIRT,WH-EAST,99999999999,2026-01-27 18:00:00", "on_hand: expected a whole number"),
        ("SHIRT,WH-EAST,1,27.01.2026", "counted_at: expected a time such as"),
        ("SHIRT,WH-EAST,1,2026-02-30 00:00:00", "counted_at: expected a time such as"),
        ("SHIRT,WH-EAST,1,1970-01-01 00:00:00", "counted_at: expected a time such as"),
        ("4.78E+18,WH-EAST,1,2026-01-27 18:00:00", "a number was rounded by the spreadsheet"),
        ("SHIRT,WH-EAST,1", "expected 4 columns, got 3"),
        (f"{'S' * 65},WH-EAST,1,2026-01-27 18:00:00", "sku: longer than 64 characters"),
        (f"{'S' * 1_001},WH-EAST,1,2026-01-27 18:00:00", "a cell is longer than 1000 characters"),
        ("SHIRT,WH-EAST,7,2026-01-27 18:00:00", "the same count stands in line 2"),
    ],
)
def test_a_bad_count_is_named_by_its_line_and_the_others_are_read(row: str, said: str) -> None:
    read = stock(f"{COUNTS}\n{row}\nHAT,WH-EAST,1,2026-01-27 18:00:00\n")
    ((line, words),) = faults(read)
    assert line == 5  # the heading, two good rows and a blank one stand before it
    assert said in words
    assert len(read.messages) == 3 and read.rows == 4


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (lambda rows: rows.replace("待发货", "在路上"), 2, "status: expected a value of the map or one of 1"),
        (lambda rows: rows.replace("浙江省", "良渚"), 2, "province: expected the name of a province"),
        (lambda rows: rows.replace("陈小明", ""), 2, "name: is empty"),
        (lambda rows: rows.replace("¥198.00", "198.001"), 2, "amount: expected yuan such as 199.00"),
        (lambda rows: rows.replace("¥198.00", "-198"), 2, "amount: is negative"),
        (lambda rows: rows.replace("帽子,1,", "帽子,0,"), 3, "units: expected a whole number from 1"),
        (lambda rows: rows.replace("6900001,,", "6900001,已发货,"), 3, "status: differs from line 2"),
        (lambda rows: rows.replace("6900001", ""), 2, "native: is empty"),
    ],
)
def test_one_bad_row_spoils_its_order_and_no_other(
    change: Callable[[str], str], line: int, said: str
) -> None:
    read = orders(change(SHIRTS + HAT), OTHER)
    ((at, words),) = faults(read)
    assert (at, said in words) == (line, True), words
    assert [message.command.native for message in read.messages] == ["6900002"]  # type: ignore[attr-defined]


def test_no_fault_quotes_a_person() -> None:
    bad = SHIRTS.replace("浙江省", "良渚省").replace("12012345678", "")
    rows = [bad, OTHER.replace("余杭区", "余杭区" * 400), HAT.replace(",,,,,,HAT", f",,,,,,{WHO}")]
    read = orders(*rows)
    said = repr(read.faults)
    assert len(read.faults) >= 2
    assert not any(word in said for word in ("陈小明", "12012345678", "良渚", "余杭"))


# ---- bad files


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (COUNTS.replace("仓库", "仓").encode(), "must have these headings once each: 仓库"),
        (COUNTS.replace("仓库", "商品编码").encode(), "仓库; the first line"),
        (COUNTS.encode() + b'"open', "line 4"),
        (COUNTS.encode() + b'"a"b,c\n', "line 4"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_fault(raw: bytes, said: str) -> None:
    read = read_file(raw, STOCK, CONF.policy, None)
    ((line, words),) = faults(read)
    assert (line, read.messages, read.rows) == (0, [], 0)
    assert said in words


def test_a_declared_encoding_is_the_only_one_tried() -> None:
    (fault,) = stock(COUNTS, "gb18030", encoding="utf-8").faults
    assert fault.en.startswith("not text in utf-8;")


def test_limits_are_stated_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "MAX_ROWS", 1)
    assert faults(stock(COUNTS)) == [(0, "more than 1 rows; split the file")]
    monkeypatch.setattr(csv_table, "MAX_BYTES", 10)
    assert faults(stock(COUNTS)) == [(0, "larger than 10 bytes; split it")]


@settings(max_examples=300, deadline=None)
@given(raw=st.one_of(st.binary(max_size=300), st.text(alphabet='a,"\n\r\0;商=', max_size=80).map(str.encode)))
def test_any_bytes_end_in_rows_or_a_refusal(raw: bytes) -> None:
    for how in (STOCK, ORDERS):
        heading = ",".join(headings(how)).encode() + b"\n"
        for content in (raw, heading + raw):
            read = read_file(content, how, CONF.policy, None)
            assert all(fault.en and fault.zh for fault in read.faults)
            assert {fault.line for fault in read.faults}.isdisjoint({1})


def test_a_record_over_several_lines_is_named_by_its_first() -> None:
    table = read_table(b'a,b\n"1\n2",x\n3\n', "utf-8", {"one": "a"})
    assert [(row.line, row.cells["one"], row.raw) for row in table.rows] == [(2, "1\n2", b'"1\n2",x\n')]
    assert [fault.line for fault in table.faults] == [4]
    with pytest.raises(FileRefused):
        read_table(b"a\n", "utf-8", {"one": "b"})


# ---- maps


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "expected"),
    [
        ("stock-count", "  sku: 商品编码\n", "", "columns", "expected also sku"),
        ("stock-count", "  sku:", "  skew: x\n  sku:", "columns, values", "got skew"),
        ("stock-count", "Asia/Shanghai", "Asia/Hangzhou", "zone", "a time zone"),
        ("stock-count", "kind: stock", "kind: prices", "kind", "Invalid enum value"),
        ("erp-orders", "shop: dy-main", "shop: dy-other", "shop", "expected one of"),
        ("erp-orders", "shop: dy-main", "shop: mp-main", "shop", "come through its own door"),
    ],
)
def test_a_mistake_in_a_map_is_named(
    tmp_path: Path, name: str, old: str, new: str, place: str, expected: str
) -> None:
    (tmp_path / "imports").mkdir()
    text = (FOLDER / "imports" / f"{name}.yml").read_text()
    (tmp_path / "imports" / f"{name}.yml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfError) as refused:
        load_import(tmp_path, name, CONF.policy)
    assert (refused.value.file, refused.value.place) == (f"imports/{name}.yml", place)
    assert expected in refused.value.expected


@pytest.mark.parametrize("name", ["", "../shops", "nothing", "Stock"])
def test_a_map_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfError):
        load_import(FOLDER, name, CONF.policy)
