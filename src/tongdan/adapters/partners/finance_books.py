"""Finance's own list of the orders of a day: asked for page by page, or a file of it.

`GET {url}?date=2026-01-27&cursor=…`, signed as `authentic.py` says over path and query in place of a
body; the answer is `{"orders": [{"order", "amount_fen" or "amount", "at", "shop", "id"}], "cursor"}`, the last page
without a cursor. A file is CSV or XLSX under the headings of `finance.books.file`.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.csv_table import Fault, FileRefused, Table
from tongdan.adapters.partners.authentic import signed_headers, target_of
from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, reason_of
from tongdan.adapters.partners.settings import FinanceFile, FinanceSettings
from tongdan.adapters.table_file import read_table_file
from tongdan.domain.finance.books import PAGE_ROWS, BooksPage, Entry, ListBooks, Terms
from tongdan.domain.kernel.instants import from_local, from_rfc3339
from tongdan.domain.kernel.money import check_fen, fen_from_yuan
from tongdan.ports import Done, Errand, Failed, HttpRequest

MAX_NAME: Final = 64
COLUMNS: Final = frozenset({"name", "amount", "at", "day", "shop", "reference"})
NEEDED: Final = ("name", "amount")
_EXPECTED_ZH: Final = "应有订单号、以元为单位的金额（至多两位小数）和形如 2026-01-27 12:00:00 的时间"


class _Order(msgspec.Struct):
    order: str
    amount_fen: int | None = None
    amount: str | None = None
    at: str = ""
    shop: str = ""
    id: str = ""


class _Page(msgspec.Struct):
    orders: list[_Order]
    cursor: str = ""


_page: Final = msgspec.json.Decoder(_Page)


def terms_of(settings: FinanceSettings) -> Terms:
    """How it counts, as configured (the configuration has been checked)."""
    books = settings.books
    return Terms(
        moment=books.moment,
        zone=ZoneInfo(settings.zone),
        closes=time.fromisoformat(books.closes) if books.closes else None,
        test_shops=books.test_shops,
        test_numbers=books.test_numbers,
        fees_bp=books.fees_bp,
    )


async def list_books(
    wire: Wire, settings: FinanceSettings, errand: Errand, effect: ListBooks
) -> Done | Failed:
    fields = fields_of(wire, f"finance/{settings.system}", "secret")
    if isinstance(fields, Failed):
        return fields
    asked = {"date": effect.day.isoformat()} | ({"cursor": effect.cursor} if effect.cursor else {})
    url = f"{settings.books.url}?{urlencode(asked)}"
    nonce = f"{errand.id}-{errand.tries}"
    headers = signed_headers(fields[0].encode(), wire.clock.now(), nonce, target_of(url))
    response = await exchange(wire, HttpRequest(method="GET", url=url, headers=headers))
    if isinstance(response, Failed):
        return response
    if response.status >= 300:
        away, wide = response.status == UNAUTHORIZED, response.status in (UNAUTHORIZED, 403)
        return Failed(f"HTTP {response.status}", partner_wide=wide, final=not wide, turned_away=away)
    try:
        return Done(None, found=read_page(response.body, effect.day, settings))
    except UNREADABLE as error:
        return Failed(f"finance's list cannot be read: {reason_of(error)}", final=True)


def read_page(raw: bytes, day: date, settings: FinanceSettings) -> BooksPage:
    """Raises what `UNREADABLE` names."""
    page = _page.decode(raw)
    if len(page.orders) > PAGE_ROWS:
        raise NotReadable(f"expected at most {PAGE_ROWS} of `orders`")
    zone, shops = ZoneInfo(settings.zone), settings.books.shops
    entries = [
        Entry(
            name=_name(each.order),
            day=day,
            amount_fen=fen_of(each.amount_fen, each.amount),
            shop=shops.get(each.shop, each.shop),
            at=instant(each.at, zone) if each.at else None,
            reference=each.id[:MAX_NAME],
        )
        for each in page.orders
    ]
    return BooksPage(tuple(entries), page.cursor[:256])


def read_file(raw: bytes, settings: FinanceSettings, day: date) -> tuple[list[Entry], list[Fault]]:
    """Its entries, and what is wrong with the other rows. A row that names no day is put where its moment belongs, one
    without either into `day`. Raises FileRefused."""
    how = settings.books.file
    if how is None:
        raise FileRefused(
            "cannot be read: conf/partners.yml has no finance.books.file with the headings of its columns",
            "无法读取：conf/partners.yml 未配置 finance.books.file（列名对照）",
        )
    table = _table(raw, how)
    terms, zone, shops = terms_of(settings), ZoneInfo(settings.zone), settings.books.shops
    entries, faults = list[Entry](), list(table.faults)
    for row in table.rows:
        try:
            entries.append(_entry(row.cells, row.line, day, terms, zone, shops))
        except ValueError as error:
            faults.append(Fault(line=row.line, en=str(error), zh=_EXPECTED_ZH))
    return entries, sorted(faults, key=lambda each: each.line)


def _table(raw: bytes, how: FinanceFile) -> Table:
    optional = frozenset(COLUMNS - set(NEEDED))
    return read_table_file(
        raw, how.columns, encoding=how.encoding, optional=optional, times=frozenset({"at", "day"})
    )


def _entry(
    cells: Mapping[str, str], line: int, day: date, terms: Terms, zone: tzinfo, shops: Mapping[str, str]
) -> Entry:
    at = instant(cells["at"], zone) if cells.get("at") else None
    said = cells.get("day", "")
    stands = date.fromisoformat(said[:10].replace("/", "-")) if said else terms.day_of(at) if at else day
    shop = cells.get("shop", "")
    return Entry(
        name=_name(cells["name"]),
        day=stands,
        amount_fen=fen_from_yuan(cells["amount"].replace(",", "").removeprefix("¥")),
        shop=shops.get(shop, shop),
        at=at,
        reference=cells.get("reference", "")[:MAX_NAME],
        line=line,
    )


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= MAX_NAME:
        raise NotReadable(f"expected an order number of 1 to {MAX_NAME} characters")
    return name


def fen_of(fen: int | None, yuan: str | None) -> int:
    """A sum that comes as fen or as yuan in text, never both. Raises NotReadable or ValueError."""
    if (fen is None) == (yuan is None):
        raise NotReadable("expected either `amount_fen` (integer) or `amount` (yuan in text)")
    return check_fen(fen) if yuan is None else fen_from_yuan(yuan)


def instant(text: str, zone: tzinfo) -> datetime:
    """With an offset it is RFC 3339, without one it is local time."""
    stamp = text.strip()
    if "T" in stamp and (stamp.endswith("Z") or "+" in stamp[10:] or "-" in stamp[10:]):
        return from_rfc3339(stamp)
    return from_local(stamp.replace("T", " "), zone)
