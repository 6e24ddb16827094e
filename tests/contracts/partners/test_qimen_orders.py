"""`deliveryorder.query` at a Qimen WMS: what is asked, and what its answer says of shipments."""

from datetime import UTC, datetime

import pytest
from tests.contracts.partners.called import Partner, ok
from tests.contracts.partners.played import CONF

from tongdan.adapters.partners.qimen_line import QimenLine
from tongdan.adapters.partners.qimen_orders import WmsWitness
from tongdan.domain.fulfillment.commands import ConfirmDelivery, Package, PackageItem, RecordWmsProcess
from tongdan.domain.kernel.standing import Standing
from tongdan.ports import Failed, Seen, Subject

HOST = "qimen.api.taobao.com"
ORDER = "DY20260127000353"
FIRST, SECOND = f"{ORDER}-S1", f"{ORDER}-S2"
NOON = datetime(2026, 1, 27, 4, tzinfo=UTC)
LINE = "<orderLine><itemCode>HAT</itemCode><planQty>2</planQty><actualQty>2</actualQty></orderLine>"
PARCEL = (
    "<package><logisticsCode>SF</logisticsCode><expressCode>SF1</expressCode>"
    "<items><item><itemCode>HAT</itemCode><quantity>2</quantity></item></items></package>"
)
UNHEARD = "<response><flag>failure</flag><code>S019</code><message>出库单不存在</message></response>"


def answer(status: str, packages: str = "", *, code: str = FIRST, lines: str = LINE, total: int = 1) -> str:
    return (
        f"<response><flag>success</flag><code>0</code><deliveryOrder><deliveryOrderCode>{code}</deliveryOrderCode>"
        f"<warehouseCode>WH-EAST</warehouseCode><status>{status}</status>"
        f"<operateTime>2026-01-27 12:00:00</operateTime></deliveryOrder><packages>{packages}</packages>"
        f"<orderLines>{lines}</orderLines><totalLines>{total}</totalLines></response>"
    )


class Asked:
    """How often the witness waited for its turn."""

    def __init__(self, partner: Partner) -> None:
        self.turns = 0
        self._witness = WmsWitness("wms/WH-EAST", QimenLine(CONF.partners.qimen, partner.wire))

    async def turn(self) -> None:
        self.turns += 1

    async def see(self, *shipments: str, off: tuple[str, ...] = ()) -> Seen | Failed:
        subject = Subject(
            id=ORDER,
            channel="DY",
            shop="dy-main",
            native="1",
            shipments=shipments,
            off=off,
            person=lambda: None,
        )
        seen = await self._witness.see([subject], self.turn)
        return seen if isinstance(seen, Failed) else seen[0]


async def seen(body: str, off: tuple[str, ...] = ()) -> Seen:
    found = await Asked(Partner(HOST, ok(body.encode()))).see(FIRST, off=off)
    assert isinstance(found, Seen)
    return found


async def test_one_shipment_is_asked_for_as_the_interface_has_it() -> None:
    partner = Partner(HOST, ok(answer("ACCEPT").encode()))
    asked = Asked(partner)
    await asked.see(FIRST)
    assert partner.query()["method"] == "taobao.qimen.deliveryorder.query"
    for part in (
        f"<orderCode>{FIRST}</orderCode>", "<warehouseCode>WH-EAST</warehouseCode>", "<ownerCode>TONGDAN</ownerCode>",
        "<page>1</page>", "<pageSize>100</pageSize>",
    ):  # fmt: skip
        assert part.encode() in partner.asked[0].body
    assert asked.turns == len(partner.asked) == 1


async def test_what_is_worked_on_is_released_and_teaches_nothing() -> None:
    for status in ("NEW", "ACCEPT", "PICK", "PARTFULFILLED"):
        found = await seen(answer(status))
        assert found.standing == Standing(status="released", waybills=(), said_at=NOON)
        assert found.news == ()


