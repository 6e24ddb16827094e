"""What the simulated WMS answers a `deliveryorder.query`: its own books, which are tidy however it confirms."""

from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from tongdan.labs.world.delivery import Delivery

METHOD: Final = "deliveryorder.query"
STATUS: Final = {
    "NEW": "NEW",
    "PARTDELIVERED": "PARTDELIVERED",
    "DELIVERED": "DELIVERED",
    "SIGN": "DELIVERED",
    "CANCELED": "CANCELED",
}


def told_of(delivery: Delivery) -> bytes:
    """One page, whatever was asked for."""
    status = STATUS.get(delivery.stage, "ACCEPT")
    if status == "DELIVERED" and not delivery.sent:
        status = "CLOSED"
    root = Element("response")
    _add(root, flag="success", code="0", message="")
    _add(
        SubElement(root, "deliveryOrder"),
        deliveryOrderCode=delivery.code,
        deliveryOrderId=f"W{delivery.code}",
        warehouseCode=delivery.warehouse,
        orderType="JYCK",
        status=status,
        outBizCode=delivery.code,
        confirmType="1" if status == "PARTDELIVERED" else "0",
        orderConfirmTime=delivery.touched_at if delivery.sent else "",
        operateTime=delivery.touched_at,
    )
    packages, lines = SubElement(root, "packages"), SubElement(root, "orderLines")
    for sent in delivery.sent:
        package = SubElement(packages, "package")
        _add(package, logisticsCode=sent.carrier, expressCode=sent.waybill)
        items = SubElement(package, "items")
        for code, units in sent.units:
            _add(SubElement(items, "item"), itemCode=code, quantity=str(units))
    for item in delivery.items:
        _add(
            SubElement(lines, "orderLine"),
            orderLineNo=item.no,
            itemCode=item.code,
            planQty=str(item.planned),
            actualQty=str(item.left),
        )
    _add(root, totalLines=str(len(delivery.items)))
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _add(node: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(node, name).text = text
