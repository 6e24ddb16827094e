"""The policy a decision is made under: an immutable, numbered revision of the files in `conf/`.

Deciders read it through their context and put what they concluded into facts, so that editing a file never changes
what has already happened.
"""

from typing import Final

import msgspec

from tongdan.domain.kernel.confirmation import ConfirmationPolicy
from tongdan.domain.kernel.gifts import GiftRule
from tongdan.domain.kernel.health import HealthPolicy
from tongdan.domain.kernel.notices import NoticePolicy
from tongdan.domain.kernel.pulse import PulsePolicy
from tongdan.domain.kernel.quotas import QuotaPolicy


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A shop (店铺) on one channel; `native` is the platform's number for it.

    `owned` False: Tongdan watches it and owns nothing of it. `pays_back` False: money that is owed waits for a person.
    `match_skus`: codes that it gives its goods on the platform are no own SKUs, so each is matched by a person first.
    `cash_on_delivery`: an own shop's buyers may pay at the door.
    `erp`: where its orders are pushed to.
    """

    id: str
    channel: str
    native: str
    name: str
    legal_entity: str
    owned: bool = True
    pays_back: bool = True
    match_skus: bool = False
    cash_on_delivery: bool = False
    erp: str = ""


LAST_FIRST: Final = "last-first"
CURSOR: Final = "cursor"


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel may be asked what has changed: every so often, in windows of at most `window_s`.

    `behind_s`: how far its index lies behind; `overlap_s` is read again each time. `pages` is LAST_FIRST or CURSOR.
    """

    window_s: int
    every_s: int = 300
    overlap_s: int = 60
    behind_s: int = 10
    pages: str = LAST_FIRST
    page_size: int = 100
    calls_per_minute: int = 60


class AfterSaleMap(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel's native after-sale kinds and statuses read in ours, and how it wants to be answered.

    `reasons`: its codes for refusing → what they mean. `return_addresses`: shop → the number of the address in the
    platform's book that returns go to. `carriers`: what it calls who brings a return, where that is no code of the
    channel's `carriers`, → the warehouse's code. `decide_within_s`: how long an own shop's buyer waits for an answer
    at most. Without `listing` after-sales are only pushed.
    """

    kinds: dict[str, str]
    stages: dict[str, str]
    reasons: dict[str, str] = {}
    return_addresses: dict[str, str] = {}
    carriers: dict[str, str] = {}
    decide_within_s: int = 172_800
    listing: Listing | None = None


class ChannelMap(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel's native order statuses read in canonical ones, how its clock is to be read and itself reached.

    `carriers`: the WMS's carrier code → the channel's. Without `listing` the channel only pushes. Without `after_sale`
    its after-sales are left to the platform's own console. `settles_within_s` after all was signed for the price has
    been paid out (0: that is not watched).
    """

    code: str
    name_zh: str
    name_en: str
    zone: str
    statuses: dict[str, str]
    base_url: str = ""
    carriers: dict[str, str] = {}
    listing: Listing | None = None
    after_sale: AfterSaleMap | None = None
    settles_within_s: int = 0


class WaybillTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How a carrier gives numbers to the seller. `through` is whose interface that is.

    `channels`: those whose receivers it may be given; others encrypt them for a waybill service of their own.
    `product` and `template` are the carrier's names for the service bought and for the label.
    """

    through: str
    channels: tuple[str, ...]
    product: str = ""
    template: str = ""


class CarrierMap(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier; `code` is the WMS's for it.

    `statuses`: how the nodes of its tracks read in canonical words, none where it neither tells nor is asked where
    parcels are; `zone` is its clock. Without `waybill` it gives numbers to warehouses only. `intercepts`: it can be
    asked to turn a parcel back. `tracked_by`: who else can be asked whether a parcel has a track (cainiao).
    """

    code: str
    name_zh: str
    name_en: str
    zone: str
    statuses: dict[str, str] = {}
    intercepts: bool = False
    waybill: WaybillTerms | None = None
    tracked_by: tuple[str, ...] = ()

    @property
    def is_followed(self) -> bool:
        return bool(self.statuses)


WAREHOUSE: Final = "warehouse"
SELLER: Final = "seller"


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse; `regions` are the province names it serves first.

    `waybill` says who takes the numbers of its parcels: WAREHOUSE, or SELLER, then from `carrier`.
    """

    code: str
    name: str
    partner: str
    regions: tuple[str, ...] = ()
    waybill: str = WAREHOUSE
    carrier: str = ""


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """How long the order centre waits before it acts or raises a ticket, in seconds."""

    pay_within_s: int = 1_800
    detail_within_s: int = 600
    reservation_s: int = 2_700
    ship_within_s: int = 172_800
    complete_after_signed_s: int = 604_800
    track_within_s: int = 86_400
    signed_track_grace_s: int = 240
    claim_within_s: int = 86_400
    refund_within_s: int = 10_800
    cash_within_s: int = 864_000
    archive_after_s: int = 2_592_000
    forget_after_s: int = 2_592_000


class HoldRule(msgspec.Struct, frozen=True, kw_only=True):
    """When an order is held as `ACTION-NAME` (action: review 审单 or risk 风控); all that a rule names has to hold.

    `amount_above_fen`, `skus`, `shops`, `channels`, `regions` (provinces), `incomplete_address`: of the order.
    `address_changed`: after it was paid. `blacklisted`, `orders_at_least` (this one included, within `within_s`) and
    `first_order`: of its buyer, known by the marks of `by` (phone, buyer, payer, receiver; none: any).
    `lift_after_s`: it lifts itself then; None: a person does.
    """

    name: str
    action: str
    name_en: str
    name_zh: str
    active: bool = True
    shops: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    amount_above_fen: int | None = None
    incomplete_address: bool = False
    address_changed: bool = False
    blacklisted: bool = False
    orders_at_least: int = 0
    within_s: int = 0
    first_order: bool = False
    by: tuple[str, ...] = ()
    lift_after_s: int | None = None

    @property
    def hold(self) -> str:
        return f"{self.action}-{self.name}"

    @property
    def of_buyer(self) -> bool:
        """What it asks is known to the marks of the buyer only."""
        return self.blacklisted or self.first_order or self.orders_at_least > 0


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    shops: dict[str, Shop] = {}
    channels: dict[str, ChannelMap] = {}
    carriers: dict[str, CarrierMap] = {}
    warehouses: dict[str, Warehouse] = {}
    deadlines: Deadlines = Deadlines()
    notices: NoticePolicy = NoticePolicy()
    holds: tuple[HoldRule, ...] = ()
    gifts: tuple[GiftRule, ...] = ()
    quotas: QuotaPolicy = QuotaPolicy()
    confirmation: ConfirmationPolicy = ConfirmationPolicy()
    pulse: PulsePolicy = PulsePolicy()
    health: HealthPolicy = HealthPolicy()
