"""What has happened to own SKUs and to the offers of platforms."""

from datetime import datetime

from tongdan.domain.catalog.model import Asking, Description, GiftItem
from tongdan.domain.kernel.messages import Fact
from tongdan.domain.kernel.parts import Part


class SkuDescribed(Fact, frozen=True, kw_only=True):
    sku: str
    description: Description


class BundleDefined(Fact, frozen=True, kw_only=True):
    """What it is made of; without `parts` it is sold as itself again. Lines that were opened before stay so."""

    sku: str
    parts: tuple[Part, ...]


class SkuCosted(Fact, frozen=True, kw_only=True):
    """What a unit costs the seller from now on; None: that is not known any more."""

    sku: str
    cost_fen: int | None


class OfferSeen(Fact, frozen=True, kw_only=True):
    """An order calls a platform's SKU by words that were not known yet."""

    channel: str
    shop: str
    offer: str
    outer: str
    title: str


class OfferMatched(Fact, frozen=True, kw_only=True):
    """`sku` "": the match was taken apart. `ends` names the tickets whose cause is gone. `before` was its SKU."""

    channel: str
    shop: str
    offer: str
    sku: str
    ends: tuple[str, ...] = ()
    before: str = ""
    product: str = ""


class MatchAwaited(Fact, frozen=True, kw_only=True):
    """A line waits for a match. `first`: no other did, so somebody has to be told."""

    order: str
    line: int
    first: bool


class MatchFound(Fact, frozen=True, kw_only=True):
    """The answer to lines that asked: at once, or after they had waited."""

    sku: str
    lines: tuple[Asking, ...]


class GiftClaimed(Fact, frozen=True, kw_only=True):
    """The rule has given to this order; stock is asked for now."""

    rule: str
    order: str
    times: int
    items: tuple[GiftItem, ...]
    region: str
    until: datetime | None


class GiftExhausted(Fact, frozen=True, kw_only=True):
    """The rule does not give so many any more."""

    rule: str
    order: str
    times: int


class GiftReturned(Fact, frozen=True, kw_only=True):
    """The order does not need its share: another may have it."""

    rule: str
    order: str
