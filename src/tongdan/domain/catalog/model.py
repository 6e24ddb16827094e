"""The states of the catalogue: own SKUs, and the offers of platforms that are matched to them.

A product is no thing of its own but the SKUs that share its code, which is how sellers keep their tables (款号 and
规格编码). An offer is what a platform's shop calls one SKU. It is matched once, for all orders to come; until then the
lines that asked wait in it, in order of arrival.
"""

from typing import Final

import msgspec

from tongdan.domain.kernel.parts import Part

MAX_WAITING: Final = 1_000  # lines in one offer: for later ones a person asks again


class Description(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`product` is the code its variants share, `variant` what tells it apart (颜色规格). At or below
    `low_stock_units` stock is low; one buyer may buy `limit_units`, 0 for any number. `active` False: no longer sold.
    """

    title: str
    product: str = ""
    variant: str = ""
    weight_g: int = 0
    low_stock_units: int = 0
    limit_units: int = 0
    barcode: str = ""
    active: bool = True


class Sku(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An own SKU. With `parts` it is a bundle. `cost_fen`: what a unit costs the seller, None where nobody has said."""

    sku: str
    description: Description
    parts: tuple[Part, ...] = ()
    cost_fen: int | None = None


class Asking(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line of an order that asks for a match."""

    order: str
    line: int


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`sku` "": not matched. `outer` is the code that the shop's own people gave it there, `title` its words.

    `product` is the platform's number of the goods it is a variant of, "" where nobody has said.
    """

    channel: str
    shop: str
    offer: str
    sku: str = ""
    outer: str = ""
    title: str = ""
    waiting: tuple[Asking, ...] = ()
    product: str = ""


class GiftItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of a line of an order that a rule gives."""

    line: int
    sku: str
    units: int


class GiftCount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a limited gift rule has given: how often in all, and to whom. `MAX_LIMIT_TIMES` bounds it."""

    rule: str
    given: int = 0
    claims: dict[str, int] = {}
