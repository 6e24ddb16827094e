"""What a platform encrypted of its buyer goes from the order detail to the warehouse unopened, on every platform."""

from xml.etree.ElementTree import fromstring

import pytest
from msgspec.structs import replace
from tests.contracts.partners.called import CHEN, Partner, done, errand, ok
from tests.contracts.partners.played import CONF
from tests.contracts.partners.test_every_actor import PUSH
from tests.contracts.partners.test_qimen_api import HOST, SHIPMENT, answer, qimen, texts
from tests.contracts.test_channels import CASES, Case

from tongdan.adapters.partners.qimen_api import PLATFORMS
from tongdan.domain.kernel.messages import Person
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.facts import FetchDetail
from tongdan.flow.clues import own_number
from tongdan.surfaces.masking import mask_person

SEALING = [case for case in CASES if case.sealed]


async def receiver_of(case: Case) -> Person:
    effect = case.effect(FetchDetail, native=case.native)
    command = (await done(case.partner(case.detail).actor.perform(errand(effect, "O")))).command
    assert isinstance(command, RecordDetail)
    return command.person


def test_five_platforms_seal_their_receivers() -> None:
    assert {"DY", "PD", "TB", "JD", "KS"} <= {case.code for case in SEALING}


@pytest.mark.parametrize("case", SEALING, ids=lambda case: case.code)
async def test_the_warehouse_gets_every_ciphertext_as_it_came_and_what_is_shown_masked(case: Case) -> None:
    person = await receiver_of(case)
    partner = Partner(HOST, ok(answer("success")))
    push = replace(PUSH, channel=case.code, shop=case.shop, native=case.native)
    await done(qimen(partner).perform(errand(push, SHIPMENT, person=person)))
    order = fromstring(partner.asked[0].body).find("deliveryOrder")
    assert order is not None
    carried = order.find("receiverInfo/extendProps")
    assert carried is not None
    assert {each.tag: each.text for each in carried} == person.sealed
    assert texts(order, "receiverInfo", "name", "mobile") == [person.name, person.phone]
    assert order.findtext("oaidOrderSourceCode") == case.native  # by which a waybill opens it
    assert order.findtext("sourcePlatformCode") == PLATFORMS.get(case.code, "OTHERS")


@pytest.mark.parametrize("case", SEALING, ids=lambda case: case.code)
async def test_nobody_who_looks_is_shown_a_ciphertext_whole(case: Case) -> None:
    person = await receiver_of(case)
    shown = mask_person(person)
    assert not set(shown.sealed.values()) & set(person.sealed.values())


async def test_a_virtual_number_keeps_its_extension_on_the_waybill_and_marks_nobody() -> None:
    partner = Partner(HOST, ok(answer("success")))
    virtual = replace(CHEN, phone="18400913965-7576")
    await done(qimen(partner).perform(errand(PUSH, SHIPMENT, person=virtual)))
    root = fromstring(partner.asked[0].body)
    assert root.findtext("deliveryOrder/receiverInfo/mobile") == "18400913965-7576"
    assert own_number(virtual.phone) == ""


async def test_the_price_of_a_cash_on_delivery_is_told_to_the_warehouse_in_yuan() -> None:
    partner = Partner(HOST, ok(answer("success")))
    await done(qimen(partner).perform(errand(replace(PUSH, collect_fen=19_901), SHIPMENT)))
    await done(qimen(partner).perform(errand(PUSH, SHIPMENT)))
    collected, paid = (fromstring(each.body) for each in partner.asked)
    assert texts(collected, "deliveryOrder", "orderFlag", "arAmount") == ["COD", "199.01"]
    assert texts(paid, "deliveryOrder", "orderFlag", "arAmount") == [None, None]


def test_the_delivered_maps_know_cash_on_delivery_and_the_deposit_of_a_presale() -> None:
    statuses = {code: channel.statuses for code, channel in CONF.policy.channels.items()}
    assert statuses["TB"]["cod-WAIT_SELLER_SEND_GOODS"] == "cod_to_ship"
    assert statuses["JD"]["cod-WAIT_SELLER_STOCK_OUT"] == "cod_to_ship"
    assert statuses["TB"]["FRONT_PAID_FINAL_NOPAID"] == "deposit_paid"
