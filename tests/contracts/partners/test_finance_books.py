"""Finance's list of a day: asked for signed, page by page, or read from a file, row by row."""

import json
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from tests.contracts.partners.called import Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF, credentials

from tongdan.adapters import finance_rules
from tongdan.adapters.csv_table import FileRefused
from tongdan.adapters.partners.authentic import sign
from tongdan.adapters.partners.finance import FinanceActor
from tongdan.adapters.partners.finance_books import read_file
from tongdan.adapters.partners.settings import FinanceBooks, FinanceFile
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.domain.finance.books import BooksPage, Entry, ListBooks
from tongdan.ports import HttpResponse, Repeat

HOST = "finance.example.com"
DAY = date(2026, 1, 27)
ORDER = "DY20260127000892"
ASKED = ListBooks(partner="finance", day=DAY, cursor="c2")
SETTINGS = msgspec.structs.replace(
    CONF.partners.finance,
    books=msgspec.structs.replace(
        CONF.partners.finance.books, shops={"抖音旗舰店": "dy-main"}, closes="23:00"
    ),
)
AT = datetime(2026, 1, 27, 4, tzinfo=UTC)


def finance(partner: Partner) -> FinanceActor:
    return FinanceActor("finance", SETTINGS, partner.wire)


async def test_a_page_is_asked_for_signed_over_its_path_and_query() -> None:
    said = {
        "orders": [
            {
                "order": ORDER,
                "amount_fen": 12_900,
                "at": "2026-01-27T12:00:00+08:00",
                "shop": "抖音旗舰店",
                "id": "B1",
            },
            {"order": "69001", "amount": "0.01", "at": "2026-01-27 12:00:00"},
        ],
        "cursor": "c3",
    }
    partner = Partner(HOST, ok(json.dumps(said).encode()))
    outcome = await done(finance(partner).perform(errand(ASKED, "finance")))
    assert outcome.found == BooksPage(
        (
            Entry(name=ORDER, day=DAY, amount_fen=12_900, shop="dy-main", at=AT, reference="B1"),
            Entry(name="69001", day=DAY, amount_fen=1, at=AT),
        ),
        "c3",
    )
    (asked,) = partner.asked
    target = urlsplit(asked.url)
    assert (asked.method, asked.body) == ("GET", b"")
    assert dict(parse_qsl(target.query)) == {"date": "2026-01-27", "cursor": "c2"}
    secret = credentials().get("finance/main")["secret"].encode()
    headers = asked.headers
    signed = sign(
        secret, headers["x-tongdan-timestamp"], headers["x-tongdan-nonce"], f"{target.path}?{target.query}".encode()
    )  # fmt: skip
    assert headers["x-tongdan-signature"] == signed
    assert finance(partner).verbs[ListBooks].repeat is Repeat.NATURAL


@pytest.mark.parametrize(
    "said",
    [
        {"orders": [{"order": ORDER}]},
        {"orders": [{"order": ORDER, "amount_fen": 1, "amount": "0.01"}]},
        {"orders": [{"order": " ", "amount_fen": 1}]},
        {"orders": [{"order": ORDER, "amount_fen": 1, "at": "yesterday"}]},
        {"orders": [{"order": ORDER, "amount_fen": 1}] * 501},
        {"rows": []},
    ],
)
async def test_a_page_that_cannot_be_read_is_no_list(said: dict[str, object]) -> None:
    partner = Partner(HOST, ok(json.dumps(said).encode()))
    outcome = await failed(finance(partner).perform(errand(ASKED, "finance")))
    assert outcome.error.startswith("finance's list cannot be read:")


ROWS = [
    ["订单编号", "入账金额", "支付时间", "记账日期", "店铺", "凭证号"],
    [ORDER, "1,290.00", "2026-01-27 23:30:00", "", "抖音旗舰店", "记-1"],
    ["69001", "¥0.01", "", "2026/01/26", "mp-main", ""],
    ["69002", "1.005", "", "", "", ""],
    ["69003", "3", "", "", "", ""],
]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_is_read_row_by_row_and_bad_rows_are_named(kind: str) -> None:
    text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in ROWS)
    raw = write_xlsx(ROWS) if kind == "xlsx" else text.encode("gb18030")
    entries, faults = read_file(raw, SETTINGS, DAY)
    late = datetime(2026, 1, 27, 15, 30, tzinfo=UTC)
    assert entries == [
        Entry(
            name=ORDER,
            day=date(2026, 1, 28),
            amount_fen=129_000,
            shop="dy-main",
            at=late,
            reference="记-1",
            line=2,
        ),
        Entry(name="69001", day=date(2026, 1, 26), amount_fen=1, shop="mp-main", line=3),
        Entry(name="69003", day=DAY, amount_fen=300, line=5),
    ]
    assert [fault.line for fault in faults] == [4]


def test_a_file_of_other_headings_or_without_a_map_is_refused_whole() -> None:
    with pytest.raises(FileRefused):
        read_file("号,钱\n1,2\n".encode(), SETTINGS, DAY)
    bare = msgspec.structs.replace(SETTINGS, books=FinanceBooks())
    with pytest.raises(FileRefused, match=r"finance\.books\.file"):
        read_file("订单号,金额\n1,2\n".encode(), bare, DAY)


@pytest.mark.parametrize(
    ("books", "place"),
    [
        (FinanceBooks(url="ftp://x"), "url"),
        (FinanceBooks(closes="24:00"), "closes"),
        (FinanceBooks(url="https://x", compare_at="8"), "compare_at"),
        (FinanceBooks(compare_at="08:00"), "compare_at"),
        (FinanceBooks(fees_bp={"DY": -1}), "fees_bp"),
        (FinanceBooks(test_shops=("nowhere",)), "shops"),
        (FinanceBooks(shops={"x": "nowhere"}), "shops"),
        (FinanceBooks(test_numbers=("",)), "test_numbers"),
        (FinanceBooks(file=FinanceFile(columns={"name": "a"})), "file.columns"),
        (FinanceBooks(file=FinanceFile(columns={"name": "a", "amount": "b", "sum": "c"})), "file.columns"),
    ],
)
def test_a_way_of_counting_that_cannot_be_meant_is_refused(books: FinanceBooks, place: str) -> None:
    wrong = finance_rules.mistake(books, CONF.policy.shops)
    assert wrong is not None and wrong[0] == place
    assert finance_rules.mistake(SETTINGS.books, CONF.policy.shops) is None


@pytest.mark.parametrize(("status", "away"), [(401, True), (403, False)])
async def test_a_key_that_the_list_does_not_take_is_no_fault_of_the_question(status: int, away: bool) -> None:
    partner = Partner(HOST, HttpResponse(status, {}, b""))
    outcome = await failed(finance(partner).perform(errand(ASKED, "finance")))
    assert (outcome.partner_wide, outcome.final, outcome.turned_away) == (True, False, away)


async def test_a_day_that_finance_refuses_is_this_questions_fault() -> None:
    outcome = await failed(
        finance(Partner(HOST, HttpResponse(404, {}, b""))).perform(errand(ASKED, "finance"))
    )
    assert (outcome.partner_wide, outcome.final, outcome.turned_away) == (False, True, False)
