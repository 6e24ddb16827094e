"""A bill file laid beside our orders, checked or written, and the orders that are signed for and not paid out.

The same over the API and on the command line. Which orders are due, and since when, is read from their states.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.adapters.bill_files import Bill, read_alipay, read_wechat
from tongdan.adapters.bill_map import read_mapped
from tongdan.adapters.csv_table import Fault
from tongdan.adapters.policy_files import load_bill
from tongdan.domain.finance.bills import Account, Verdict, Why
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.commands import RecordSettlement
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.money.due import unsettled_fen
from tongdan.flow.bill_desk import WECHAT, beside
from tongdan.ports import Clock, CommandBus, OrderQuery, OrderRow, Reads
from tongdan.surfaces.imports import tell

ALIPAY: Final = "alipay"
PAGE: Final = 200
WHY: Final[Mapping[Why, tuple[str, str]]] = {
    Why.NONE: ("", ""),
    Why.MOVED: ("moved between the seller's own accounts", "商家账户间资金划转"),
    Why.NO_ORDER: ("no order here has this number", "本系统没有此单号"),
    Why.NOT_PAID: ("the order has no such payment", "订单没有对应的付款"),
    Why.OTHER_SUM: ("the order's payments have other sums", "金额与订单不符"),
    Why.TWICE: ("the bill has this row twice", "账单重复行"),
    Why.NO_REFUND: ("the order has no such refund", "订单没有对应的退款"),
    Why.UNKNOWN_KIND: ("what kind of row this is, is not known", "未知的业务类型"),
}


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A row of which nobody knows what it is for."""

    line: int
    name: str
    reference: str
    order: str
    amount_fen: int
    why: str
    why_zh: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What a file comes to: its sums add up to `total_fen`. `settles`: orders that it settles, or would."""

    rows: int
    matched: int
    matched_fen: int
    fees_fen: int
    explained_fen: int
    open_fen: int
    total_fen: int
    settles: int
    open: list[Open]
    faults: list[Fault]
    applied: bool = False
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """An order of which all is signed for and nothing has been paid out. `due_at`: by when, if its channel says."""

    order: str
    channel: str
    shop: str
    amount_fen: int
    signed_at: datetime
    due_at: datetime | None


def read_bill(raw: bytes, form: str, conf: Path) -> tuple[Bill, str]:
    """The bill, and the shop that its numbers are of ("": they are ours). Raises FileRefused, ConfError."""
    if form == WECHAT:
        return read_wechat(raw), ""
    if form == ALIPAY:
        return read_alipay(raw), ""
    how = load_bill(conf, form)
    return read_mapped(raw, how), how.shop


async def lay_beside(
    reads: Reads, policy: Policy, bus: CommandBus, clock: Clock, read: tuple[Bill, str], form: str, who: str,
    *, apply: bool,
) -> Imported:  # fmt: skip
    """With `apply` what follows is committed in the name of `who`, unless something in the file is wrong."""
    bill, shop = read
    found, commands = beside(reads, policy, bill.rows, shop, form, clock.now())
    shown = _imported(found, bill, sum([isinstance(each.command, RecordSettlement) for each in commands]))
    if not apply or bill.faults:
        return shown
    told = await tell(bus, clock, commands, who)
    return replace(
        shown, applied=True, accepted=told.accepted, duplicates=told.duplicates, refused=len(told.refused)
    )


def _imported(found: Account, bill: Bill, settles: int) -> Imported:
    return Imported(
        rows=len(found.rows),
        matched=len(found.of(Verdict.MATCHED)),
        matched_fen=found.matched_fen,
        fees_fen=found.fees_fen,
        explained_fen=found.explained_fen,
        open_fen=found.open_fen,
        total_fen=found.total_fen,
        settles=settles,
        open=[
            Open(
                line=each.row.line, name=each.row.name, reference=each.row.reference, order=each.order,
                amount_fen=each.row.amount_fen, why=WHY[each.why][0], why_zh=WHY[each.why][1],
            )
            for each in found.of(Verdict.OPEN)
        ],
        faults=list(bill.faults),
    )  # fmt: skip


# ---- signed for and not paid out


def due(reads: Reads, policy: Policy, shop: str, limit: int) -> list[Due]:
    """Orders that are signed for and not settled, longest due first; at most `limit` are looked at."""
    shops = (shop,) if shop else ()
    query = OrderQuery(shops=shops, statuses=(Status.SIGNED, Status.COMPLETED))
    found = [
        each for row in _listed(reads, query, limit) if (each := _due(reads, policy, row.id)) is not None
    ]
    return sorted(found, key=lambda each: (each.due_at or each.signed_at, each.order))


def _listed(reads: Reads, query: OrderQuery, limit: int) -> Iterator[OrderRow]:
    before = ""
    while limit > 0 and (rows := reads.orders(query, before=before, limit=min(PAGE, limit))):
        yield from rows
        limit, before = limit - len(rows), rows[-1].cursor


def _due(reads: Reads, policy: Policy, key: str) -> Due | None:
    order = reads.order(key)
    amount_fen = unsettled_fen(order) if isinstance(order, Order) else None
    if not isinstance(order, Order) or not amount_fen:
        return None
    signed = [each.signed_at for each in order.parcels if each.signed_at is not None]
    last = max(signed, default=order.completed_at)
    if last is None:
        return None
    return Due(
        order=key, channel=order.channel, shop=order.shop, amount_fen=amount_fen, signed_at=last,
        due_at=order.settle_by,
    )  # fmt: skip
