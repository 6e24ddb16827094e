"""Parts: what a bundle (组合装) is made of, and how one line becomes several.

A bundle is sold as one SKU, but stock and warehouses know only its parts. The words are shared, because the catalogue
defines a bundle, its stock passes the definition on and an order's line is opened by it. Units multiply and the line's
fen are shared out to the last one, so nothing is gained or lost by opening.
"""

from itertools import accumulate, pairwise
from typing import Final

import msgspec

MAX_PARTS: Final = 50
MAX_UNITS_OF_PART: Final = 1_000


class Part(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """`units` of `sku` in one bundle. `price_fen` of one unit weighs its share of the money; where no part has a price,
    units weigh."""

    sku: str
    units: int
    price_fen: int = 0


def opened(parts: tuple[Part, ...], units: int, amount_fen: int) -> list[tuple[Part, int, int]]:
    """(part, its units, its fen) for `units` bundles that cost `amount_fen` together; `parts` must not be empty."""
    weights = [part.units * part.price_fen for part in parts]
    if not any(weights):
        weights = [part.units for part in parts]
    shares_fen = shared(amount_fen, weights)
    return [(part, part.units * units, fen) for part, fen in zip(parts, shares_fen, strict=True)]


def share(amount_fen: int, units: int, before: int, n: int) -> int:
    """What of `amount_fen` for `units` falls to `n` of them after `before` others: in fen, and none is lost when all
    have been taken."""
    return amount_fen * (before + n) // units - amount_fen * before // units


def shared(amount_fen: int, weights: list[int]) -> list[int]:
    """`amount_fen` by weight (each ≥ 0, together > 0), rounded so that the shares add up to it exactly."""
    reached = [0, *accumulate(weights)]
    return [
        amount_fen * to // reached[-1] - amount_fen * start // reached[-1] for start, to in pairwise(reached)
    ]
