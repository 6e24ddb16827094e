"""What every actor promises, whatever it does: whose fault a failure is, and whether it may have taken place."""

from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.contracts.partners.called import Answer, Case, Partner, errand, failed, ok
from tests.contracts.partners.played import CONF, NOW

from tongdan.adapters.clock import SeededEntropy
from tongdan.adapters.partners import connect_actors, open_doors
from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.finance import FinanceActor
from tongdan.adapters.partners.qimen_api import QimenActor
from tongdan.adapters.partners.service import ServiceActor
from tongdan.adapters.partners.sms_api import SmsActor
from tongdan.adapters.partners.wechat_api import WechatActor
from tongdan.adapters.partners.wechat_mini_api import WechatMiniActor
from tongdan.domain.fulfillment.facts import CancelAtWms, Item, PushToWms, QueryRoutes
from tongdan.domain.fulfillment.intercept_facts import InterceptParcel
from tongdan.domain.fulfillment.track_facts import SearchTracks
from tongdan.domain.fulfillment.waybill_facts import CancelWaybill, GetWaybill, PrintWaybill
from tongdan.domain.fulfillment.wms_stock import QueryStock
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.notices.facts import AskReceipt, SendNotice
from tongdan.domain.orders.facts import FetchDetail, Prepay, TellFinance, TellService, WriteBackShipment
from tongdan.domain.orders.money.refund_facts import ClosePayment, QueryRefund, RefundPayment
from tongdan.ports import Actor, HttpResponse, NoAnswer, Unreachable

PARTNERS, POLICY = CONF.partners, CONF.policy
ORDER, OWN = "DY20260127000892", "MP20260127000892"

FETCH = FetchDetail(partner="channel/DY/dy-main", channel="DY", shop="dy-main", native="4781234567890123456")
WRITE_BACK = WriteBackShipment(
    partner="channel/DY/dy-main", channel="DY", shop="dy-main", native="4781234567890123456", carrier="SF",
    waybill="SF1", units=(("4781234567890123456", 1),), request=f"{ORDER}-S1.1",
)  # fmt: skip
PREPAY = Prepay(partner="payment/wechat", shop="mp-main", out_trade_no=f"{OWN}-P1", amount_fen=20_500)
REFUND = RefundPayment(
    partner="payment/wechat", shop="mp-main", out_trade_no=f"{OWN}-P1", transaction="4200002601271217752501201407033",
    out_refund_no=f"{OWN}-R1", amount_fen=20_500, total_fen=20_500,
)  # fmt: skip
ASK_REFUND = QueryRefund(partner="payment/wechat", shop="mp-main", out_refund_no=f"{OWN}-R1", accepted=True)
CLOSE = ClosePayment(partner="payment/wechat", shop="mp-main", out_trade_no=f"{OWN}-P1")
PUSH = PushToWms(
    partner="wms/WH-EAST", shipment=f"{ORDER}-S1", order=ORDER, channel="DY", shop="dy-main",
    native="4781234567890123456", warehouse="WH-EAST", items=(Item(1, "DOWN-JACKET-M", 2, 19_901),), placed_at=NOW,
)  # fmt: skip
CANCEL = CancelAtWms(partner="wms/WH-EAST", shipment=f"{ORDER}-S1", warehouse="WH-EAST", reason="不想要了")
STOCK = QueryStock(partner="wms/WH-EAST", warehouse="WH-EAST", sku="DOWN-JACKET-M")
TELL = TellFinance(
    partner="finance", order=ORDER, channel="DY", shop="dy-main", milestone="paid", amount_fen=12_900, at=NOW
)

INTERCEPT = InterceptParcel(
    partner="carrier/SF",
    shipment=f"{OWN}-S1",
    warehouse="WH-EAST",
    dispatch=f"{OWN}-S1.1",
    waybill="SF7444703608745",
)
QUERY = QueryRoutes(
    partner="carrier/SF", shipment=f"{ORDER}-S1", waybills=("SF7444703608745", "SF7444703608746")
)

SEARCH, SEARCH_TOO = (
    SearchTracks(partner=partner, shipment=f"{ORDER}-S1", carrier="SF", waybills=("SF7444703608745",))
    for partner in ("carrier/SF", "tracks/cainiao")
)


