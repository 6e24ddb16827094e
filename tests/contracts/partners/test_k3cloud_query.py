"""Kingdee's `ExecuteBillQuery` as a witness: many sale orders in one call, and what is gone because we took it back."""

import json
from typing import Any

import msgspec
import pytest
from tests.contracts.partners.called import Answer, ok, said
from tests.contracts.partners.test_erp_push import HOST, KINGDEE, partner

from tongdan.adapters.partners.k3cloud_query import K3CloudWitness
from tongdan.domain.kernel.standing import Standing
from tongdan.ports import Failed, Seen, Subject

SAVED, VOID, GONE, OFF = [f"DY2026012700000{n}" for n in range(4)]


async def see(answer: Answer) -> tuple[list[Seen] | Failed, dict[str, Any], str]:
    at = partner(answer)
    turns = []

    async def turn() -> None:
        turns.append(len(at.asked))

    subjects = [
        Subject(
            id=each,
            channel="DY",
            shop="dy-main",
            native="1",
            off=(OFF,) if each == OFF else (),
            person=lambda: None,
        )
        for each in (SAVED, VOID, GONE, OFF)
    ]
    seen = await K3CloudWitness("erp/main", KINGDEE, at.wire).see(subjects, turn)
    assert turns == [0]
    (request,) = at.asked
    asked = json.loads(json.loads(request.body)["data"])
    return (seen if isinstance(seen, Failed) else list(seen)), asked, request.url


def rows(*values: object) -> Answer:
    return ok(msgspec.json.encode(values))


async def test_many_numbers_are_one_call_and_rows_are_read_by_their_number() -> None:
    answer = rows([VOID, "B", 106.0], [SAVED, "A", "106.00"], ["DY20260127009999", "A", 1])
    seen, asked, url = await see(answer)
    assert (
        url
        == f"https://{HOST}/K3Cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc"
    )
    assert (asked["FormId"], asked["FieldKeys"]) == ("SAL_SaleOrder", "FBillNo,FCancelStatus,FBillAllAmount")
    assert asked["FilterString"] == f"FBillNo in ('{SAVED}','{VOID}','{GONE}','{OFF}')"
    assert isinstance(seen, list)
    assert {each.order: each.standing for each in seen} == {
        SAVED: Standing(status="released", native="A", amount_fen=10_600),
        VOID: Standing(status="cancelled", native="B", amount_fen=10_600),
        GONE: None,
        OFF: Standing(status="cancelled"),
    }


@pytest.mark.parametrize(
    ("answer", "wide"),
    [
        (rows([{"Result": {"ResponseStatus": {"IsSuccess": False, "MsgCode": 1, "Errors": []}}}]), True),
        (rows([{"Result": {"ResponseStatus": {"IsSuccess": False, "MsgCode": 8, "Errors": []}}}]), False),
        (rows([SAVED, "A"]), False),
        (rows([SAVED, "A", "many"]), False),
        (ok(b"{}"), False),
        (said(502), True),
    ],
    ids=["session", "field", "short", "no amount", "no rows", "down"],
)
async def test_what_cannot_be_read_says_nothing_of_any(answer: Answer, wide: bool) -> None:
    seen, _, _ = await see(answer)
    assert isinstance(seen, Failed) and seen.partner_wide == wide
