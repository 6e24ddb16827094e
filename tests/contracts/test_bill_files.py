"""Bill files as providers write them: which row is what, to the fen; wrong totals and bad rows are named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tongdan.adapters.bill_files import Bill, read_alipay, read_wechat
from tongdan.adapters.bill_map import read_mapped
from tongdan.adapters.csv_table import FileRefused
from tongdan.adapters.policy_files import ConfError, load_bill
from tongdan.domain.finance.bills import Kind, Row

CONF = Path(__file__).parents[2] / "conf"
AT = datetime(2026, 1, 27, 4, 0, 1, tzinfo=UTC)
P1, R1 = "MP20260127000892-P1", "MP20260127000892-R1"
# The headings of a bill of all kinds, as WeChat Pay's documents of the trade bill have them.
TRADE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,"
    "申请退款金额,费率备注"
)
PAID = (
    f"`2026-01-27 12:00:01,`wx1,`1900000109,`0,`,`4200001,`{P1},`oX,`JSAPI,`SUCCESS,`OTHERS,`CNY,`205.00,`0.00,"
    "`0,`0,`0.00,`0.00,`,`,`茶, 白杯,`,`1.23000,`0.60%,`205.00,`0.00,`"
)
BACK = (
    f"`2026-01-27 12:00:01,`wx1,`1900000109,`0,`,`4200001,`{P1},`oX,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,"
    f"`5030001,`{R1},`5.00,`0.00,`ORIGINAL,`SUCCESS,`茶,`,`-0.03000,`0.60%,`0.00,`5.00,`"
)
TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def trade_bill(*rows: str, totals: str = "`2,`205.00,`5.00,`0.00,`1.20000,`205.00,`5.00") -> bytes:
    return ("\ufeff" + "\r\n".join([TRADE, *rows, TOTALS, totals, ""])).encode()


def test_a_trade_bill_of_wechat_pay() -> None:
    bill = read_wechat(trade_bill(PAID, BACK))
    assert bill == Bill(
        rows=(
            Row(line=2, kind=Kind.TRADE, reference="4200001", name=P1, amount_fen=20_500, at=AT, number="4200001",
                fee_fen=-123, said="SUCCESS"),
            Row(line=3, kind=Kind.REFUND, reference="5030001", name=P1, amount_fen=-500, at=AT, number=R1, fee_fen=3,
                said="REFUND"),
        ),
        faults=(),
    )  # fmt: skip


def test_totals_that_are_not_those_of_the_rows_are_a_fault_of_the_file() -> None:
    bill = read_wechat(trade_bill(PAID, totals="`2,`205.00,`0.00,`0.00,`1.23000,`205.00,`0.00"))
    assert [(fault.line, fault.en) for fault in bill.faults] == [
        (0, "总交易单数 says 2, its rows add up to 1")
    ]


def test_a_bad_row_is_named_and_the_others_are_read() -> None:
    usd = PAID.replace("CNY", "USD")
    bill = read_wechat(trade_bill(usd, PAID, PAID.replace("2026-01-27 12", "27.1. 12")))
    assert [fault.line for fault in bill.faults] == [2, 4]
    assert [row.line for row in bill.rows] == [3]


@pytest.mark.parametrize(
    "raw", [b"a,b\n1,2\n", "\r\n".join([TRADE, PAID]).encode(), b"", "文件".encode("utf-16")]
)
def test_what_is_no_whole_bill_is_refused(raw: bytes) -> None:
    with pytest.raises(FileRefused):
        read_wechat(raw)


def test_a_fund_bill_of_wechat_pay_has_fees_in_rows_of_their_own() -> None:
    heading = (
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
        "资金变更提交申请人,备注,业务凭证号"
    )
    rows = [
        f"`2026-01-27 12:00:01,`4200001,`F1,`交易,`交易,`收入,`205.00,`1205.00,`system,`,`{P1}",
        f"`2026-01-27 12:00:01,`4200001,`F2,`扣除交易手续费,`扣除交易手续费,`支出,`1.23,`1203.77,`system,`,`{P1}",
        f"`2026-01-27 12:00:01,`5030001,`F3,`退款,`退款,`支出,`5.00,`1198.77,`api,`,`{R1}",
        "`2026-01-27 12:00:01,`9001,`F4,`提现,`提现,`支出,`100.00,`1098.77,`li,`,`W1",
        "`2026-01-27 12:00:01,`9002,`F5,`年费,`年费,`支出,`1.00,`1097.77,`li,`,`Y1",
    ]
    totals = ["资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额", "`5,`1,`205.00,`4,`107.23"]
    bill = read_wechat("\r\n".join([heading, *rows, *totals]).encode())
    assert bill.faults == ()
    assert [(row.kind, row.name, row.amount_fen) for row in bill.rows] == [
        (Kind.TRADE, P1, 20_500),
        (Kind.FEE, P1, -123),
        (Kind.REFUND, R1, -500),
        (Kind.MOVED, "W1", -10_000),
        (Kind.OTHER, "Y1", -100),
    ]


ALIPAY = """#支付宝账务明细查询
#账号：[20880000000000000156]
#起始日期：[2026年01月27日 00:00:00]   终止日期：[2026年01月28日 00:00:00]
#-----------------------------------------账务明细列表----------------------------------------
账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注
546324\t,2026012722\t,T200P4781234567890123456\t,茶\t,2026-01-27 12:00:01,x\t,129.00,0.00,1129.00,淘宝,交易付款,
546325\t,2026012723\t,T200P4781234567890123456\t,佣金\t,2026-01-27 12:00:01,x\t,0.00,-0.77,1128.23,淘宝,收费,
#----------------------------------------账务明细列表结束-------------------------------------
#支出合计：1笔，共-0.77元
#收入合计：1笔，共129.00元
#导出时间：[2026年01月28日 13:19:00]
"""


def test_an_export_of_alipays_account_entries() -> None:
    bill = read_alipay(ALIPAY.encode("gb18030"))
    assert bill.faults == ()
    names = [(row.kind, row.name, row.amount_fen, row.reference) for row in bill.rows]
    assert names == [
        (Kind.TRADE, "4781234567890123456", 12_900, "546324"),
        (Kind.FEE, "4781234567890123456", -77, "546325"),
    ]
    wrong = read_alipay(ALIPAY.replace("1笔，共129.00", "2笔，共129.00").encode())
    assert [fault.line for fault in wrong.faults] == [0]


DOUYIN = "动账时间,动帐流水号,动账方向,动账金额,动账场景,订单号,订单实付应结,实际平台补贴,订单退款,平台服务费,佣金\n"


def test_money_movements_of_douyin() -> None:
    """The price is what moved, with what the platform took off and gave beside it, and what had gone back before."""
    bill = read_mapped(
        (
            DOUYIN
            + "2026-01-27 12:00:01,L1,入账,77.42,货款结算入账,69001,99.00,1.00,-20.00,-0.60,-1.98\n"
            + "2026-01-27 12:00:01,L2,出账,9.00,退款-结算后退款-退用户,69001,0,0,0,0,0\n"
            + "2026-01-27 12:00:01,L3,出账,100.00,提现,,0,0,0,0,0\n"
            + "2026-01-27 12:00:01,L4,入账,x,货款结算入账,69002,,,,,\n"
        ).encode(),
        load_bill(CONF, "douyin"),
    )
    told = [(row.line, row.kind, row.name, row.amount_fen, row.fee_fen, row.reference) for row in bill.rows]
    assert told == [
        (2, Kind.TRADE, "69001", 9_900, -158, "L1"),
        (2, Kind.REFUND, "69001", -2_000, 0, "L1"),
        (3, Kind.REFUND, "69001", -900, 0, "L2"),
        (4, Kind.MOVED, "", -10_000, 0, "L3"),
    ]
    assert bill.rows[0].at == AT
    assert [fault.line for fault in bill.faults] == [5]


PINDUODUO = """拼多多店铺账务明细查询

