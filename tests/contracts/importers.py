"""Every importer of files as a suite over all of them sees it: heading, good rows, and what it makes of bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.contracts.partners.played import CONF

from tongdan.adapters.catalog_file import HEADINGS, read_catalog
from tongdan.adapters.csv_table import Fault, FileRefused
from tongdan.adapters.partners.erp_csv import read_file
from tongdan.adapters.partners.erp_map import ImportMap
from tongdan.adapters.policy_files import load_import

FOLDER = Path(__file__).parents[2] / "conf"


class Found(NamedTuple):
    """How many things to write there are, and what is wrong."""

    good: int
    faults: list[Fault]


class Importer(NamedTuple):
    """`row(n)` is the nth good row, each of another thing; `code` the column of a code, which is text."""

    name: str
    heading: Sequence[str]
    row: Callable[[int], list[str]]
    code: int
    read: Callable[[bytes], Found]


def _mapped(name: str, row: Callable[[int], list[str]]) -> Importer:
    how = load_import(FOLDER, name, CONF.policy)

    def read(raw: bytes) -> Found:
        found = read_file(raw, how, CONF.policy, None)
        return Found(len(found.messages), found.faults)

    return Importer(name, headings(how), row, list(how.columns).index("sku"), read)


def headings(how: ImportMap) -> list[str]:
    """Of each column the first heading that it may have."""
    return [title if isinstance(title, str) else title[0] for title in how.columns.values()]


def _catalog(raw: bytes) -> Found:
    try:
        found = read_catalog(raw)
    except FileRefused as refused:
        return Found(0, [refused.fault])
    return Found(len(found.found), found.faults)


def _order(n: int) -> list[str]:
    who = ["陈小明", "12012345678", "浙江省", "杭州市", "余杭区", "良渚街道 12 号"]
    at = "2026-01-27 12:00:00"
    return [f"69{n:05}", "待发货", "2026-01-27 18:00:00", at, at, "6", "SHIRT", "衬衫", "2", "198.00", *who]


def _jushuitan(n: int) -> list[str]:
    who = ["u1", "陈小明", "12012345678", "浙江省", "杭州市", "余杭区", "", "良渚街道 12 号"]
    at = "2026-01-27 12:00:00"
    order = [f"10{n:05}", f"69{n:05}", "同单抖音旗舰店", "已付款待审核", at, "SHIRT", "2", "198.00"]
    article = [f"69{n:05}", "抖音", f"69{n:05}1", "衬衫", "白 / L", "否", "", "6", "0", "204.00"]
    return [*order, *article, at, "", "", "", "普通订单", "", "", "", *who]


def _wangdiantong(n: int) -> list[str]:
    who = ["u1", "陈小明", "12012345678", "浙江省 杭州市 余杭区", "良渚街道 12 号"]
    at = "2026-01-27 12:00:00"
    order = [f"JY{n:05}", f"17{n:05}", "同单拼多多旗舰店", "待客审", at, "SHIRT", "2", "198.0000"]
    article = [f"17{n:05}1", "900", "衬衫", "白 / L", "非赠品", "", "6.0000", "204.00"]
    return [*order, *article, at, "", "", "", "网店销售", "", "无退款", "否", *who]


IMPORTERS = (
    Importer(
        "catalog",
        [zh for _, zh in HEADINGS.values()],
        lambda n: [f"CUP{n:05}", "青瓷茶杯", "CUP", "白", "300", "5", "2", "6901", "是", "", "12.50"],
        0,
        _catalog,
    ),
    _mapped("stock-count", lambda n: [f"S{n:05}", "华东嘉兴仓", "12", "2026-01-27 18:00:00"]),
    _mapped("erp-orders", _order),
    _mapped("jushuitan-orders", _jushuitan),
    _mapped("wangdiantong-orders", _wangdiantong),
)
