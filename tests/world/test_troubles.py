"""Partners that answer badly: an answer is lost, late, another order's or an old one; who is dead is not reached."""

from datetime import UTC, datetime

import pytest

from tongdan.adapters.clock import run_virtual
from tongdan.labs.world.troubles import (
    LOSSY,
    LYING,
    SLOW,
    STALE,
    Question,
    Troubles,
    question_by_path,
    question_by_text,
)
from tongdan.ports import Clock, HttpRequest, HttpResponse, NoAnswer, Unreachable

START = datetime(2026, 1, 27, tzinfo=UTC)
ONE, OTHER = Question("MP20260127000001", "status"), Question("MP20260127000257", "status")
ASKED = HttpRequest(method="GET", url="http://finance.example/order/MP20260127000001/status?sync=1")


def test_each_trouble_does_what_it_is_called_and_what_is_no_question_meets_none() -> None:
    async def main(clock: Clock) -> None:
        troubles, said = Troubles(1, clock, most_slow=1), [b"signed"]

        async def partner(request: HttpRequest) -> HttpResponse:
            return HttpResponse(200, {}, said[-1])

        async def ask(question: Question | None) -> bytes:
            return (await troubles.meet("finance", partner, ASKED, question)).body

        assert await ask(ONE) == b"signed"
        said.append(b"settled")
        troubles.shares = {STALE: 1.0}
        assert (await ask(ONE), await ask(OTHER), await ask(None)) == (b"signed", b"settled", b"settled")
        troubles.shares = {LYING: 1.0}
        assert (await ask(ONE), await ask(OTHER)) == (b"settled", b"signed")
        troubles.shares = {LOSSY: 1.0}
        with pytest.raises(NoAnswer):
            await ask(ONE)
        troubles.shares = {SLOW: 1.0}
        began_s = clock.monotonic()
        assert (await ask(ONE), await ask(ONE)) == (b"settled", b"settled")
        assert 7 <= clock.monotonic() - began_s <= 13  # the second is not slow any more
        troubles.shares = {}
        troubles.dead.add("finance")
        with pytest.raises(Unreachable):
            await ask(None)
        assert troubles.met == {STALE: 1, LYING: 1, LOSSY: 1, SLOW: 1}
        assert troubles.lied_about == [("finance", ONE.about), ("finance", OTHER.about)]

    run_virtual(main, START)


def test_what_asks_how_an_order_stands_is_told_from_what_does_something() -> None:
    finance = question_by_path(ASKED)
    assert finance == Question("MP20260127000001", "/order/*/status")
    trade = "http://pay.example/v3/pay/transactions/out-trade-no/MP20260127000001-P1?mchid=1"
    assert question_by_path(HttpRequest(method="GET", url=trade)) == Question(
        "MP20260127000001-P1", "/v3/pay/transactions/out-trade-no/*"
    )
    assert question_by_path(HttpRequest(method="POST", url=ASKED.url)) is None
    assert (
        question_by_path(HttpRequest(method="GET", url="http://finance.example/orders?date=2026-01-27"))
        is None
    )
    form = b"serviceCode=EXP_RECE_SEARCH_ROUTES&msgData=%7B%22trackingNumber%22%3A%5B%22SF1%22%5D%7D"
    routes = question_by_text(HttpRequest(method="POST", url="http://sf.example", body=form))
    assert routes is not None and "SF1" in routes.about
    assert (
        question_by_text(HttpRequest(method="POST", url="http://sf.example", body=b"serviceCode=X")) is None
    )
