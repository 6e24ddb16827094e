"""What a payment provider or a platform says that it has paid out, row by row, beside what our orders were paid.

Every fen of a bill ends in exactly one place: matched with an order's payment or refund, a fee, explained (a withdrawal
to the bank), or open, which is a ticket. Sums are fen as seen by the seller:
what came in is above zero. Nothing here is a fact; what follows from it is told to the orders as commands.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace


class Kind(StrEnum):
    """What a row of a bill is about. MOVED: between the seller's accounts; OTHER: a word that we do not know."""

    TRADE = "trade"
    REFUND = "refund"
    FEE = "fee"
    MOVED = "moved"
    OTHER = "other"


class Verdict(StrEnum):
    MATCHED = "matched"
    FEE = "fee"
    EXPLAINED = "explained"
    OPEN = "open"


class Why(StrEnum):
    """Why a row is explained, or open."""

    NONE = ""
    MOVED = "moved"
    NO_ORDER = "no-order"
    NOT_PAID = "not-paid"
    OTHER_SUM = "other-sum"
    TWICE = "twice"
    NO_REFUND = "no-refund"
    UNKNOWN_KIND = "unknown-kind"


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row: `reference` is the bill's own number of it, `name` what the order is called there, `number` the provider's
    number of the payment or refund. `fee_fen` is what was taken off beside `amount_fen`, zero or below."""

    line: int
    kind: Kind
    reference: str
    name: str
    amount_fen: int
    at: datetime | None
    number: str = ""
    fee_fen: int = 0
    said: str = ""


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What an order knows of its money: payments and refunds as (number, fen), and what of it is to be settled in all.

    `settled`: somebody has told so already.
    """

    order: str
    payments: tuple[tuple[str, int], ...]
    refunds: tuple[tuple[str, int], ...]
    due_fen: int
    settled: bool = False


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A row and where it belongs. `order` "": nobody's."""

    row: Row
    verdict: Verdict
    order: str = ""
    why: Why = Why.NONE


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A bill as a whole; the five sums add up to what stands in it."""

    rows: tuple[Placed, ...]
    matched_fen: int
    fees_fen: int
    explained_fen: int
    open_fen: int
    total_fen: int

    def of(self, verdict: Verdict) -> tuple[Placed, ...]:
        return tuple([each for each in self.rows if each.verdict is verdict])

    def complete(self) -> dict[str, tuple[Placed, ...]]:
        """Orders of which every row is matched, with their rows."""
        rows: dict[str, list[Placed]] = {}
        for each in self.rows:
            if each.order and each.verdict in (Verdict.MATCHED, Verdict.OPEN):
                rows.setdefault(each.order, []).append(each)
        return {
            order: tuple(mine)
            for order, mine in sorted(rows.items())
            if all(each.verdict is Verdict.MATCHED for each in mine)
        }


def account_of(rows: Iterable[Row], known: Mapping[str, Money]) -> Account:
    """`known`: by what a bill calls an order. The order in which rows stand changes nothing."""
    placed = [each for mine in _grouped(rows) for each in _place(mine, known)]
    placed.sort(key=lambda each: each.row.line)

    def total(verdict: Verdict) -> int:
        return sum([each.row.amount_fen for each in placed if each.verdict is verdict])

    fees = sum([each.row.fee_fen for each in placed])
    return Account(
        rows=tuple(placed),
        matched_fen=total(Verdict.MATCHED),
        fees_fen=total(Verdict.FEE) + fees,
        explained_fen=total(Verdict.EXPLAINED),
        open_fen=total(Verdict.OPEN),
        total_fen=sum([each.row.amount_fen + each.row.fee_fen for each in placed]),
    )


def _grouped(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda each: (each.name, each.reference, each.line)):
        groups.setdefault(row.name, []).append(row)
    return list(groups.values())


def _place(rows: Sequence[Row], known: Mapping[str, Money]) -> list[Placed]:
    """The rows of one name. Each payment and each refund of ours takes one row, or several that make it up together."""
    money = known.get(rows[0].name)
    order = money.order if money is not None else ""
    left = {
        Kind.TRADE: list(money.payments) if money is not None else [],
        Kind.REFUND: [(number, -fen) for number, fen in money.refunds] if money is not None else [],
    }
    found, told = [], set[tuple[Kind, str, int]]()
    for row in rows:
        verdict, why = _judge(row, left.get(row.kind, []), told, exists=money is not None)
        if row.reference:
            told.add((row.kind, row.reference, row.amount_fen))
        found.append(Placed(row=row, verdict=verdict, order=order, why=why))
    together = {kind: _is_made_up(found, kind, sums) for kind, sums in left.items()}
    return [
        replace(each, verdict=Verdict.MATCHED, why=Why.NONE)
        if each.why is Why.OTHER_SUM and together[each.row.kind]
        else each
        for each in found
    ]


def _is_made_up(placed: Iterable[Placed], kind: Kind, left: Sequence[tuple[str, int]]) -> bool:
    """A platform writes a row a product: those that fit no sum of ours alone are one of them together, to the fen."""
    parts = [each.row.amount_fen for each in placed if each.row.kind is kind and each.why is Why.OTHER_SUM]
    return len(parts) > 1 and sum(parts) in [fen for _, fen in left]


def _judge(
    row: Row, left: list[tuple[str, int]], told: set[tuple[Kind, str, int]], *, exists: bool
) -> tuple[Verdict, Why]:
    if row.kind is Kind.FEE:
        return Verdict.FEE, Why.NONE
    if row.kind is Kind.MOVED:
        return Verdict.EXPLAINED, Why.MOVED
    if row.kind is Kind.OTHER:
        return Verdict.OPEN, Why.UNKNOWN_KIND
    if (row.kind, row.reference, row.amount_fen) in told:
        return Verdict.OPEN, Why.TWICE
    if not exists:
        return Verdict.OPEN, Why.NO_ORDER
    same = [each for each in left if each[1] == row.amount_fen]
    if not same:
        missing = Why.NOT_PAID if row.kind is Kind.TRADE else Why.NO_REFUND
        return Verdict.OPEN, Why.OTHER_SUM if left else missing
    best = next((each for each in same if row.number and each[0] == row.number), same[0])
    left.remove(best)
    return Verdict.MATCHED, Why.NONE
