"""The partners' own formats: for each a door (their pushes become commands) and an actor (effects become
calls).

A door authenticates before it parses; whatever it is given ends as commands, as "not understood", as
"unauthentic" or as a client's named mistake, and as nothing else. An actor says how each of its verbs may
be repeated, and whose fault a failure is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tongdan.adapters.partners.cainiao import CainiaoActor
from tongdan.adapters.partners.cainiao_tracks import CainiaoTracks
from tongdan.adapters.partners.channel import Channel
from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.adapters.partners.erp_push import ErpPushActor
from tongdan.adapters.partners.exchange import Warm, Wire
from tongdan.adapters.partners.finance import FinanceActor, FinanceDoor
from tongdan.adapters.partners.jd_api import JD
from tongdan.adapters.partners.k3cloud import K3CloudActor
from tongdan.adapters.partners.k3cloud_query import K3CloudWitness
from tongdan.adapters.partners.kuaishou_api import KUAISHOU
from tongdan.adapters.partners.mapped import mapped
from tongdan.adapters.partners.miniprogram import CHANNEL as OWN
from tongdan.adapters.partners.miniprogram import OwnShopDoor
from tongdan.adapters.partners.pinduoduo import PINDUODUO
from tongdan.adapters.partners.qimen import QimenDoor
from tongdan.adapters.partners.qimen_api import QimenActor
from tongdan.adapters.partners.qimen_line import QimenLine
from tongdan.adapters.partners.qimen_orders import WmsWitness
from tongdan.adapters.partners.service import ServiceActor
from tongdan.adapters.partners.settings import ErpSettings, Partners
from tongdan.adapters.partners.sf import CARRIER as SF
from tongdan.adapters.partners.sf import SfDoor
from tongdan.adapters.partners.sf_api import MAX_ASKED, SfActor, sf_warmer
from tongdan.adapters.partners.sf_intercept import SfInterceptions
from tongdan.adapters.partners.sf_line import SfLine
from tongdan.adapters.partners.sf_waybill import SfWaybills
from tongdan.adapters.partners.sms import SmsDoor
from tongdan.adapters.partners.sms_api import SmsActor
from tongdan.adapters.partners.status_endpoint import StatusWitness
from tongdan.adapters.partners.taobao_api import TAOBAO
from tongdan.adapters.partners.wechat import WechatDoor
from tongdan.adapters.partners.wechat_api import WechatActor
from tongdan.adapters.partners.wechat_mini import WechatMiniDoor
from tongdan.adapters.partners.wechat_mini_api import WechatMiniActor
from tongdan.adapters.partners.witnesses import CarrierWitness, ChannelWitness, PaymentWitness
from tongdan.domain.fulfillment.facts import QueryRoutes
from tongdan.domain.kernel.notices import SMS, WECHAT_MINI
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.facts import FetchDetail
from tongdan.domain.orders.money.refund_facts import QueryRefund
from tongdan.ports import Actor, Clock, Credentials, Door, Entropy, Transport, Witness

# The platforms Tongdan knows; which of them a seller has is said by `conf/shops.yml`.
CHANNELS: Final[tuple[Channel, ...]] = (DOUYIN, PINDUODUO, TAOBAO, JD, KUAISHOU)

ERPS: Final[Mapping[str, Callable[[str, ErpSettings, Wire], Actor]]] = {
    "webhook": ErpPushActor,
    "k3cloud": K3CloudActor,
}

# The statuses that finance can tell, and those that it can be told again.
FINANCE_TELLS: Final = frozenset({"paid", "signed", "settled", "cancelled", "refunded"})
FINANCE_HEARS: Final = frozenset({"paid", "signed", "cancelled"})
# The same of ERPs and customer service, with the fields that they hear of by the way.
ERP_TELLS: Final = frozenset({"released", "cancelled"})
ERP_HEARS: Final = frozenset({"released", "cancelled", "amount", "waybill"})
SERVICE_TELLS: Final = frozenset({"shipped"})
SERVICE_HEARS: Final = frozenset({"shipped", "waybill"})

if TYPE_CHECKING:
    from tongdan.adapters.policy_files import Conf


def channels_of(conf: "Conf") -> tuple[Channel, ...]:
    """Those Tongdan knows, and those that `conf` describes by a map alone."""
    maps = conf.policy.channels
    return (*CHANNELS, *(mapped(code, how, ZoneInfo(maps[code].zone)) for code, how in conf.by_map.items()))


def tasks_of(conf: "Conf") -> dict[str, str]:
    """Every task that calls a partner or hears one, called like its credential, with where it calls ("": nowhere)."""
    partners, policy = conf.partners, conf.policy
    by_code = {channel.code: channel.name for channel in channels_of(conf)}
    tasks = {
        f"{by_code[shop.channel]}/{shop.id}": policy.channels[shop.channel].base_url
        for shop in policy.shops.values()
        if shop.channel in by_code
    }
    tasks |= {f"own/{shop.id}": "" for shop in policy.shops.values() if shop.channel == OWN}
    tasks |= {f"wechat/{mchid}": partners.wechat.base_url for mchid in partners.wechat.merchants.values()}
    tasks[f"qimen/{partners.qimen.wms}"] = partners.qimen.base_url
    tasks[f"finance/{partners.finance.system}"] = partners.finance.base_url
    tasks[f"sf/{partners.sf.account}"] = partners.sf.base_url
    if partners.cainiao is not None:
        tasks[f"cainiao/{partners.cainiao.account}"] = partners.cainiao.base_url
    if partners.cainiao_link is not None:
        tasks[f"cainiao-link/{partners.cainiao_link.account}"] = partners.cainiao_link.base_url
    if partners.sms is not None:
        tasks[f"sms/{partners.sms.account}"] = partners.sms.base_url
    if (mini := partners.wechat_mini) is not None:
        tasks |= {f"wechat-mini/{appid}": mini.base_url for appid in mini.apps.values()}
    if partners.service is not None:
        tasks[f"service/{partners.service.system}"] = partners.service.base_url
    tasks |= {f"erp/{name}": erp.base_url for name, erp in partners.erps.items()}
    if conf.sign_in is not None:
        tasks["sign-in/oidc"] = conf.sign_in.issuer
    if conf.health.mail is not None and conf.health.mail.account:
        tasks[f"mail/{conf.health.mail.account}"] = ""
    return tasks


def warmers_of(conf: "Conf", transport: Transport, clock: Clock) -> dict[str, Warm]:
    """task → a call that changes nothing, where the partner offers one."""
    return {f"sf/{conf.partners.sf.account}": sf_warmer(conf.partners.sf, transport, clock)}


def open_doors(conf: "Conf", credentials: Credentials) -> Sequence[Door]:
    """Every entrance that `conf` has need of; each own shop has its own."""
    partners, carriers = conf.partners, conf.policy.carriers
    own = [OwnShopDoor(shop, credentials) for shop in conf.policy.shops.values() if shop.channel == OWN]
    return (
        *own,
        *(ChannelDoor(channel, credentials, conf.policy) for channel in channels_of(conf)),
        WechatDoor(credentials),
        QimenDoor(credentials, ZoneInfo(partners.qimen.zone)),
        FinanceDoor(credentials, ZoneInfo(partners.finance.zone)),
        *(
            SfDoor(credentials, partners.sf.account, ZoneInfo(carriers[code].zone))
            for code in carriers
            if code == SF
        ),
        *_notice_doors(conf, credentials),
    )


def _notice_doors(conf: "Conf", credentials: Credentials) -> Sequence[Door]:
    """Where receipts of notices come in."""
    doors: list[Door] = []
    if (sms := conf.partners.sms) is not None:
        doors.append(SmsDoor(credentials, sms.account, ZoneInfo(sms.zone)))
    if conf.partners.wechat_mini is not None:
        ways = [way for rule in conf.policy.notices.rules for way in rule.ways]
        templates = frozenset([way.template for way in ways if way.means == WECHAT_MINI])
        doors.append(WechatMiniDoor(credentials, templates))
    return doors


def connect_actors(
    conf: "Conf", credentials: Credentials, transport: Transport, clock: Clock, entropy: Entropy
) -> Sequence[Actor]:
    """Everybody that effects are sent to, under the names that deciders give them.

    A shop and a warehouse each have their own lanes and breaker, though many may lie behind one address.
    None so far asks for an unguessable value: `entropy` rests.
    """
    partners, policy = conf.partners, conf.policy
    wire = Wire(transport, credentials, clock)
    return (
        *(
            ChannelActor(f"channel/{shop.channel}/{shop.id}", channel, policy.channels[shop.channel], wire)
            for channel in channels_of(conf)
            for shop in policy.shops.values()
            if shop.channel == channel.code
        ),
        *(QimenActor(f"wms/{code}", partners.qimen, policy, wire) for code in policy.warehouses),
        WechatActor("payment/wechat", partners.wechat, policy, wire),
        FinanceActor("finance", partners.finance, wire),
        *(ERPS[erp.kind](f"erp/{name}", erp, wire) for name, erp in partners.erps.items()),
        *_carriers(partners, policy, wire),
        *_tellers(conf, wire),
    )


def witnesses_of(
    conf: "Conf", actors: Sequence[Actor], credentials: Credentials, transport: Transport, clock: Clock
) -> Sequence[Witness]:
    """Everybody that can be asked how it sees orders: who has a query of its own, and who offers our endpoint."""
    found: list[Witness] = []
    policy, finance = conf.policy, conf.partners.finance
    channels = {f"channel/{shop.channel}/{shop.id}": shop.channel for shop in policy.shops.values()}
    for actor in actors:
        if actor.partner in channels and FetchDetail in actor.verbs:
            found.append(ChannelWitness(actor, policy.channels[channels[actor.partner]]))
        elif QueryRoutes in actor.verbs:
            how = policy.carriers[actor.partner.removeprefix("carrier/")]
            found.append(CarrierWitness(actor, how, MAX_ASKED))
        elif QueryRefund in actor.verbs:
            found.append(PaymentWitness(actor))
    wire = Wire(transport, credentials, clock)
    line = QimenLine(conf.partners.qimen, wire)
    found += [WmsWitness(f"wms/{code}", line) for code in policy.warehouses]
    if finance.status_url:
        credential = f"finance/{finance.system}"
        found.append(
            StatusWitness("finance", finance.status_url, credential, FINANCE_TELLS, FINANCE_HEARS, wire)
        )
    return [*found, *_downstream(partners=conf.partners, wire=wire)]


def _downstream(partners: Partners, wire: Wire) -> Iterator[Witness]:
    """ERPs and customer service, as far as they can tell."""
    for name, erp in partners.erps.items():
        partner = f"erp/{name}"
        if erp.kind == "k3cloud":
            yield K3CloudWitness(partner, erp, wire)
        elif erp.status_url:
            yield StatusWitness(partner, erp.status_url, partner, ERP_TELLS, ERP_HEARS, wire)
    service = partners.service
    if service is not None and service.status_url:
        credential = f"service/{service.system}"
        yield StatusWitness("service", service.status_url, credential, SERVICE_TELLS, SERVICE_HEARS, wire)


def _carriers(partners: Partners, policy: Policy, wire: Wire) -> Iterator[Actor]:
    for code, carrier in policy.carriers.items():
        terms, partner = carrier.waybill, f"carrier/{code}"
        if code == SF:
            line = SfLine(partners.sf, wire)
            waybills = SfWaybills(line, terms, partners) if terms is not None else None
            yield SfActor(partner, line, ZoneInfo(carrier.zone), SfInterceptions(line, partners), waybills)
        elif terms is not None and partners.cainiao is not None:
            yield CainiaoActor(partner, terms, partners.cainiao, partners, wire)
    if partners.cainiao_link is not None:
        yield CainiaoTracks(partners.cainiao_link, wire)


def _tellers(conf: "Conf", wire: Wire) -> Sequence[Actor]:
    """Who buyers and customer service are told by, as far as they are configured."""
    partners, actors = conf.partners, list[Actor]()
    if (sms := partners.sms) is not None:
        actors.append(SmsActor(f"notice/{SMS}", sms, ZoneInfo(sms.zone), wire))
    if (mini := partners.wechat_mini) is not None:
        actors.append(WechatMiniActor(f"notice/{WECHAT_MINI}", mini, wire))
    if (service := partners.service) is not None:
        actors.append(ServiceActor("service", service, wire))
    return actors
