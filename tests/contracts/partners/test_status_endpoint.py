"""A system of the seller's own, asked how it sees orders: one by one, or many in one question."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from tests.contracts.partners.called import Partner, said
from tests.contracts.partners.played import CONF

from tongdan.adapters.partners.status_endpoint import MOST, StatusWitness
from tongdan.domain.kernel.standing import Standing
from tongdan.domain.orders.commands import RecordSettlement
from tongdan.ports import Failed, HttpRequest, HttpResponse, Seen, Subject

HOST = "finance.example.com"
ORDERS = [f"DY2026012700{n:04d}" for n in range(3)]
TOLD = {"order_id": ORDERS[0], "status": "paid", "refunded_fen": 0}
SETTLED = {"amount_fen": 9_900, "reference": "S-1", "settled_at": "2026-01-27T12:00:00+08:00"}


class System(Partner):
    """`paths` → answer; everything else is a 404."""

    def __init__(self, **paths: Any) -> None:
        super().__init__(HOST, said(404))
        self.paths = paths
        self.turns = 0
        self.witness = StatusWitness(
            "finance",
            f"https://{HOST}",
            f"finance/{CONF.partners.finance.system}",
            frozenset({"paid"}),
            frozenset(),
            self.wire,
        )

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        path = request.url.partition(HOST)[2].partition("?")[0]
        found = self.paths.get("many" if path == "/orders/status" else path.split("/")[2])
        if isinstance(found, HttpResponse):
            return found
        return said(404) if found is None else HttpResponse(200, {}, msgspec.json.encode(found))

    async def turn(self) -> None:
        self.turns += 1

    async def see(self, *orders: str) -> list[Seen] | Failed:
        subjects = [
            Subject(id=each, channel="DY", shop="dy-main", native="1", person=lambda: None) for each in orders
        ]
        seen = await self.witness.see(subjects, self.turn)
        return seen if isinstance(seen, Failed) else list(seen)


def one(order: str, **more: object) -> dict[str, object]:
    return {"order_id": order, "status": "paid", **more}


async def test_many_orders_are_one_call_and_each_keeps_its_own_answer() -> None:
    system = System(
        many={"orders": [one(ORDERS[0], settlement=SETTLED), one(ORDERS[1])], "unknown": [ORDERS[2]]}
    )
    seen = await system.see(*ORDERS)
    assert isinstance(seen, list) and system.turns == len(system.asked) == 1
    assert system.asked[0].url.endswith("/orders/status?sync=1&" + "&".join(f"id={each}" for each in ORDERS))
    assert [(each.order, each.standing) for each in seen] == [
        (ORDERS[0], Standing(status="paid", native="paid")),
        (ORDERS[1], Standing(status="paid", native="paid")),
        (ORDERS[2], None),
    ]
    at = datetime(2026, 1, 27, 4, tzinfo=UTC)
    settlement = RecordSettlement(order=ORDERS[0], amount_fen=9_900, reference="S-1", settled_at=at)
    assert [each.news for each in seen] == [(settlement,), (), ()]
    assert ORDERS[1].encode() not in seen[0].raw


async def test_what_was_not_asked_for_or_not_answered_for_is_nobodys_answer() -> None:
    system = System(
        many={"orders": [one(ORDERS[0]), one("DY20260127009999")], "unknown": ["DY20260127008888"]}
    )
    seen = await system.see(*ORDERS)
    assert isinstance(seen, list)
    assert [each.order for each in seen] == ORDERS[:1]


async def test_a_system_without_that_address_is_asked_one_after_the_other_from_then_on() -> None:
    system = System(**{ORDERS[0]: one(ORDERS[0]), ORDERS[1]: one(ORDERS[1])})
    assert system.witness.at_once == MOST
    seen = await system.see(*ORDERS)
    assert isinstance(seen, list)
    assert [(each.order, each.standing is None) for each in seen] == [
        (ORDERS[0], False), (ORDERS[1], False), (ORDERS[2], True),
    ]  # fmt: skip
    assert system.turns == len(system.asked) == 4
    assert system.witness.at_once == 1


async def test_an_answer_that_cannot_be_read_or_a_refusal_is_no_answer_about_anybody() -> None:
    for answer, wide in ((HttpResponse(200, {}, b"[]"), False), (said(403), True), (said(503), True)):
        failed = await System(many=answer).see(*ORDERS)
        assert isinstance(failed, Failed) and failed.partner_wide == wide
    spoilt = await System(many={"orders": [{"order_id": ORDERS[0]}]}).see(*ORDERS)
    assert isinstance(spoilt, Failed) and not spoilt.partner_wide
