"""Kuaishou as it is simulated against its real adapter: written apart from the same papers, they agree."""

import json
from datetime import timedelta

import msgspec
import pytest
from tests.contracts.partners.played import CONF, HeldCredentials, credentials
from tests.world.pairing import BASKET, START, Pair, play

from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.kuaishou_api import KUAISHOU
from tongdan.domain.kernel.after_sales import AFTER_SALES, AfterSaleKind, AfterSaleReport, AfterSaleStage
from tongdan.domain.orders.commands import NoteChannelEvent
from tongdan.domain.orders.facts import FetchDetail
from tongdan.domain.returns.commands import RecordAfterSale, RecordAnswer
from tongdan.domain.returns.facts import Case, FetchAfterSale, RefuseAfterSale
from tongdan.domain.sync.commands import RecordListing
from tongdan.domain.sync.pull_facts import ListOrders
from tongdan.labs.world.kuaishou import DONE, FAILED, SHIPPED, KuaishouOrder
from tongdan.labs.world.people import buyer_of
from tongdan.ports import Done, Errand, Failed, Unauthentic


def native_of(no: int) -> str:
    return f"26001{no:05d}123450"


def test_what_is_told_opens_and_the_detail_is_what_was_ordered() -> None:
    async def body(on: Pair) -> None:
        placed = [on.platform.place(native_of(no), BASKET, buyer_of(1, str(no))) for no in range(60)]
        await on.clock.sleep(6 * 3_600)
        assert on.platform.outbox.given_up == []
        assert {type(one.command) for one in on.heard} == {NoteChannelEvent}
        assert {one.command.native for one in on.heard} == {order.id for order in placed}  # type: ignore[attr-defined]
        assert len({one.key for one in on.heard}) == len(on.heard) == sum(order.told for order in placed)
        seen = set()
        for order in placed:
            detail = await on.detail(order.id)
            seen.add(on.how.statuses[detail.native_status])
            assert detail.amount_fen == order.amount_fen == BASKET.lines[0].amount_fen
            assert [(line.sku, line.gift) for line in detail.lines] == [("A1", False), ("A2", True)]
            assert [line.units for line in detail.lines] == [part.units for part in order.parts]
            assert order.buyer.province.startswith(detail.region) and detail.region
            assert order.buyer.name not in repr(detail) and order.buyer.phone not in repr(detail)
            assert (detail.paid_at is None) == (order.paid_at is None)
        assert {"paid", "cancelled", "refunded"} <= seen

    play(KUAISHOU, body)


def test_all_that_changed_is_listed_once_by_its_cursor_and_nothing_else() -> None:
    async def body(on: Pair) -> None:
        assert on.how.listing is not None
        count = 2 * on.how.listing.page_size + 3
        for no in range(count):
            on.platform.place(native_of(no), BASKET, buyer_of(1, str(no)))
        await on.clock.sleep(1)
        since, until = START, START + timedelta(seconds=1)
        natives, cursor, pages = [], "", 0
        while pages == 0 or cursor:
            page = await on.list(since, until, pages, cursor)
            natives += [listed.native for listed in page.orders]
            cursor, pages = page.cursor, pages + 1
        assert (pages, len(natives), len(set(natives))) == (3, count, count)
        assert (await on.list(START - timedelta(minutes=5), START)).orders == ()

    play(KUAISHOU, body)


def test_parcels_are_told_by_units_and_each_once() -> None:
    async def body(on: Pair) -> None:
        order: KuaishouOrder = on.platform.place(native_of(1), BASKET, buyer_of(1, "7"))
        await on.clock.sleep(3 * 3_600)
        article, gift = order.parts
        waybills = [on.carrier.hand_over(f"parcel {n}") for n in range(4)]
        for waybill, units in (
            (waybills[0], ((article.id, 1),)),
            (waybills[1], ((article.id, 2), (gift.id, 1))),
        ):
            for _ in range(2):
                assert isinstance(await on.ship(order.id, waybill, *units), Done)
        assert (order.status, order.told_units, order.units) == (SHIPPED, 4, 4)
        for _ in range(2):
            assert isinstance(await on.ship(order.id, waybills[2], (article.id, 1)), Done)
        assert (article.waybills, gift.waybills) == (waybills[:3], [waybills[1]])
        refused = await on.ship(order.id, "SF0000000000000", (article.id, 1))
        assert isinstance(refused, Failed) and refused.final and not refused.partner_wide
        await on.clock.sleep(30 * 86_400)
        assert order.status == DONE

    play(KUAISHOU, body)


