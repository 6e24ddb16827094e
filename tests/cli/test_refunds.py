"""Promises of `order refund`: it shows what would go back and changes nothing; `--apply` does exactly that, once."""

import asyncio
import getpass
import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PLACED, Nowhere, _tell, tongdan

from tongdan.domain.orders.commands import RecordPayment
from tongdan.domain.orders.model import Order
from tongdan.profile import embedded, reading

PRICE_FEN = 19_800


def _rows(data: Path) -> int:
    return reading(data).counts()["journal_rows"]


@pytest.fixture
def order(data: Path) -> str:
    """The own shop's order, paid."""
    id = reading(data).find("MP", "mp-main", "M-1")
    assert id is not None

    async def pay() -> None:
        centre = embedded(data, CONF, transport=Nowhere())
        paid = RecordPayment(order=id, attempt=1, transaction="T-1", amount_fen=PRICE_FEN, paid_at=PLACED)
        await _tell(centre, paid, "mp-main")
        await centre.stop()

    asyncio.run(pay())
    return id


def test_without_apply_it_is_only_shown(data: Path, order: str) -> None:
    before = _rows(data)
    shown = tongdan("order", "refund", "M-1", "--amount", "12.50", "--reason", "goodwill", "--data", data)
    assert shown.exit_code == 0, shown.output
    assert f"{order}-R1" in shown.stdout
    assert "12.50" in shown.stdout
    assert "--apply" in shown.stderr
    assert _rows(data) == before


def test_what_was_shown_is_done_and_the_journal_says_who_and_why(data: Path, order: str) -> None:
    words = ("order", "refund", order, "--amount", "12.50", "--reason", "goodwill", "--json", "--data", data)
    shown = json.loads(tongdan(*words).stdout)
    done = json.loads(tongdan(*words, "--apply").stdout)
    assert (shown["applied"], done["applied"]) == (False, True)
    (planned,), (asked,) = shown["refunds"], done["refunds"]
    assert planned | {"proposed_at": ""} == asked | {"proposed_at": ""}  # but for the moment
    (row,) = [row for row in reading(data).journal() if row.fact == "RefundProposed"]
    assert (row.operator, row.source) == (getpass.getuser(), "cli")
    assert row.body | {"proposed_at": ""} == asked | {"proposed_at": ""}
    assert (row.body["amount_fen"], row.body["reason"]) == (1_250, "goodwill")
    state = reading(data).order(order)
    assert isinstance(state, Order)
    assert (state.owed_fen, state.refunded_fen) == (1_250, 0)
    told = tongdan("order", "show", order, "--data", data).stdout
    assert f"{order}-R1" in told


@pytest.mark.parametrize(
    ("amount", "exit_code"), [("0", 1), ("-1", 1), ("198.01", 1), ("198", 1), ("12,50", 2), ("a lot", 2)]
)
def test_what_cannot_go_back_is_refused_and_nothing_is_written(
    data: Path, order: str, amount: str, exit_code: int
) -> None:
    """198 yuan is all there is: while goods are still to be sent, that is a cancellation."""
    before = _rows(data)
    words = (
        "order",
        "refund",
        order,
        f"--amount={amount}",
        "--reason",
        "goodwill",
        "--apply",
        "--data",
        data,
    )
    assert tongdan(*words).exit_code == exit_code
    assert _rows(data) == before


def test_a_reason_is_asked_for(data: Path, order: str) -> None:
    before = _rows(data)
    assert (
        tongdan(
            "order", "refund", order, "--amount", "1", "--reason", " ", "--apply", "--data", data
        ).exit_code
        == 2
    )
    assert _rows(data) == before


def test_a_refund_by_line_is_shown_and_then_done(data: Path, order: str) -> None:
    before = _rows(data)
    words = ("order", "refund", order, "--lines", "1x1", "--reason", "one too many", "--json", "--data", data)
    shown = json.loads(tongdan(*words).stdout)
    assert [fact["fact"] for fact in shown["facts"]][-3:] == [
        "RefundAnnounced",
        "RefundMarked",
        "LinesRefunded",
    ]
    assert (shown["refunds"][0]["amount_fen"], _rows(data)) == (9_900, before)
    assert json.loads(tongdan(*words, "--apply").stdout)["applied"] is True
    state = reading(data).order(order)
    assert isinstance(state, Order)
    assert (state.line(1).refunded, state.line(1).withdrawn, state.owed_fen) == (1, 1, 9_900)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("lines", "exit_code"), [("1x3", 1), ("2", 1), ("1x2", 1), ("x", 2), ("1x", 2), ("0", 2)]
)
def test_lines_that_cannot_be_refunded_are_refused(
    data: Path, order: str, lines: str, exit_code: int
) -> None:
    """1x2 is all there is: while it is still to be sent, that is a cancellation."""
    before = _rows(data)
    words = ("order", "refund", order, "--lines", lines, "--reason", "why", "--apply", "--data", data)
    assert tongdan(*words).exit_code == exit_code
    assert _rows(data) == before