起始时间：2026-01-27 00:00:00  终止时间：2026-01-27 23:59:59
----------交易记录明细列表---------
商户订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注,业务描述
260127-1,2026-01-27 12:00:01,61.80,0,交易收入,-,0010002|交易收入-订单收入
260127-1,2026-01-27 12:00:01,0,-27.50,交易退款,-,0020002|交易退款-订单退款
260127-1,2026-01-27 12:00:01,0.00,-0.37,技术服务费,-,0030002|技术服务费-基础技术服务费
,2026-01-27 12:00:01,0.00,-30.00,转账,-,0070004|转账-广告账户
260127-1,2026-01-27 12:00:01,0.00,-8.14,其他支出,-,9990001|新业务
#合计,,61.80,-66.01,,,
"""


def test_entries_of_a_mall_of_pinduoduo() -> None:
    bill = read_mapped(PINDUODUO.encode("gb18030"), load_bill(CONF, "pinduoduo"))
    assert bill.faults == ()
    assert [(row.line, row.kind, row.amount_fen) for row in bill.rows] == [
        (6, Kind.TRADE, 6_180),
        (7, Kind.REFUND, -2_750),
        (8, Kind.FEE, -37),
        (9, Kind.MOVED, -3_000),
        (10, Kind.OTHER, -814),
    ]


@pytest.mark.parametrize(
    "heading", ["订单编号,金额,收支方向,费用结算时间,费用项", "订单编号,应结金额,费用分类,结算时间,费用名称"]
)
def test_the_settlement_of_jds_wallet(heading: str) -> None:
    """Whether what goes out is written below zero or not; what was paid for goods and goes out is a refund."""
    rows = [
        '="3553498017448001",36.80,收入,2026-01-27 12:00:01,货款',
        '="3553498017448001",-13.80,支出,2026-01-27 12:00:01,货款',
        '="3553498017448001",1.84,支出,2026-01-27 12:00:01,佣金',
    ]
    bill = read_mapped("\n".join([heading, *rows]).encode("gb18030"), load_bill(CONF, "jd"))
    assert [(row.kind, row.name, row.amount_fen) for row in bill.rows] == [
        (Kind.TRADE, "3553498017448001", 3_680),
        (Kind.REFUND, "3553498017448001", -1_380),
        (Kind.FEE, "3553498017448001", -184),
    ]


def test_a_map_that_is_not_there_or_says_no_amount_is_refused(tmp_path: Path) -> None:
    for name in ("nowhere", "../channels/DY", ""):
        with pytest.raises(ConfError):
            load_bill(CONF, name)
    (tmp_path / "bills").mkdir()
    (tmp_path / "bills" / "odd.yml").write_text("shop: x\ncolumns: {name: 单号, income: 收入}\n")
    with pytest.raises(ConfError, match="amount, or for income and spending"):
        load_bill(tmp_path, "odd")
