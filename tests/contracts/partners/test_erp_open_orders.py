"""Open orders from exports of Jushuitan and Wangdiantong: split, merged, sent, held; and what is said of bad ones."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.importers import headings
from tests.contracts.partners.played import CONF

from tongdan.adapters.csv_table import as_record
from tongdan.adapters.partners.erp_csv import Read, read_file
from tongdan.adapters.partners.erp_map import ImportMap
from tongdan.adapters.partners.erp_open_orders import in_fen
from tongdan.adapters.policy_files import ConfError, load_import
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.domain.orders.commands import TakeOverOrder
from tongdan.domain.orders.lines import Units

FOLDER = Path(__file__).parents[3] / "conf"
JUSHUITAN = load_import(FOLDER, "jushuitan-orders", CONF.policy)
WANGDIANTONG = load_import(FOLDER, "wangdiantong-orders", CONF.policy)

Row = dict[str, str]

JST: Row = {
    "内部订单号": "1001", "线上订单号": "6900001", "店铺名称": "同单抖音旗舰店", "状态": "已付款待审核",
    "下单时间": "2026-01-26 12:00:00", "商品编码": "SHIRT", "数量": "2", "商品金额": "198.00", "平台站点": "抖音",
    "线上子订单编号": "69000011", "商品名称": "衬衫", "颜色及规格": "白 / L", "是否赠品": "否", "运费": "6",
    "抵扣金额": "4",
    "付款日期": "2026-01-26 12:05:00", "订单类型": "普通订单", "买家账号": "u1", "收货人姓名": "陈小明",
    "手机": "12012345678", "省份": "浙江省", "城市": "杭州市", "区县": "余杭区", "街道": "良渚街道", "地址": "12 号",
}  # fmt: skip
WDT: Row = {
    "订单编号": "JY1", "子单原始单号": "1700001", "店铺": "同单拼多多旗舰店", "订单状态": "待客审",
    "交易时间": "2026-01-26 12:00:00", "商家编码": "SHIRT", "下单数量": "3", "分摊后总价": "100.0000",
    "子单原始子单号": "17000011", "平台规格ID": "900", "货品名称": "衬衫", "赠品方式": "非赠品", "分摊邮费": "2.5",
    "付款时间": "2026-01-26 12:05:00", "货到付款": "否", "客户网名": "u1", "收件人": "陈小明",
    "收件人手机": "12012345678",    "收货地区": "浙江省 杭州市 余杭区", "收货地址": "良渚街道 12 号",
}  # fmt: skip
HAT = {"商品编码": "HAT", "商品名称": "帽子", "数量": "1", "商品金额": "30", "线上子订单编号": "69000012"}
SENT = {
    "状态": "已发货", "发货日期": "2026-01-27 09:00:00", "快递公司": "顺丰速运", "快递单号": "SF1",
}  # fmt: skip


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def read(how: ImportMap, *rows: Row, form: Callable[[list[list[str]]], bytes] | None = None) -> Read:
    titles = headings(how)
    used = [title for title in titles if any(title in row for row in rows)]
    table = [used, *[[row.get(title, "") for title in used] for row in rows]]
    raw = (
        form(table) if form is not None else "".join([as_record(cells) for cells in table]).encode("gb18030")
    )
    return read_file(raw, how, CONF.policy, None)


def orders(how: ImportMap, *rows: Row) -> list[TakeOverOrder]:
    found = read(how, *rows)
    assert found.faults == []
    return [message.command for message in found.messages if isinstance(message.command, TakeOverOrder)]


def told(found: Read) -> list[tuple[int, str]]:
    assert not any(fault.zh.isascii() for fault in found.faults)
    return [(fault.line, fault.en) for fault in found.faults]


# ---- what good files become


def test_an_order_of_jushuitan_is_the_platforms_own() -> None:
    (order,) = orders(JUSHUITAN, JST, {**JST, **HAT, "运费": "", "抵扣金额": ""})
    assert (order.channel, order.shop, order.native) == ("DY", "dy-main", "6900001")
    assert [(line.sku, line.units, line.amount_fen, line.native) for line in order.lines] == [
        ("SHIRT", 2, 19_800, "69000011"),
        ("HAT", 1, 3_000, "69000012"),
    ]
    assert (order.amount_fen, order.freight_fen, order.discount_fen) == (23_000, 600, 400)
    assert (order.placed_at, order.paid_at, order.said_at) == (at(26, 4), at(26, 4, 5), at(26, 4, 5))
    assert (order.left, order.holds, order.masked, order.region) == ((), (), False, "浙江")
    assert (order.person.name, order.person.detail, order.person.buyer) == ("陈小明", "良渚街道 12 号", "u1")
    assert (order.system, order.native_status) == ("jushuitan", "已付款待审核")


def test_an_order_of_wangdiantong_is_the_platforms_own() -> None:
    """Shares of a price have four decimals; in fen they come to the same."""
    thirds = [
        {**WDT, "分摊后总价": share, "子单原始子单号": str(n)}
        for n, share in enumerate(("33.3333", "33.3333", "33.3334"))
    ]
    (order,) = orders(WANGDIANTONG, *[{**row, "应收金额": "107.5"} for row in thirds])
    assert (order.channel, order.shop, order.native) == ("PD", "pd-main", "1700001")
    assert [line.amount_fen for line in order.lines] == [3_333, 3_333, 3_334]
    assert (order.amount_fen, order.freight_fen) == (10_750, 750)
    assert (order.person.province, order.person.city, order.person.district) == ("浙江省", "杭州市", "余杭区")


def test_several_shops_stand_in_one_file() -> None:
    how = msgspec.structs.replace(JUSHUITAN, shops={"多多店": "pd-main"})
    found = orders(
        how,
        JST,
        {**JST, "内部订单号": "1002", "线上订单号": "1700001", "店铺名称": "多多店", "平台站点": "拼多多"},
    )
    assert [order.shop for order in found] == ["dy-main", "pd-main"]


def test_of_a_split_order_what_was_sent_has_left() -> None:
    rest = {**JST, **HAT, "内部订单号": "1002", "运费": "", "抵扣金额": ""}
    (order,) = orders(JUSHUITAN, {**JST, **SENT}, rest)
    (parcel,) = order.left
    assert (parcel.dispatch, parcel.carrier, parcel.waybill) == ("jushuitan-1001", "SF", "SF1")
    assert (parcel.units, parcel.shipped_at) == ((Units(1, 2),), at(27, 1))
    assert (order.native_status, order.said_at) == ("已发货 已付款待审核", at(27, 1))
    assert order.amount_fen == 23_000


def test_of_a_merged_document_each_row_says_whose_it_is() -> None:
    """Freight of the document goes to the first order in it, so that nothing of it is lost."""
    merged = {**JST, "线上订单号": "6900001,6900002", "应付金额": "230", **SENT}
    first, second = orders(
        JUSHUITAN, {**merged, "原始线上订单号": "6900001"}, {**merged, **HAT, "原始线上订单号": "6900002"}
    )
    assert (first.native, first.amount_fen, second.native, second.amount_fen) == (
        "6900001",
        20_000,
        "6900002",
        3_000,
    )
    assert first.left[0].waybill == second.left[0].waybill == "SF1"
    assert read(JUSHUITAN, merged).faults[0].en.startswith("native: several orders of a platform in one")


def test_what_hangs_together_is_cut_nowhere() -> None:
    merged = {**JST, "线上订单号": "6900001,6900002"}
    found = read(
        JUSHUITAN,
        {**merged, "原始线上订单号": "6900001"},
        {**JST, "内部订单号": "1002", "线上订单号": "6900003"},
        {**merged, "原始线上订单号": "6900002"},
    )
    assert [message.command.native for message in found.messages] == ["6900001", "6900002", "6900003"]  # type: ignore[attr-defined]
    assert list(found.cuts) == [0, 2]


def test_what_is_no_longer_open_is_counted_and_left_out() -> None:
    rows = [
        {**JST, "内部订单号": str(n), "线上订单号": str(n), "状态": word}
        for n, word in enumerate(("取消", "被合并", "被拆分", "取消"))
    ]
    found = read(JUSHUITAN, *rows, JST)
    assert (len(found.messages), found.faults, found.over) == (1, [], {"取消": 2, "被合并": 1, "被拆分": 1})


@pytest.mark.parametrize(
    ("how", "row", "holds"),
    [
        (JUSHUITAN, {**JST, "状态": "异常", "异常类型": "地址不完整"}, ("address",)),
        (JUSHUITAN, {**JST, "状态": "异常", "异常类型": "其它"}, ("held-before",)),
        (JUSHUITAN, {**JST, "标签": "预售,大客户"}, ("presale",)),
        (JUSHUITAN, {**JST, "状态": "发货中"}, ("held-before",)),
        (WANGDIANTONG, {**WDT, "货到付款": "是", "付款时间": ""}, ()),
        (WANGDIANTONG, {**WDT, "订单退款状态": "申请退款"}, ("refund-asked",)),
        (WANGDIANTONG, {**WDT, "订单状态": "预订单"}, ("held-before",)),
        (WANGDIANTONG, WDT, ()),
    ],
)
def test_why_it_was_not_sent_is_a_hold(how: ImportMap, row: Row, holds: tuple[str, ...]) -> None:
    assert [order.holds for order in orders(how, row)] == [holds]


@pytest.mark.parametrize(
    ("change", "masked"),
    [
        ({}, False),
        ({"手机": "138****0000"}, True),
        ({"收货人姓名": "张*"}, True),
        ({"收货人姓名": "~AgAAAA==~1~"}, True),
        ({"地址": "$abc$1$"}, True),
        ({"地址": "", "街道": ""}, True),
        ({"省份": ""}, True),
    ],
)
def test_a_receiver_that_is_hidden_is_known_to_be(change: Row, masked: bool) -> None:
    assert [order.masked for order in orders(JUSHUITAN, {**JST, **change})] == [masked]


def test_gifts_and_bundles_are_marked() -> None:
    gift = {**JST, **HAT, "是否赠品": "是", "商品金额": "0"}
    (order,) = orders(JUSHUITAN, {**JST, "组合装商品编码": "SET"}, gift)
    first, second = order.lines
    assert (first.bundle, first.bundle_units, first.gift) == ("SET", 2, False)
    assert (second.gift, second.amount_fen, second.title) == (True, 0, "帽子 白 / L")


def test_what_is_paid_at_the_door_is_not_paid_yet() -> None:
    (at_the_door,) = orders(WANGDIANTONG, {**WDT, "货到付款": "是", "付款时间": ""})
    (before,) = orders(WANGDIANTONG, {**WDT, "货到付款": "是"})
    assert (at_the_door.cod, at_the_door.paid_at, before.cod) == (True, None, False)


def test_an_unpaid_order_has_no_payment() -> None:
    (order,) = orders(JUSHUITAN, {**JST, "状态": "待付款"})
    assert order.paid_at is None


def test_a_workbook_says_the_same_as_a_csv_file() -> None:
    rows = [JST, {**JST, **HAT}]
    one, other = read(JUSHUITAN, *rows), read(JUSHUITAN, *rows, form=write_xlsx)
    assert one.messages == other.messages


def test_the_rows_of_an_order_under_the_heading_are_the_same_order_again() -> None:
    found = read(JUSHUITAN, JST, {**JST, **HAT}, {**JST, "内部订单号": "1002", "线上订单号": "6900003"})
    for message in found.messages:
        again = read_file(found.heading + message.raw, JUSHUITAN, CONF.policy, None)
        assert again.messages == [message]


# ---- bad rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"店铺名称": "陌生店"}, "shop: '陌生店' is none of ours; add it to `shops` of the map"),
        ({"店铺名称": "同单小程序", "平台站点": ""}, "shop: the own shop mp-main sends its orders itself"),
        ({"平台站点": "拼多多"}, "platform: '拼多多' is PD, but dy-main is on DY"),
        ({"平台站点": "月球"}, "platform: '月球' is no channel of the map"),
        ({"状态": "在路上"}, "status: expected one of 待付款"),
        ({"付款日期": ""}, "paid_at: is empty, though the status '已付款待审核' means paid"),
        ({"商品金额": "1.00001"}, "amount: expected yuan such as 199.00"),
        ({"商品金额": "-1"}, "amount: expected yuan such as 199.00"),
        ({"数量": "0"}, "units: expected a whole number from 1"),
        ({"商品编码": ""}, "sku: is empty"),
        ({"内部订单号": ""}, "document: is empty"),
        ({"线上订单号": ""}, "native: is empty"),
        ({"省份": "良渚"}, "province: expected the name of a province"),
        ({"下单时间": "昨天"}, "placed_at: expected a time such as"),
        ({"抵扣金额": "999"}, "discount: is more than all the rest"),
        ({"应付金额": "1"}, "due: rows 19800 + freight 600 - discount 400 fen are not 100"),
    ],
)
def test_a_mistake_is_named_by_its_line_and_other_orders_are_good(change: Row, said: str) -> None:
    other = {**JST, "内部订单号": "1002", "线上订单号": "6900003"}
    found = read(JUSHUITAN, other, {**JST, **change})
    ((line, words),) = told(found)
    assert (line, said in words) == (3, True), words
    assert len(found.messages) == 1
    assert list(found.refused) == [3]


def test_one_mistake_refuses_all_that_hangs_together() -> None:
    merged = {**JST, "线上订单号": "6900001,6900002", "原始线上订单号": "6900001"}
    found = read(JUSHUITAN, merged, {**merged, "原始线上订单号": "6900002", "数量": "x"})
    assert [line for line, _ in told(found)] == [3]
    assert (found.messages, sorted(found.refused)) == ([], [2, 3])


def test_rows_of_one_document_that_differ_are_named() -> None:
    ((line, words),) = told(
        read(JUSHUITAN, JST, {**JST, **HAT, "快递单号": "SF2"}, {**JST, "快递单号": "SF3"})
    )
    assert (line, words) == (4, "waybill: differs from line 3 of the same order")


def test_no_mistake_quotes_a_person() -> None:
    said = repr(read(JUSHUITAN, {**JST, "省份": "良渚省"}, {**JST, "地址": "陈" * 2_000}).faults)
    assert not any(word in said for word in ("陈", "120123", "良渚"))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_shares_in_fen_have_the_same_sum(parts: list[int]) -> None:
    fen = in_fen(parts)
    assert abs(sum(parts) - 100 * sum(fen)) <= 50
    assert all(abs(100 * one - part) < 100 for one, part in zip(fen, parts, strict=True))


# ---- maps


@pytest.mark.parametrize(
    ("old", "new", "place", "expected"),
    [
        ("system: jushuitan", "system: 聚水潭", "system", "small letters"),
        ("  sku: 商品编码\n", "", "columns", "expected also sku"),
        ("shops: {}", "shops: {多多店: nowhere}", "shops", "expected one of"),
        ("预售: presale", "预售: 预售", "holds", "small letters"),
        ("已发货: left", "已发货: gone", "states", "Invalid enum value"),
        ("kind: open-orders", "kind: orders", "columns, values", "expected only"),
        ("encoding: auto", "encoding: auto\nshop: dy-main", "shop", "expected none"),
    ],
)
def test_a_mistake_in_a_map_is_named(tmp_path: Path, old: str, new: str, place: str, expected: str) -> None:
    (tmp_path / "imports").mkdir()
    text = (FOLDER / "imports" / "jushuitan-orders.yml").read_text()
    assert old in text
    (tmp_path / "imports" / "jushuitan-orders.yml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfError) as refused:
        load_import(tmp_path, "jushuitan-orders", CONF.policy)
    assert refused.value.place.startswith(place)
    assert expected in refused.value.expected