def waybill_effects(code: str) -> tuple[GetWaybill, CancelWaybill, PrintWaybill]:
    """What is asked of a carrier about one parcel of the own shop."""
    shipment, number = f"{OWN}-S1", f"{code}7444703608745"
    return (
        GetWaybill(
            partner=f"carrier/{code}", shipment=shipment, key=shipment, carrier=code, warehouse="WH-EAST", channel="MP",
            shop="mp-main", natives=("M-1",), items=(Item(1, "DOWN-JACKET-M", 2, 19_901),),
        ),
        CancelWaybill(partner=f"carrier/{code}", shipment=shipment, key=shipment, carrier=code, waybill=number),
        PrintWaybill(partner=f"carrier/{code}", shipment=shipment, key=shipment, carrier=code, waybill=number),
    )  # fmt: skip


TELL_SERVICE = TellService(
    partner="service", order=ORDER, channel="DY", shop="dy-main", native="4781234567890123456", event="shipped",
    shipment=f"{ORDER}-S1", units=((1, 2),), at=NOW, carrier="SF", waybill="SF7444703608745",
)  # fmt: skip
SENDING = f"{OWN}/shipped/{OWN}-S1.1/1"
SEND_SMS = SendNotice(
    partner="notice/sms", sending=SENDING, shop="mp-main", template="SMS_1", language="zh", signature="同单",
    values={"order": OWN},
)  # fmt: skip
SEND_MINI = msgspec.structs.replace(SEND_SMS, partner="notice/wechat-mini")
ASK_RECEIPT = AskReceipt(partner="notice/sms", sending=SENDING, reference="B1", sent_at=NOW)
WAYBILLS = (*waybill_effects("SF"), *waybill_effects("ZTO"))
EFFECTS = (
    FETCH, WRITE_BACK, PREPAY, CLOSE, REFUND, ASK_REFUND, PUSH, CANCEL, STOCK, TELL, QUERY, INTERCEPT, SEARCH,
    SEARCH_TOO, *WAYBILLS, TELL_SERVICE, SEND_SMS, SEND_MINI, ASK_RECEIPT,
)  # fmt: skip


def case(effect: Effect) -> Case:
    if isinstance(effect, FetchDetail | WriteBackShipment):
        host = "openapi-fxg.jinritemai.com"
        return Case(
            host,
            lambda wire: ChannelActor(effect.partner, DOUYIN, POLICY.channels["DY"], wire),
            errand(effect, ORDER),
        )
    if isinstance(effect, Prepay | ClosePayment | RefundPayment | QueryRefund):
        host = "api.mch.weixin.qq.com"
        return Case(
            host, lambda wire: WechatActor(effect.partner, PARTNERS.wechat, POLICY, wire), errand(effect, OWN)
        )
    if isinstance(effect, PushToWms | CancelAtWms | QueryStock):
        host = "qimen.api.taobao.com"
        return Case(
            host,
            lambda wire: QimenActor(effect.partner, PARTNERS.qimen, POLICY, wire),
            errand(effect, f"{ORDER}-S1"),
        )
    if effect is SEARCH_TOO:
        return Case(
            "link.cainiao.com", lambda wire: carrier(effect.partner, wire), errand(effect, f"{OWN}-S1")
        )
    if isinstance(
        effect, SearchTracks | QueryRoutes | InterceptParcel | GetWaybill | CancelWaybill | PrintWaybill
    ):
        host = "bspgw.sf-express.com" if effect.partner == "carrier/SF" else "gw.api.taobao.com"
        return Case(host, lambda wire: carrier(effect.partner, wire), errand(effect, f"{OWN}-S1"))
    if isinstance(effect, TellService):
        service = PARTNERS.service
        assert service is not None
        host = "service.example.com"
        return Case(host, lambda wire: ServiceActor(effect.partner, service, wire), errand(effect, ORDER))
    if effect.partner == "notice/wechat-mini":
        mini = PARTNERS.wechat_mini
        assert mini is not None
        host = "api.weixin.qq.com"
        return Case(host, lambda wire: WechatMiniActor(effect.partner, mini, wire), errand(effect, OWN))
    if isinstance(effect, SendNotice | AskReceipt):
        sms = PARTNERS.sms
        assert sms is not None
        host, zone = "dysmsapi.aliyuncs.com", ZoneInfo(sms.zone)
        return Case(host, lambda wire: SmsActor(effect.partner, sms, zone, wire), errand(effect, OWN))
    host = "finance.example.com"
    return Case(
        host, lambda wire: FinanceActor(effect.partner, PARTNERS.finance, wire), errand(effect, ORDER)
    )


def carrier(partner: str, wire: Wire) -> Actor:
    """As it is connected under the configuration that is delivered."""
    actors = connect_actors(CONF, wire.credentials, wire.transport, wire.clock, SeededEntropy("0"))
    return next(actor for actor in actors if actor.partner == partner)


