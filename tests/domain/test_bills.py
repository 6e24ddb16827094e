"""A bill beside the orders: every fen is matched, a fee, explained or open; the order of its rows changes nothing."""

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdan.domain.finance.bills import Kind, Money, Row, Verdict, Why, account_of

AT = datetime(2026, 1, 27, 4, tzinfo=UTC)
ORDER = "DY20260127000892"


def row(kind: Kind = Kind.TRADE, fen: int = 1_000, name: str = "N", **more: Any) -> Row:
    filled: dict[str, Any] = {"line": 2, "reference": "r1"} | more
    return Row(kind=kind, amount_fen=fen, name=name, at=AT, **filled)


def money(*payments: int, refunds: tuple[int, ...] = (), settled: bool = False) -> Money:
    return Money(
        order=ORDER,
        payments=tuple((f"t{n}", fen) for n, fen in enumerate(payments)),
        refunds=tuple((f"R{n}", fen) for n, fen in enumerate(refunds)),
        due_fen=sum(payments) - sum(refunds),
        settled=settled,
    )


KINDS = st.sampled_from(list(Kind))
ROWS = st.lists(
    st.builds(
        row, KINDS, st.integers(-5, 5), st.sampled_from("NMX"), line=st.integers(1, 99),
        reference=st.sampled_from(["", "r1", "r2"]), fee_fen=st.integers(-3, 0),
    )
)  # fmt: skip
KNOWN = {"N": money(1, 2, 2, refunds=(1,)), "M": money(5, refunds=(3, 3))}


@given(ROWS)
def test_every_fen_is_in_one_place(rows: list[Row]) -> None:
    found = account_of(rows, KNOWN)
    assert len(found.rows) == len(rows)
    assert found.total_fen == sum(each.amount_fen + each.fee_fen for each in rows)
    assert found.matched_fen + found.fees_fen + found.explained_fen + found.open_fen == found.total_fen


@given(ROWS)
def test_no_payment_and_no_refund_is_matched_twice(rows: list[Row]) -> None:
    matched = account_of(rows, KNOWN).of(Verdict.MATCHED)
    for name, its in KNOWN.items():
        for kind, have in (
            (Kind.TRADE, [fen for _, fen in its.payments]),
            (Kind.REFUND, [-fen for _, fen in its.refunds]),
        ):
            mine = [each.row.amount_fen for each in matched if (each.row.name, each.row.kind) == (name, kind)]
            some = [sum(few) for n in range(len(have) + 1) for few in combinations(have, n)]
            assert sum(mine) in some


@given(ROWS, st.data())
def test_the_order_of_rows_changes_no_sum(rows: list[Row], data: st.DataObject) -> None:
    one, other = account_of(rows, KNOWN), account_of(data.draw(st.permutations(rows)), KNOWN)
    sums = [(each.matched_fen, each.fees_fen, each.explained_fen, each.open_fen) for each in (one, other)]
    assert sums[0] == sums[1]


@pytest.mark.parametrize(
    ("rows", "known", "expected"),
    [
        ([row()], money(1_000), [(Verdict.MATCHED, Why.NONE)]),
        ([row(fen=999)], money(1_000), [(Verdict.OPEN, Why.OTHER_SUM)]),
        ([row()], money(), [(Verdict.OPEN, Why.NOT_PAID)]),
        ([row(Kind.REFUND, -100)], money(1_000), [(Verdict.OPEN, Why.NO_REFUND)]),
        ([row(Kind.REFUND, -100)], money(1_000, refunds=(100,)), [(Verdict.MATCHED, Why.NONE)]),
        ([row(Kind.FEE, -6)], money(1_000), [(Verdict.FEE, Why.NONE)]),
        ([row(Kind.MOVED, -6)], money(1_000), [(Verdict.EXPLAINED, Why.MOVED)]),
        ([row(Kind.OTHER, 6)], money(1_000), [(Verdict.OPEN, Why.UNKNOWN_KIND)]),
        (
            [row(line=1), row(line=2)],
            money(1_000, 1_000),
            [(Verdict.MATCHED, Why.NONE), (Verdict.OPEN, Why.TWICE)],
        ),
        ([row(name="Z")], money(1_000), [(Verdict.OPEN, Why.NO_ORDER)]),
        (
            [row(fen=600), row(fen=400, line=3, reference="r2")],
            money(1_000),
            [(Verdict.MATCHED, Why.NONE)] * 2,
        ),
        (
            [row(fen=600), row(fen=399, line=3, reference="r2")],
            money(1_000),
            [(Verdict.OPEN, Why.OTHER_SUM)] * 2,
        ),
    ],
)
def test_where_a_row_belongs(rows: list[Row], known: Money, expected: list[tuple[Verdict, Why]]) -> None:
    found = account_of(rows, {"N": known})
    assert [(each.verdict, each.why) for each in found.rows] == expected


def test_an_order_is_complete_when_none_of_its_rows_is_open() -> None:
    known = {
        "N": money(1_000),
        "M": Money(order="MP20260127000892", payments=(("t", 5),), refunds=(), due_fen=5),
    }
    found = account_of(
        [row(), row(line=3, fen=7, reference="r9"), row(name="M", fen=5), row(Kind.FEE, -1)], known
    )
    assert list(found.complete()) == ["MP20260127000892"]
