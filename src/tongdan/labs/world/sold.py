"""What an order is to every platform, and to those that price units and not lines."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tongdan.labs.world.people import Buyer
from tongdan.labs.world.retail import Basket, BasketLine


class Bought(NamedTuple):
    """A line. `amount_fen` is None where the platform has changed it since and tells either sum."""

    sku: str
    units: int
    amount_fen: int | None


@dataclass
class Sold:
    """An order by the platform's number; a listing finds it by `updated_at`.

    `waybills` are the parcels the seller has told of, one for each time it was told.
    """

    id: str
    buyer: Buyer
    placed_at: datetime
    updated_at: datetime
    waybills: list[str] = field(default_factory=list, kw_only=True)

    @property
    def amount_fen(self) -> int:
        raise NotImplementedError

    @property
    def bought(self) -> list[Bought]:
        """Its lines as the platform tells them."""
        raise NotImplementedError


@dataclass
class SoldByPrice(Sold):
    """An order of a platform that prices units."""

    basket: Basket

    @property
    def amount_fen(self) -> int:
        return sum(line.amount_fen for line in self.basket.lines)

    @property
    def units(self) -> int:
        return sum(sold_units(line) for line in self.basket.lines)

    @property
    def bought(self) -> list[Bought]:
        """Before anything was taken off."""
        return [
            Bought(line.sku, sold_units(line), unit_price_fen(line) * sold_units(line))
            for line in self.basket.lines
        ]


def sold_units(line: BasketLine) -> int:
    """Where what a line costs is no whole price a unit, all of it is sold as one."""
    return line.units if (line.amount_fen + line.discount_fen) % line.units == 0 else 1


def unit_price_fen(line: BasketLine) -> int:
    return (line.amount_fen + line.discount_fen) // sold_units(line)