async def test_what_has_left_is_the_confirmation_that_may_have_been_lost() -> None:
    found = await seen(answer("DELIVERED", PARCEL))
    assert found.standing == Standing(status="shipped", waybills=("SF1",), said_at=NOON)
    package = Package("SF", "SF1", 0, (PackageItem("HAT", 2),))
    assert found.news == (
        ConfirmDelivery(
            shipment=FIRST, warehouse="WH-EAST", packages=(package,), final=True, confirmed_at=NOON
        ),
    )
    (part,) = (await seen(answer("PARTDELIVERED", PARCEL))).news
    assert isinstance(part, ConfirmDelivery) and not part.final


async def test_a_parcel_without_a_number_is_seen_but_teaches_nothing() -> None:
    found = await seen(answer("DELIVERED", PARCEL.replace("SF1", "")))
    assert found.standing == Standing(status="shipped", said_at=NOON)
    assert found.news == ()


async def test_what_it_gave_up_is_cancelled_and_news() -> None:
    for status in ("CANCELED", "REJECT"):
        found = await seen(answer(status))
        assert found.standing == Standing(status="cancelled", waybills=(), said_at=NOON)
        assert found.news == (RecordWmsProcess(shipment=FIRST, status=status, operated_at=NOON),)
    closed = answer("CLOSED", lines=LINE.replace("<actualQty>2", "<actualQty>0"))
    short = await seen(closed)
    assert short.standing == Standing(status="shipped", waybills=(), said_at=NOON)  # all that leaves has left
    (news,) = short.news
    assert isinstance(news, ConfirmDelivery) and news.final and news.packages == ()
    assert (await seen(closed, off=(FIRST,))).standing == Standing(
        status="cancelled", waybills=(), said_at=NOON
    )


async def test_what_it_does_not_know_is_missing_unless_it_is_off_by_our_word() -> None:
    assert (await seen(UNHEARD)).standing is None
    assert (await seen(UNHEARD, off=(FIRST,))).standing == Standing(status="cancelled", waybills=())


async def test_two_shipments_come_to_the_one_that_is_least_far() -> None:
    partner = Partner(HOST, ok(answer("DELIVERED", PARCEL).encode()))
    asked = Asked(partner)
    ask, witness = asked.turn, asked._witness

    async def turn() -> None:
        await ask()
        if asked.turns == 2:
            partner.answer = ok(UNHEARD.encode())

    subject = Subject(
        id=ORDER, channel="DY", shop="dy-main", native="1", shipments=(FIRST, SECOND), person=lambda: None
    )
    (found,) = [each for each in await witness.see([subject], turn) if isinstance(each, Seen)]  # type: ignore[union-attr]
    assert found.standing == Standing(status="announced", waybills=("SF1",), said_at=NOON)
    assert len(found.news) == 1


async def test_order_lines_are_read_page_by_page_each_in_its_turn() -> None:
    partner = Partner(HOST, ok(answer("ACCEPT", lines=LINE * 100, total=150).encode()))
    asked = Asked(partner)
    assert isinstance(await asked.see(FIRST), Seen)
    assert asked.turns == len(partner.asked) == 2
    assert b"<page>2</page>" in partner.asked[1].body


@pytest.mark.parametrize(
    "body",
    [
        answer("ACCEPT", code=SECOND),
        answer("ACCEPT", total=10**6),
        "<response><flag>success</flag></response>",
    ],
    ids=["another", "endless", "empty"],
)
async def test_what_cannot_be_read_says_nothing_of_the_order(body: str) -> None:
    failed = await Asked(Partner(HOST, ok(body.encode()))).see(FIRST)
    assert isinstance(failed, Failed) and not failed.partner_wide


async def test_a_wms_that_does_not_take_our_key_is_no_answer_about_an_order() -> None:
    body = b"<response><success>false</success><errorCode>sign-check-failure</errorCode></response>"
    failed = await Asked(Partner(HOST, ok(body))).see(FIRST)
    assert isinstance(failed, Failed) and failed.partner_wide and failed.turned_away
