"""What a platform has for sale, as its seller told it: buyers take from it, and a cancelled order is put back.

Only offers that were put up are limited; everything else is sold without end. A shelf's own faults (busy, too many
calls, an answer lost after the deed) strike the seller's calls by chance, call by call, and are counted.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import ANSWER_LOST, BUSY, LIMITED

KINDS: Final = (BUSY, LIMITED, ANSWER_LOST)
Method = Callable[[Mapping[str, Any]], Any]


class NoSuchOffer(Exception):
    """The seller names goods or a SKU that is not theirs, or a number that cannot be."""


@dataclass
class Facing:
    """One offer: its number, its goods' number, the seller's own SKU; `told` is every number it was given."""

    offer: str
    product: str
    sku: str
    units: int
    sold_units: int
    told: list[int]


class Shelf:
    """`share` (0…1) of the seller's calls meet a fault."""

    def __init__(self, seed: int, name: str) -> None:
        self.share = 0.0
        self.met: Final = Counter[str]()
        self.facings: Final[dict[str, Facing]] = {}
        self._seed: Final = seed
        self._name: Final = name
        self._calls = 0

    def put_up(self, offer: str, product: str, sku: str, units: int = 0) -> None:
        self.facings[sku] = Facing(offer, product, sku, units, 0, [])

    def take(self, sku: str, units: int) -> bool:
        """A buyer wants so many: all of them or none."""
        facing = self.facings.get(sku)
        if facing is None:
            return True
        if facing.units < units:
            return False
        facing.units -= units
        facing.sold_units += units
        return True

    def fault(self) -> str:
        """What strikes the next call; "": nothing."""
        self._calls += 1
        stream = Stream(self._seed, "shelf", self._name, self._calls)
        if not stream.chance(self.share):
            return ""
        kind = stream.pick(KINDS)
        self.met[kind] += 1
        return kind

    def set(self, offer: object, units: object, product: object = None) -> None:
        """Raises NoSuchOffer."""
        facing = self._facing(offer, product)
        number = int(str(units))
        if number < 0:
            raise NoSuchOffer
        facing.units = number
        facing.told.append(number)

    def change(self, product: object, offer: object, units: int, *, adds: bool) -> None:
        """By a difference. Raises NoSuchOffer also when it would go below nothing."""
        facing = self._facing(offer, product)
        if units <= 0:
            raise NoSuchOffer
        self.set(offer, facing.units + (units if adds else -units), product)

    def of_product(self, product: object) -> list[Facing]:
        return [each for each in self.facings.values() if each.product == str(product)]

    def _facing(self, offer: object, product: object) -> Facing:
        for each in self.facings.values():
            if each.offer == str(offer) and (product is None or each.product == str(product)):
                return each
        raise NoSuchOffer


def douyin(shelf: Shelf) -> dict[str, Method]:
    def sync(said: Mapping[str, Any]) -> object:
        shelf.set(said["sku_id"], said["stock_num"])
        return {}

    return {"sku.syncStock": sync}


def pinduoduo(shelf: Shelf) -> dict[str, tuple[str, Method]]:
    def update(said: Mapping[str, Any]) -> object:
        shelf.set(said["sku_id"], said["quantity"], said["goods_id"])
        return {"is_success": True}

    return {"pdd.goods.quantity.update": ("goods_quantity_update_response", update)}


def taobao(shelf: Shelf) -> dict[str, Method]:
    def update(said: Mapping[str, Any]) -> object:
        for each in said["skuid_quantities"].split(";"):
            offer, _, units = each.partition(":")
            shelf.set(offer, units, said["num_iid"])
        return {"item": {"num_iid": int(said["num_iid"])}}

    return {"taobao.skus.quantity.update": update}


def jd(shelf: Shelf) -> dict[str, tuple[str, Method]]:
    def update(said: Mapping[str, Any]) -> dict[str, object]:
        shelf.set(said["skuId"], said["stockNum"])
        return {"success": True}

    return {"jingdong.stock.write.updateSkuStock": ("jingdong_stock_write_updateSkuStock_responce", update)}


def kuaishou(shelf: Shelf) -> dict[str, Method]:
    def skus(said: Mapping[str, Any]) -> object:
        found = shelf.of_product(said["kwaiItemId"])
        return [{"skuId": int(each.offer), "skuStock": each.units} for each in found]

    def change(said: Mapping[str, Any]) -> object:
        adds = said["changeType"] == 1
        shelf.change(said["kwaiItemId"], said["skuId"], said["skuChangeStock"], adds=adds)
        return {}

    return {"open.item.sku.list.get": skus, "open.item.sku.stock.update": change}


METHODS: Final = frozenset(
    name for of in (douyin, pinduoduo, taobao, jd, kuaishou) for name in of(Shelf(0, ""))
)