def test_one_article_whole_is_shipped_at_once_and_nothing_that_failed() -> None:
    async def body(on: Pair) -> None:
        alone = BASKET._replace(lines=BASKET.lines[:1])
        order: KuaishouOrder = on.platform.place(native_of(5), alone, buyer_of(1, "7"))
        await on.clock.sleep(3 * 3_600)
        waybill = on.carrier.hand_over("parcel")
        for _ in range(2):
            assert isinstance(await on.ship(order.id, waybill, (order.id, order.units)), Done)
        assert (order.status, order.told_units) == (SHIPPED, order.units)
        other: KuaishouOrder = on.platform.place(native_of(3), alone, buyer_of(1, "8"))
        other.status = FAILED
        refused = await on.ship(other.id, on.carrier.hand_over("late"), (other.id, other.units))
        assert isinstance(refused, Failed) and refused.final and not refused.partner_wide

    play(KUAISHOU, body)


@pytest.mark.parametrize("field", ["sign_secret", "access_token"])
def test_a_wrong_secret_is_found_out_on_either_side(field: str) -> None:
    async def body(on: Pair) -> None:
        name = f"kuaishou/{on.shop.id}"
        forged = HeldCredentials({name: {**credentials().get(name), field: "another"}})
        failure = await on.perform(FetchDetail, forged, native=native_of(3))
        assert isinstance(failure, Failed) and failure.partner_wide and not failure.final
        request = on.platform._post([json.dumps({"event": "x"}).encode()])
        with pytest.raises(Unauthentic):
            await on._knock(msgspec.structs.replace(request, body=request.body[:-4]))

    play(KUAISHOU, body)
    assert CONF.policy.channels["KS"].statuses["30"] == "paid"


def test_an_after_sale_is_told_shown_listed_and_answered_once_in_the_state_that_was_seen() -> None:
    async def body(on: Pair) -> None:
        order: KuaishouOrder = on.platform.place(native_of(7), BASKET, buyer_of(1, "7"))
        book = on.gateway.after_sales.book  # type: ignore[union-attr]
        case = book.apply(order.id, order.id, 1, 5_001, back=True)
        await on.clock.sleep(1)
        report = await fetched(on, case.number, order.id)
        assert (report.kind, report.stage, report.amount_fen, report.sold) == (
            "1",
            "11",
            5_001,
            ((order.id, 1),),
        )
        page = await on.perform(
            ListOrders, since=START, until=START + timedelta(seconds=5), page=0, cursor="", what=AFTER_SALES
        )
        assert isinstance(page, Done) and isinstance(page.command, RecordListing)
        assert [(each.native, each.after_sale) for each in page.command.orders] == [(order.id, case.number)]
        seen = Case(
            channel="KS", shop=on.shop.id, native=order.id, number=case.number,
            kind=AfterSaleKind.RETURN_REFUND, stage=AfterSaleStage.APPLIED, amount_fen=5_001, mark=report.mark,
        )  # fmt: skip
        old = msgspec.structs.replace(seen, mark="1|11|1")
        for shown, errors in ((old, True), (seen, False), (seen, True)):
            assert bool(await refused(on, shown)) == errors
        assert case.effects == ["applied refuse"]
        assert on.how.after_sale is not None
        assert on.how.after_sale.stages[(await fetched(on, case.number, order.id)).stage] == "refused"

    play(KUAISHOU, body)


async def fetched(on: Pair, number: str, native: str) -> AfterSaleReport:
    done = await on.perform(FetchAfterSale, native=native, number=number)
    assert isinstance(done, Done) and isinstance(done.command, RecordAfterSale)
    return done.command.report


async def refused(on: Pair, case: Case) -> str:
    """The error, or "" when it was taken; one whose answer was lost counts as taken."""
    partner, wire = f"channel/KS/{on.shop.id}", Wire(on.outside, credentials(), on.clock)
    effect = RefuseAfterSale(partner=partner, no=1, case=case, reason="1", note="", evidence="")
    outcome = await ChannelActor(partner, KUAISHOU, on.how, wire).perform(
        Errand("E", "O", effect, 1, lambda: None)
    )
    if isinstance(outcome, Failed):
        assert not outcome.final
        return ""
    assert isinstance(outcome.command, RecordAnswer)
    return outcome.command.error
