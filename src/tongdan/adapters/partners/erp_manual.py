"""An order that a person has written into a file (手工单): the rows of one number, as the command of who enters it.

Whether shop, goods and buyer can be so is asked before it is placed, for that needs more than the file.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from tongdan.adapters.partners.erp_cells import Cells, Wrong
from tongdan.adapters.partners.erp_map import ImportMap
from tongdan.adapters.partners.erp_receiver import read_person
from tongdan.adapters.partners.miniprogram import CHANNEL
from tongdan.domain.orders.commands import PlaceOrder
from tongdan.domain.orders.entry import PAYMENTS
from tongdan.domain.orders.entry_facts import Entry
from tongdan.domain.orders.lines import Line


def entered(cells: Cells, lines: Sequence[Line], how: ImportMap) -> PlaceOrder:
    """`cells`: what the rows say of the whole order. Raises Wrong."""
    freight_fen, discount_fen = _fen(cells, "freight"), _fen(cells, "discount")
    amount_fen = sum([line.amount_fen for line in lines]) + freight_fen - discount_fen
    if cells.get("due") and cells.fen("due") != amount_fen:
        raise Wrong(
            f"due: rows, freight and discount come to {amount_fen} fen, not {cells.fen('due')}",
            f"订单金额不符：商品加运费减优惠为 {amount_fen} 分，而订单金额为 {cells.fen('due')} 分",
        )
    person, region = read_person(cells)
    user = cells.get("user")[:64]
    return PlaceOrder(
        channel=CHANNEL,
        shop=how.shop,
        native=cells.text("number"),
        buyer=user,
        lines=tuple(lines),
        amount_fen=amount_fen,
        freight_fen=freight_fen,
        discount_fen=discount_fen,
        placed_at=cells.time("placed_at"),
        region=region,
        person=replace(person, buyer=user),
        entry=Entry(
            reason=cells.needed("reason"),
            payment=_payment(cells, how),
            reference=cells.get("reference"),
            paid_at=cells.time("paid_at") if cells.get("paid_at") else None,
        ),
    )


def _payment(cells: Cells, how: ImportMap) -> str:
    payment = cells.text("payment")
    if payment not in PAYMENTS:
        known = ", ".join([*how.values.get("payment", {}), *PAYMENTS])
        raise Wrong(
            f"payment: expected one of {known}, got {payment[:40]!r}",
            f"付款方式应为 {known} 之一，实为 {payment[:40]!r}",
        )
    return payment


def _fen(cells: Cells, field: str) -> int:
    return cells.fen(field) if cells.get(field) else 0
