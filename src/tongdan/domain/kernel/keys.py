"""Keys of aggregates, and the slot each lives in.

`DY20260127000892` is an order, `DY20260127000892-S1` its shipment, `…-A1` its after-sale, `stock/SKU`,
`alias/KIND/KEY`, and `ticket/SUBJECT/KIND` a ticket, which lives beside its subject, `packing/ORDER` the packing table
of an order, `pull/CHANNEL/SHOP` the pull of a shop, `sku/CODE` an own SKU, `offer/CHANNEL/SHOP/ID` a platform's,
`quota/SKU` what each shop may sell of it,
`notice/ORDER/KIND/ABOUT` what an order's buyer is told, `mark/KIND/TOKEN` what a buyer is known again by,
`pulse/PARTNER` the heartbeat of a partner, `credential/TASK` the keys that a task calls with,
`health/board` what scans found, `outage/PARTNER` when a partner was out, `untracked/CARRIER` its parcels that are
signed without a track. Whatever belongs to an order lies in the order's slot.
"""

from typing import Final

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.slots import SLOTS, slot_of

ORDER: Final = "order"
SHIPMENT: Final = "shipment"
AFTER_SALE: Final = "after-sale"
STOCK: Final = "stock"
ALIAS: Final = "alias"
TICKET: Final = "ticket"
PACKING: Final = "packing"
PULL: Final = "pull"
SLOT: Final = "slot"
SKU: Final = "sku"
OFFER: Final = "offer"
GIFT: Final = "gift"
QUOTA: Final = "quota"
LIMIT: Final = "limit"
NOTICE: Final = "notice"
MARK: Final = "mark"
PULSE: Final = "pulse"
CREDENTIAL: Final = "credential"
HEALTH: Final = "health"
OUTAGE: Final = "outage"
UNTRACKED: Final = "untracked"
RECEIPT: Final = "receipt/"  # how the aliases of providers' numbers begin
MAX_SENDING: Final = 200  # characters of what a sending is called
_BY_NAME: Final = frozenset(
    {STOCK, ALIAS, PULL, SKU, OFFER, GIFT, MARK, QUOTA, LIMIT, PULSE, CREDENTIAL, HEALTH, OUTAGE, UNTRACKED}
)  # they live where their name says
_BY_PART: Final = {"": ORDER, "S": SHIPMENT, "A": AFTER_SALE}  # they live with their order


def stock_key(sku: str) -> str:
    return f"{STOCK}/{sku}"


def alias_key(alias: str) -> str:
    return f"{ALIAS}/{alias}"


def waybill_alias(carrier: str, waybill: str) -> str:
    """The alias under which a parcel leads to its shipment: two carriers may use one number."""
    return f"waybill/{carrier}/{waybill}"


def receipt_alias(means: str, reference: str) -> str:
    """The alias under which a provider's own number of a message leads to the sending it is of."""
    return f"{RECEIPT}{means}/{reference}"


def ticket_key(subject: str, kind: str) -> str:
    return f"{TICKET}/{subject}/{kind}"


def packing_key(order: str) -> str:
    return f"{PACKING}/{order}"


def slot_key(slot: int) -> str:
    return f"{SLOT}/{slot}"


def after_sale_alias(channel: str, shop: str, number: str) -> str:
    """The alias under which a platform's number of an after-sale leads to it."""
    return f"{AFTER_SALE}/{channel}/{shop}/{number}"


def pull_key(channel: str, shop: str, what: str = "") -> str:
    """The aggregate that reads what a shop's channel lists of its orders, or of `what` else."""
    return f"{PULL}/{channel}/{shop}/{what}" if what else f"{PULL}/{channel}/{shop}"


def pulled(key: str) -> tuple[str, str, str]:
    """Channel, shop and what is listed ("": orders) of a pull's key."""
    _, channel, shop, *what = key.split("/", 3)
    return channel, shop, "".join(what)


def sku_key(sku: str) -> str:
    return f"{SKU}/{sku}"


def offer_key(channel: str, shop: str, offer: str) -> str:
    """What a platform's shop calls one SKU."""
    return f"{OFFER}/{channel}/{shop}/{offer}"


