"""What an order is to every platform, and to those that price units and not lines."""

from dataclasses import dataclass
from datetime import datetime

from tongdan.labs.world.people import Buyer
from tongdan.labs.world.retail import Basket, BasketLine


@dataclass
class Sold:
    """An order by the platform's number; a listing finds it by `updated_at`."""

    id: str
    buyer: Buyer
    placed_at: datetime
    updated_at: datetime


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


def sold_units(line: BasketLine) -> int:
    """Where what a line costs is no whole price a unit, all of it is sold as one."""
    return line.units if (line.amount_fen + line.discount_fen) % line.units == 0 else 1


def unit_price_fen(line: BasketLine) -> int:
    return (line.amount_fen + line.discount_fen) // sold_units(line)