def verb_of(played: object) -> str:
    return type(played.errand.effect).__name__ if isinstance(played, Case) else ""


@pytest.fixture(params=[case(each) for each in EFFECTS], ids=verb_of)
def played(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.mark.parametrize(
    ("answer", "unknown", "retry_after_s"),
    [
        (Unreachable, False, 0.0),
        (NoAnswer, True, 0.0),
        (HttpResponse(429, {"retry-after": "30"}, b""), False, 30.0),
        (HttpResponse(503, {"retry-after": "99999"}, b""), False, 3_600.0),
        (HttpResponse(503, {"retry-after": "soon"}, b""), False, 0.0),
        (HttpResponse(500, {}, b"<html>"), True, 0.0),
        (HttpResponse(502, {}, b""), True, 0.0),
    ],
)
async def test_a_broken_line_and_a_broken_server_are_the_partners_as_a_whole(
    played: Case, answer: Answer, unknown: bool, retry_after_s: float
) -> None:
    partner = Partner(played.host, answer)
    failure = await failed(played.actor(partner.wire).perform(played.errand))
    assert (failure.partner_wide, failure.final) == (True, False)
    assert (failure.unknown, failure.retry_after_s) == (unknown, retry_after_s)
    assert len(partner.asked) == 1


async def test_without_its_credential_nothing_is_sent_and_the_partner_waits(played: Case) -> None:
    partner = Partner(played.host, ok(b""))
    failure = await failed(played.actor(partner.without_credentials()).perform(played.errand))
    assert (failure.partner_wide, failure.final, failure.unknown) == (True, False, False)
    assert "credential" in failure.error
    assert partner.asked == []


# finance answers by status alone, and so does WeChat Pay when it closes (its signature is checked all the same)
@pytest.mark.parametrize("played", [case(each) for each in EFFECTS if each is not TELL], ids=verb_of)
@pytest.mark.parametrize("body", [b"", b"\xff", b"<html>busy</html>", b"[[[", b"{}", b"null", b"9" * 5_000])
async def test_an_answer_that_is_none_is_never_taken_for_success(played: Case, body: bytes) -> None:
    partner = Partner(played.host, ok(body))
    failure = await failed(played.actor(partner.wire).perform(played.errand))
    assert (failure.unknown, failure.final) == (True, False)


@pytest.mark.parametrize(
    "played", [case(each) for each in (FETCH, PUSH, TELL, QUERY, REFUND, SEARCH_TOO)], ids=verb_of
)
async def test_an_errand_of_another_kind_is_a_dead_letter(played: Case) -> None:
    partner = Partner(played.host, ok(b""))
    other = FETCH if played.errand.effect is REFUND else PREPAY
    failure = await failed(played.actor(partner.wire).perform(errand(other, OWN)))
    assert failure.final and partner.asked == []


async def test_every_verb_is_declared(played: Case) -> None:
    actor = played.actor(Partner(played.host, ok(b"")).wire)
    assert type(played.errand.effect) in actor.verbs
    assert actor.partner == played.errand.effect.partner


def test_every_effect_has_an_actor_under_the_name_deciders_give_it() -> None:
    wire = Partner("nowhere", ok(b"")).wire
    actors = connect_actors(CONF, wire.credentials, wire.transport, wire.clock, SeededEntropy("0"))
    by_name = {actor.partner: actor for actor in actors}
    assert sorted(by_name) == [
        "carrier/SF", "carrier/ZTO", "channel/DY/dy-main", "channel/JD/jd-main", "channel/KS/ks-main",
        "channel/PD/pd-main", "channel/TB/tb-main", "channel/XX/xx-main", "finance", "notice/sms", "notice/wechat-mini",
        "payment/wechat", "service", "tracks/cainiao", "wms/WH-EAST", "wms/WH-NORTH", "wms/WH-SOUTH",
    ]  # fmt: skip
    for effect in EFFECTS:
        assert type(effect) in by_name[effect.partner].verbs


def test_every_partner_has_its_door() -> None:
    doors = open_doors(CONF, Partner("nowhere", ok(b"")).wire.credentials)
    assert sorted(door.path for door in doors) == [
        "/own/mp-main/", "/push/douyin/", "/push/example/", "/push/finance/", "/push/jd/", "/push/kuaishou/",
        "/push/pinduoduo/", "/push/qimen/", "/push/sf/", "/push/sms/", "/push/taobao/", "/push/wechat-mini/",
        "/push/wechat/",
    ]  # fmt: skip
