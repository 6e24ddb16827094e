"""Promises of `tongdan aftersale`: what waits is listed, an answer is shown and given only with --apply, a no has
a name and exit code 1."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.conftest import CONF, PLACED, Nowhere, _tell, tongdan

from tongdan.domain.kernel.after_sales import AfterSaleKind
from tongdan.domain.orders.after_sale_commands import RequestAfterSale
from tongdan.domain.orders.commands import RecordPayment
from tongdan.domain.orders.lines import Units
from tongdan.profile import embedded


async def _apply(data: Path) -> str:
    centre = embedded(data, CONF, transport=Nowhere())
    order = centre.reads.find("MP", "mp-main", "M-1")
    assert order is not None
    pay = RecordPayment(order=order, attempt=1, transaction="T1", amount_fen=19_800, paid_at=PLACED)
    await _tell(centre, pay, "mp-main")
    wanted = RequestAfterSale(
        order=order, number="K-1", kind=AfterSaleKind.REFUND_ONLY, units=(Units(1, 1),), amount_fen=9_900
    )
    await _tell(centre, wanted, "mp-main")
    await centre.relay.start()
    await centre.quiet()
    await centre.stop()
    return f"{order}-A1"


@pytest.fixture
def after_sale(data: Path) -> str:
    return asyncio.run(_apply(data))


def test_what_waits_is_listed_and_shown(data: Path, after_sale: str) -> None:
    assert after_sale in tongdan("aftersale", "list", "--data", data).stdout
    (row,) = json.loads(tongdan("aftersale", "list", "--data", data, "--json").stdout)
    assert (row["id"], row["waits"], row["kind"]["name"]) == (after_sale, True, "refund_only")
    for named in (after_sale, "MP/mp-main/K-1"):
        shown = tongdan("aftersale", "show", named, "--data", data).stdout
        assert "99.00" in shown and "refuse:" in shown


def test_an_answer_is_shown_and_given_only_when_it_is_said_so(data: Path, after_sale: str) -> None:
    words = ("aftersale", "refuse", after_sale, "--reason", "used", "--data", data, "--conf", CONF)
    shown = tongdan(*words)
    assert shown.exit_code == 0 and "--apply" in shown.stderr
    assert (
        json.loads(tongdan("aftersale", "show", after_sale, "--data", data, "--json").stdout)["answers"] == []
    )
    assert tongdan(*words, "--apply").exit_code == 0
    after = json.loads(tongdan("aftersale", "show", after_sale, "--data", data, "--json").stdout)
    assert (after["stage"]["name"], [each["taken"] for each in after["answers"]]) == ("refused", [True])
    again = tongdan(*words, "--apply")
    assert again.exit_code == 1 and "after-sale-not-waiting" in again.stderr


def test_a_no_has_a_name(data: Path, after_sale: str) -> None:
    unknown = tongdan("aftersale", "refuse", after_sale, "--reason", "9", "--data", data, "--conf", CONF)
    assert unknown.exit_code == 1 and "refusal-reason-unknown" in unknown.stderr
    assert tongdan("aftersale", "show", after_sale[:-1] + "7", "--data", data).exit_code == 1
    sent = tongdan(
        "aftersale", "send", after_sale, "--carrier", "SF", "--waybill", "1", "--data", data, "--conf", CONF
    )
    assert sent.exit_code == 1 and "answer-not-possible" in sent.stderr