def notice_key(order: str, kind: str, about: str) -> str:
    """The notice of this kind about one thing of an order: a departure, a refund, or the order itself."""
    return f"{NOTICE}/{order}/{kind}/{about}"


def sending_id(notice: str, no: int) -> str:
    """What one sending of a notice is called towards providers: it begins with the order's id."""
    return f"{notice.removeprefix(NOTICE + '/')}/{no}"


def notice_of(sending: str) -> tuple[str, int]:
    """The key of the notice that a sending is of, and its number there. Raises ValueError with what is none of ours."""
    parts = sending.split("/")
    if len(sending) > MAX_SENDING or len(parts) != 4 or not all(parts):
        raise ValueError(sending)
    parsed = parse(parts[0])
    if parsed is None or parsed.part or not (parts[3].isascii() and parts[3].isdigit()) or len(parts[3]) > 4:
        raise ValueError(sending)
    return notice_key(parts[0], parts[1], parts[2]), int(parts[3])


def mark_key(mark: str) -> str:
    """`mark` is `KIND/TOKEN`."""
    return f"{MARK}/{mark}"


def credential_key(task: str) -> str:
    """The keys of a task, which is called like its credential: `sf/main`."""
    return f"{CREDENTIAL}/{task}"


HEALTH_BOARD: Final = f"{HEALTH}/board"


def gift_key(rule: str) -> str:
    """The count of a limited gift rule."""
    return f"{GIFT}/{rule}"


def untracked_key(carrier: str) -> str:
    return f"{UNTRACKED}/{carrier}"


def pulse_key(partner: str) -> str:
    """The heartbeat of a partner."""
    return f"{PULSE}/{partner}"


def outage_key(partner: str) -> str:
    """The outages of a partner."""
    return f"{OUTAGE}/{partner}"


def quota_key(sku: str) -> str:
    """What each shop may sell of an own SKU."""
    return f"{QUOTA}/{sku}"


def limit_key(limit: str) -> str:
    """What one buyer has of a SKU; `limit` is `SHOP/BUYER/SKU`."""
    return f"{LIMIT}/{limit}"


def kind_of(key: str) -> str:
    """Which kind of aggregate a key names. Raises ValueError for a key that is none of ours."""
    head, slash, rest = key.partition("/")
    if slash:
        if head in _BY_NAME or head in (TICKET, PACKING, NOTICE):
            return head
        if head == SLOT and rest.isascii() and rest.isdigit() and int(rest) < SLOTS:
            return SLOT
        raise ValueError(f"no aggregate has the key {key!r}")
    parsed = parse(key)
    if parsed is None or parsed.part not in _BY_PART:
        raise ValueError(f"no aggregate has the key {key!r}")
    return _BY_PART[parsed.part]


def key_slot(key: str) -> int:
    """The slot (0…255) that an aggregate lives in. Raises ValueError for a key that is none of ours."""
    kind = kind_of(key)
    if kind == SLOT:
        return int(key[len(SLOT) + 1 :])
    if kind == TICKET:
        return key_slot(key[len(TICKET) + 1 :].rpartition("/")[0])
    if kind == PACKING:
        return key_slot(key[len(PACKING) + 1 :])
    if kind == NOTICE:
        return key_slot(key.split("/", 2)[1])
    if kind in _BY_NAME:
        return slot_of(key)
    parsed = parse(key)
    assert parsed is not None
    return parsed.slot


def subject_of(key: str) -> str:
    """Whose key seals the personal data of this aggregate: the order it belongs to, else the aggregate itself."""
    kind = kind_of(key)
    if kind == TICKET:
        return subject_of(key[len(TICKET) + 1 :].rpartition("/")[0])
    if kind == PACKING:
        return subject_of(key[len(PACKING) + 1 :])
    if kind == NOTICE:
        return key.split("/", 2)[1]
    if kind in _BY_NAME or kind == SLOT:
        return key
    parsed = parse(key)
    assert parsed is not None
    return parsed.order


def order_of(key: str) -> str:
    """The order that a key belongs to; "" for one of none."""
    try:
        subject = subject_of(key)
    except ValueError:
        return ""
    return subject if parse(subject) is not None else ""
