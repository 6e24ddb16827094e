"""What is asked of the catalogue: SKUs with their stock, offers, and who may be meant by one nobody has matched.

A suggestion is a guess of a machine for a person to confirm, so it says why it was made and is never acted on. The same
code or bar code ranks before similar titles; titles are compared by pairs of characters, which needs no word list and
suits Chinese.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from tongdan.domain.catalog.commands import DefineSku
from tongdan.domain.catalog.model import Offer, Sku
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.keys import OFFER, SKU, sku_key, stock_key
from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.domain.kernel.parts import Part
from tongdan.domain.kernel.policy import Shop
from tongdan.ports import Reads

SUGGESTED: Final = 3  # for one offer
LIKE_PERCENT: Final = 30  # below it titles have nothing in common but common words

NO_SUCH_SKU: Final = RefusalKind(
    "no-such-sku",
    404,
    en="There is no own SKU {sku!r}. Define it first, or look it up with `tongdan catalog list`.",
    zh="没有自有商品编码 {sku!r}。请先建立，或用 `tongdan catalog list` 查询。",
)
NO_SUCH_PRODUCT: Final = RefusalKind(
    "no-such-product",
    404,
    en="No own SKU belongs to a product {product!r}. A product is the SKUs that share its code.",
    zh="没有属于款号 {product!r} 的商品。同一款号的商品编码构成一个商品。",
)
NO_SUCH_SHOP: Final = RefusalKind(
    "no-such-shop",
    404,
    en="There is no shop {shop!r}. Expected one of {known}.",
    zh="没有店铺 {shop!r}。应为 {known} 之一。",
)
PART_IS_BUNDLE: Final = RefusalKind(
    "part-is-bundle",
    422,
    en="{part!r} is a bundle itself. Name the parts that it is made of.",
    zh="{part!r} 本身是组合装。请直接写它所含的单品。",
)
ALREADY_PART: Final = RefusalKind(
    "already-part",
    422,
    en="{sku!r} is a part of the bundle {bundle!r} and cannot be one itself. Take it out there first.",
    zh="{sku!r} 是组合装 {bundle!r} 的单品，不能再成为组合装。请先从其中移除。",
)


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU that may be meant. `why`: same-code, same-barcode, or similar-title; 100 % is the same."""

    sku: str
    title: str
    why: str
    likeness_percent: int


def skus(reads: Reads, after: str = "") -> Iterator[Sku]:
    """Own SKUs by code, beyond `after`."""
    for _, sku in reads.under(SKU, sku_key(after) if after else ""):
        yield sku


def is_asked_for(sku: Sku, product: str, text: str) -> bool:
    """It is of the product, and has `text` in code, title or bar code; "" asks for nothing."""
    said = sku.description
    words = f"{sku.sku}\n{said.title}\n{said.barcode}".casefold()
    return product in ("", said.product) and text.casefold() in words


def offers(reads: Reads, after: str = "") -> Iterator[tuple[str, Offer]]:
    """(key, offer) beyond the key `after`."""
    yield from reads.under(OFFER, after)


def find_sku(reads: Reads, code: str) -> Sku | None:
    found = reads.order(sku_key(code))
    return found if isinstance(found, Sku) else None


def shop_of(shops: Mapping[str, Shop], id: str) -> Shop | Refusal:
    return shops.get(id) or NO_SUCH_SHOP.of(shop=id, known=", ".join(shops))


def available_units(reads: Reads, sku: Sku) -> int:
    """What may still be sold in all warehouses; of a bundle as many as its scarcest part makes."""
    if sku.parts:
        return min([_available(reads, part.sku) // part.units for part in sku.parts])
    return _available(reads, sku.sku)


def _available(reads: Reads, code: str) -> int:
    stock = reads.order(stock_key(code))
    return sum(level.available for level in stock.levels.values()) if isinstance(stock, Stock) else 0


def misbundled(known: Mapping[str, tuple[Part, ...]], wanted: Sequence[DefineSku]) -> list[Refusal | None]:
    """What a SKU's own state cannot know, for each of `wanted` if all were defined: that its parts exist, and that
    nothing is a bundle within a bundle. `known`: every own SKU and its parts, () for an ordinary one."""
    defined = {each.sku: each.parts for each in wanted}
    then = {**known, **defined}
    kept = {sku: parts for sku, parts in known.items() if sku not in defined}
    bundle_of = {part.sku: sku for sku, parts in kept.items() for part in parts}
    return [_misbundled(then, bundle_of, each) for each in wanted]


def _misbundled(
    then: Mapping[str, tuple[Part, ...]], bundle_of: Mapping[str, str], wanted: DefineSku
) -> Refusal | None:
    for part in wanted.parts:
        if part.sku not in then:
            return NO_SUCH_SKU.of(sku=part.sku)
        if then[part.sku]:
            return PART_IS_BUNDLE.of(part=part.sku)
    if wanted.parts and wanted.sku in bundle_of:
        return ALREADY_PART.of(sku=wanted.sku, bundle=bundle_of[wanted.sku])
    return None


class Ranking:
    """The best suggestions for some offers, from SKUs that are shown to it one after the other."""

    def __init__(self, wanted: Iterable[Offer]) -> None:
        self._wanted = [(offer, _pairs(offer.title)) for offer in wanted]
        self._best: list[list[Suggestion]] = [[] for _ in self._wanted]

    def see(self, sku: Sku) -> None:
        said = sku.description
        if not said.active:
            return
        pairs = _pairs(said.title + said.variant)
        for best, (offer, asked) in zip(self._best, self._wanted, strict=True):
            why, likeness = _likeness(offer, asked, sku, pairs)
            if why:
                best.append(Suggestion(sku=sku.sku, title=said.title, why=why, likeness_percent=likeness))
                best.sort(key=lambda each: (each.why == "similar-title", -each.likeness_percent, each.sku))
                del best[SUGGESTED:]

    def best(self) -> list[list[Suggestion]]:
        """For each offer, in the order they were given."""
        return self._best


def _likeness(offer: Offer, asked: set[str], sku: Sku, pairs: set[str]) -> tuple[str, int]:
    codes = {code.casefold() for code in (offer.outer, offer.offer) if code}
    if sku.sku.casefold() in codes:
        return "same-code", 100
    if sku.description.barcode.casefold() in codes:
        return "same-barcode", 100
    both = len(asked & pairs)
    percent = 200 * both // (len(asked) + len(pairs)) if both else 0
    return ("similar-title", percent) if percent >= LIKE_PERCENT else ("", 0)


def _pairs(text: str) -> set[str]:
    """The pairs of neighbouring characters; width, case and punctuation do not count."""
    plain = [each for each in unicodedata.normalize("NFKC", text).casefold() if each.isalnum()]
    return {a + b for a, b in pairwise(plain)}
