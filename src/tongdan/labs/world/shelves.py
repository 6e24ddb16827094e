"""What lies in the simulated warehouses, by the books of their own system: put there, taken when a parcel leaves.

What orders at work have not taken yet is locked; one damaged unit lies beside each article. Source: Qimen API 27271.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from tongdan.labs.world.delivery import Delivery


class Shelves:
    """By warehouse and article."""

    def __init__(self) -> None:
        self._units: dict[tuple[str, str], int] = {}

    def put(self, warehouse: str, article: str, units: int) -> None:
        """A count: it replaces what lay there."""
        self._units[warehouse, article] = units

    def take(self, warehouse: str, article: str, units: int) -> None:
        self._units[warehouse, article] = self._units.get((warehouse, article), 0) - units

    def listing(self, warehouse: str, article: str, page: int, size: int, locked: Mapping[str, int]) -> bytes:
        """One page of the answer to `stock.query`; `article` "": all of them."""
        here = sorted(sku for at, sku in self._units if at == warehouse and article in ("", sku))
        rows = [(sku, sort) for sku in here for sort in ("ZP", "CC")]
        root = Element("response")
        said = {"flag": "success", "code": "0", "message": "", "totalCount": str(len(rows))}
        for name, text in said.items():
            SubElement(root, name).text = text
        items = SubElement(root, "items")
        for sku, sort in rows[(page - 1) * size : page * size]:
            units = max(0, self._units[warehouse, sku])
            kept = min(units, locked.get(sku, 0))
            quantity, lock = (units - kept, kept) if sort == "ZP" else (1, 0)
            item = SubElement(items, "item")
            fields = {"warehouseCode": warehouse, "itemCode": sku, "inventoryType": sort}
            for name, text in {**fields, "quantity": str(quantity), "lockQuantity": str(lock)}.items():
                SubElement(item, name).text = text
        return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def locked_for(deliveries: Iterable[Delivery]) -> Counter[str]:
    """Units that orders at work still wait for."""
    locked = Counter[str]()
    for each in deliveries:
        if each.stage not in ("CANCELED", "DELIVERED", "SIGN"):
            locked.update({item.code: item.planned - item.left for item in each.items})
    return locked
