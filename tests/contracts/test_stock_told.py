"""What a channel is told it may sell arrives as an absolute number, and a no is whoever's trouble its code says."""

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import pytest
from tests.contracts.partners.called import done, errand, failed
from tests.contracts.test_channels import CASES, Case

from tongdan.domain.fulfillment.quota_commands import RecordQuotaPublished
from tongdan.domain.fulfillment.quota_facts import PublishQuota
from tongdan.domain.kernel.messages import Effect
from tongdan.ports import Repeat

OFFER, PRODUCT, UNITS = "880011", "990022", 37


class Told(NamedTuple):
    """The answers to a call that succeeds, what is asked then, and an answer that is a no."""

    answers: tuple[bytes, ...]
    asked: dict[str, Any]
    no: bytes | None
    needs_product: bool = True


TOLD = {
    "DY": Told(
        (b'{"code":10000,"data":{}}',),
        {"sku_id": 880011, "stock_num": 37, "incremental": False},
        None,
        needs_product=False,
    ),
    "PD": Told(
        (b'{"goods_quantity_update_response":{"is_success":true}}',),
        {"goods_id": "990022", "sku_id": "880011", "quantity": "37", "update_type": "1"},
        b'{"goods_quantity_update_response":{"is_success":false}}',
    ),
    "TB": Told(
        (b'{"skus_quantity_update_response":{"item":{"num_iid":990022}}}',),
        {"num_iid": "990022", "skuid_quantities": "880011:37", "type": "1"},
        None,
    ),
    "JD": Told(
        (b'{"jingdong_stock_write_updateSkuStock_responce":{"code":"0","success":true}}',),
        {"skuId": 880011, "stockNum": 37},
        b'{"jingdong_stock_write_updateSkuStock_responce":{"code":"0","success":false}}',
        needs_product=False,
    ),
    "KS": Told(
        (b'{"result":1,"data":[{"skuId":880011,"skuStock":40}]}', b'{"result":1,"data":{}}'),
        {"kwaiItemId": 990022, "skuId": 880011, "skuChangeStock": 3, "changeType": 2},
        b'{"result":1,"data":[{"skuId":5,"skuStock":40}]}',
    ),
}
HAVE = [case for case in CASES if case.channel.stocks is not None]


def ids(case: Case) -> str:
    return case.code


def quota(case: Case, **more: Any) -> PublishQuota:
    fields = {"offer": OFFER, "product": PRODUCT, "sku": "MUG", "units": UNITS, "sequence": 4}
    effect: PublishQuota = case.effect(PublishQuota, **(fields | more))
    return effect


def asked(body: bytes) -> dict[str, Any]:
    """The parameters, wherever the channel's gateway has them."""
    if body.startswith(b"{"):
        return dict(json.loads(body))
    form = dict(parse_qsl(body.decode()))
    inner = form.get("360buy_param_json") or form.get("param")
    return dict(json.loads(inner)) if inner else form


def test_every_platform_with_an_adapter_can_be_told() -> None:
    assert sorted(case.code for case in HAVE) == sorted(TOLD)
    for case in CASES:
        verbs: Any = case.partner(b"{}").actor.verbs
        assert (PublishQuota in verbs) == (case.channel.stocks is not None)


@pytest.mark.parametrize("case", HAVE, ids=ids)
async def test_a_quota_is_told_as_an_absolute_number(case: Case) -> None:
    told = TOLD[case.code]
    partner = case.partner(*told.answers)
    assert partner.actor.verbs[PublishQuota].repeat is Repeat.NATURAL
    outcome = await done(partner.actor.perform(errand(quota(case), "quota/MUG")))
    key = f"{case.code}/{case.shop}/{OFFER}"
    assert outcome.command == RecordQuotaPublished(sku="MUG", outlet=key, units=UNITS, sequence=4)
    assert len(partner.asked) == len(told.answers)
    sent = asked(partner.asked[-1].body)
    assert {name: sent[name] for name in told.asked} == told.asked


@pytest.mark.parametrize("case", HAVE, ids=ids)
async def test_what_was_not_taken_is_not_done(case: Case) -> None:
    told = TOLD[case.code]
    bodies = [body for body, _, _, _ in case.errors.values()]
    for body in [*bodies, *([told.no] if told.no else [])]:
        partner = case.partner(body)
        await failed(partner.actor.perform(errand(quota(case), "quota/MUG")))


@pytest.mark.parametrize("case", HAVE, ids=ids)
async def test_what_cannot_be_a_number_of_the_platform_is_not_sent(case: Case) -> None:
    effects: list[Effect] = [quota(case, offer="CUP-WHITE")]
    if TOLD[case.code].needs_product:
        effects.append(quota(case, product=""))
    for effect in effects:
        partner = case.partner(*TOLD[case.code].answers)
        outcome = await failed(partner.actor.perform(errand(effect, "quota/MUG")))
        assert outcome.final
        assert partner.asked == []


@pytest.mark.parametrize(("has", "calls"), [(37, 1), (30, 2)])
async def test_kuaishou_is_told_the_difference_to_what_it_has(has: int, calls: int) -> None:
    case = next(case for case in HAVE if case.code == "KS")
    listed = json.dumps({"result": 1, "data": [{"kwaiSkuId": 880011, "skuStock": has}]}).encode()
    partner = case.partner(listed, b'{"result":1,"data":{}}')
    await done(partner.actor.perform(errand(quota(case), "quota/MUG")))
    assert len(partner.asked) == calls
    if calls > 1:
        sent = asked(partner.asked[-1].body)
        assert (sent["skuChangeStock"], sent["changeType"]) == (7, 1)
