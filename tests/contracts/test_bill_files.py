"""Bill files as providers write them: which row is what, to the fen; wrong totals and bad rows are named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tongdan.adapters.bill_files import Bill, read_alipay, read_mapped, read_wechat
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


def test_a_platforms_bill_by_its_map() -> None:
    heading = "订单号,收入合计,结算时间,流水号,平台服务费,佣金\n"
    text = heading + "69001,99.00,2026-01-27 12:00:01,L1,0.60,1.98\n69002,x,,,,\n"
    bill = read_mapped(text.encode(), load_bill(CONF, "douyin"))
    assert bill.rows == (
        Row(line=2, kind=Kind.TRADE, reference="L1", name="69001", amount_fen=9_900, at=AT, fee_fen=-258),
    )
    assert [fault.line for fault in bill.faults] == [3]
    for name in ("nowhere", "../channels/DY", ""):
        with pytest.raises(ConfError):
            load_bill(CONF, name)
