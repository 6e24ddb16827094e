"""How facts about after-sales fold into the state of an order; what is decided about them is in `after_sales.py`."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders import after_sale_facts as f
from tongdan.domain.orders.model import Order, OrderAfterSale


def _noted(order: Order, fact: f.AfterSaleNoted) -> Order:
    order = _with(order, fact.no, fact.number)
    seen_at = order.after_sales[fact.no - 1].seen_at
    return _on(order, fact.no, seen_at=max(seen_at or fact.said_at, fact.said_at))


def _requested(order: Order, fact: f.AfterSaleRequested) -> Order:
    return _on(_with(order, fact.no, fact.number), fact.no, seen_at=fact.said_at)


def _told(order: Order, fact: f.AfterSaleToldByBuyer) -> Order:
    return _on(order, fact.no, seen_at=fact.said_at)


def _moved(order: Order, fact: f.AfterSaleMoved) -> Order:
    return _on(order, fact.no, kind=fact.kind, stage=fact.stage, sold=fact.sold, amount_fen=fact.amount_fen)


def _placed(order: Order, fact: f.AfterSalePlaced) -> Order:
    return _on(order, fact.no, units=fact.units, problem=fact.problem, placed=True)


def _paid_back(order: Order, fact: f.AfterSalePaidBack) -> Order:
    return _on(order, fact.no, refunds=fact.refunds)


def _settled(order: Order, fact: f.AfterSaleSettled) -> Order:
    return _on(order, fact.no, settled=True)


def _with(order: Order, no: int, number: str) -> Order:
    if no <= len(order.after_sales):
        return order
    return replace(order, after_sales=(*order.after_sales, OrderAfterSale(no=no, number=number)))


def _on(order: Order, no: int, **changes: object) -> Order:
    after_sales = [replace(each, **changes) if each.no == no else each for each in order.after_sales]
    return replace(order, after_sales=tuple(after_sales))


AFTER_SALES: Final[dict[type[Fact], Callable[..., Order]]] = {
    f.AfterSaleNoted: _noted,
    f.AfterSaleRequested: _requested,
    f.AfterSaleToldByBuyer: _told,
    f.AfterSaleMoved: _moved,
    f.AfterSalePlaced: _placed,
    f.AfterSalePaidBack: _paid_back,
    f.AfterSaleSettled: _settled,
}
