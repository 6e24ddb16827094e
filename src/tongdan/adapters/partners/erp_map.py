"""How one kind of an ERP's files is read, as data in `conf/imports/`: its columns, words, shops and clock."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from tongdan.adapters.partners.miniprogram import CHANNEL as OWN
from tongdan.domain.kernel.policy import Policy

# What an order of the other system is: not paid, to be sent, kept back by it, sent, or no longer open.
State = Literal["unpaid", "paid", "held", "left", "over"]
Kind = Literal["stock", "orders", "open-orders", "manual-orders"]


class Fields(NamedTuple):
    """Which a map must and may name, and which of them are times."""

    must: frozenset[str]
    may: frozenset[str]
    times: frozenset[str]


def _fields(must: str, may: str, times: str) -> Fields:
    return Fields(frozenset(must.split()), frozenset(may.split()), frozenset(times.split()))


# Of orders that people enter (手工单), `number` is theirs, `due` what an order is said to come to, `user` who buys.
# Of open orders, `document` is the other system's own number: an order of the platform may have several, and one of
# them may stand for several orders. `origin` is the platform's number of a row, where `native` is that of its document;
# `due` what the sums of a document come to; `type` … `cod` are looked through for the words of `holds`.
FIELDS: Final[Mapping[Kind, Fields]] = {
    "stock": _fields("sku warehouse on_hand", "counted_at", "counted_at"),
    "orders": _fields(
        "native status placed_at sku units amount name phone province city detail",
        "said_at paid_at freight title district",
        "said_at placed_at paid_at",
    ),
    "manual-orders": _fields(
        "number placed_at sku units amount name phone province city detail payment reason",
        "title freight discount due district reference paid_at user",
        "placed_at paid_at",
    ),
    "open-orders": _fields(
        "document native shop status placed_at sku units amount",
        "origin platform sub platform_sku title variant gift bundle line_freight freight discount due paid_at "
        "shipped_at carrier waybill type labels problem refund cod buyer name phone area province city district "
        "street detail",
        "placed_at paid_at shipped_at",
    ),
}


class ImportMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of file. `columns`: field → heading, or those it may have; `values`: field → what the file writes →
    what it means.

    Of open orders: `system` is whose they are; `shops`: the file's shop → ours, where the names differ; `channels`: its
    platforms → ours; `states`: its statuses; `holds`: a word in its marks → the hold it stands for; `carriers`: its
    carriers → the code that warehouses use.
    """

    kind: Kind
    zone: str
    columns: dict[str, str | list[str]]
    encoding: Literal["auto", "utf-8", "gb18030"] = "auto"
    shop: str = ""
    values: dict[str, dict[str, str]] = {}
    system: str = ""
    shops: dict[str, str] = {}
    channels: dict[str, str] = {}
    states: dict[str, State] = {}
    holds: dict[str, str] = {}
    carriers: dict[str, str] = {}

    @property
    def optional(self) -> frozenset[str]:
        """Columns that a file need not have, because people choose which they export."""
        return FIELDS[self.kind].may if self.kind in ("open-orders", "manual-orders") else frozenset()

    def heading(self, field: str) -> str:
        """What the column of a field is called, the first name where it may have several; "" if there is none."""
        names = self.columns.get(field, "")
        return names if isinstance(names, str) else names[0]


def check_map(how: ImportMap, policy: Policy) -> str:
    """What is wrong with a map, "" if nothing."""
    must, may, _ = FIELDS[how.kind]
    if missing := sorted(must - set(how.columns)):
        return f"columns: expected also {', '.join(missing)}"
    if strange := sorted((set(how.columns) | set(how.values)) - must - may):
        return f"columns, values: expected only {', '.join(sorted(must | may))}, got {', '.join(strange)}"
    return _check_open(how, policy) if how.kind == "open-orders" else _check_plain(how, policy)


def _check_plain(how: ImportMap, policy: Policy) -> str:
    if how.system or how.shops or how.channels or how.states or how.holds or how.carriers:
        return "kind: expected open-orders where there are system, shops, channels, states, holds or carriers"
    if how.kind in ("orders", "manual-orders") and how.shop not in policy.shops:
        return f"shop: expected one of {_named(policy.shops)}, got {how.shop!r}"
    if how.kind == "orders" and policy.shops[how.shop].channel == OWN:
        return f"shop: the orders of the own shop {how.shop} come through its own door, not by file"
    if how.kind == "manual-orders" and policy.shops[how.shop].channel != OWN:
        return f"shop: expected an own shop, because {how.shop} gets its orders from its platform"
    return ""


def _check_open(how: ImportMap, policy: Policy) -> str:
    if not _is_name(how.system):
        return "system: expected small letters, digits and hyphens, such as jushuitan"
    if how.shop:
        return "shop: expected none, because each row names its own; see shops"
    if not how.states:
        return "states: expected the file's statuses, each as unpaid, paid, held, left or over"
    if strange := [shop for shop in how.shops.values() if shop not in policy.shops]:
        return f"shops: expected one of {_named(policy.shops)}, got {strange[0]!r}"
    if strange := [hold for hold in how.holds.values() if not _is_name(hold)]:
        return f"holds: expected small letters, digits and hyphens, got {strange[0]!r}"
    return ""


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 40 and set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def _named(many: Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(many)


def needs_as_of(how: ImportMap) -> bool:
    """Whether the file does not say what moment it speaks of. The latest of its own times does for an open order."""
    moment = {"stock": "counted_at", "orders": "said_at"}.get(how.kind, "")
    return moment not in how.columns if moment else False
