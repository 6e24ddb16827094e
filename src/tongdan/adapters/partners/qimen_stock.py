"""Qimen `stock.query`: what the WMS says lies in a warehouse, a page at a time.

Source: Qimen API 27271; names as in the platform's kits (StockQueryRequest, StockQueryResponse): warehouseCode,
ownerCode, itemCode, inventoryType, page from 1, pageSize up to 100; totalCount (`totalLines` was seen too), items/item.
Assumed: `quantity` leaves out `lockQuantity`, so on hand is both; ZP is what may be sold; a row without a type is ZP.
"""

from typing import Final
from xml.etree.ElementTree import Element, SubElement

from tongdan.adapters.partners.qimen import text_of, whole_of
from tongdan.adapters.partners.reading import NotReadable
from tongdan.domain.fulfillment.wms_stock import PAGE_ROWS, QueryStock, StockPage, Told

METHOD: Final = "stock.query"
SOUND: Final = "ZP"  # 正品
MAX_UNITS: Final = 10**9


def stock_query(effect: QueryStock, owner_code: str) -> Element:
    """The request's body; without `itemCode` it means all that the owner has there."""
    request = Element("request")
    fields = {"warehouseCode": effect.warehouse, "ownerCode": owner_code}
    if effect.sku:
        fields["itemCode"] = effect.sku
    fields |= {"inventoryType": SOUND, "page": str(effect.page), "pageSize": str(PAGE_ROWS)}
    for name, value in fields.items():
        SubElement(request, name).text = value
    return request


def stock_page(root: Element, effect: QueryStock) -> StockPage:
    """Raises NotReadable; damaged stock, other warehouses and SKUs nobody asked for are left out."""
    nodes = root.findall("items/item")
    if len(nodes) > PAGE_ROWS:
        raise NotReadable(f"expected at most {PAGE_ROWS} of `items/item`")
    total = text_of(root, "totalCount", 32) or text_of(root, "totalLines", 32)
    told = []
    for node in nodes:
        sku = text_of(node, "itemCode", 64)
        if not sku:
            raise NotReadable("expected `itemCode`")
        units = _units(node, "quantity") + _units(node, "lockQuantity", "0")
        meant = (
            text_of(node, "warehouseCode", 64) in ("", effect.warehouse)
            and text_of(node, "inventoryType", 8) in ("", SOUND)
            and effect.sku in ("", sku)
        )
        if meant:
            told.append(Told(sku, units))
    return StockPage(
        told=tuple(told),
        rows=len(nodes),
        total=whole_of(total, "totalCount", MAX_UNITS) if total else None,
    )


def _units(node: Element, field: str, default: str = "") -> int:
    return whole_of(text_of(node, field, 32) or default, field, MAX_UNITS)
