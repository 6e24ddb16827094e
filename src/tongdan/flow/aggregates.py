"""The kinds of aggregate: how each folds its facts, when it wants to be woken, and who decides then.

Aggregates of one kind are one slice's business; `routes.py` says which commands reach them.
"""

from typing import Final

from tongdan.domain.catalog import gift_count, offers, skus
from tongdan.domain.catalog import model as catalog
from tongdan.domain.confighealth import keeping, scanning
from tongdan.domain.fulfillment import (
    folding,
    packing,
    quota,
    quoting,
    stock,
    stocking,
    tracking,
    untracked,
    watching,
)
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.guard import limits, outage, risk
from tongdan.domain.kernel.keys import (
    AFTER_SALE,
    ALIAS,
    CREDENTIAL,
    GIFT,
    HEALTH,
    LIMIT,
    MARK,
    NOTICE,
    OFFER,
    ORDER,
    OUTAGE,
    PACKING,
    PULL,
    PULSE,
    QUOTA,
    SHIPMENT,
    SKU,
    SLOT,
    STOCK,
    TICKET,
    UNTRACKED,
)
from tongdan.domain.kernel.messages import Decide
from tongdan.domain.notices import model as notices
from tongdan.domain.notices import telling
from tongdan.domain.orders import deadlines, erp, evolve, lifecycle
from tongdan.domain.orders import status as statuses
from tongdan.domain.orders.model import Order
from tongdan.domain.returns import folding as returns_folding
from tongdan.domain.returns import model as returns
from tongdan.domain.returns import reporting
from tongdan.domain.sync import alias, epoch, pull, pulse, repair, ticket
from tongdan.flow.routing import Kind

ORDER_KIND: Final = Kind(
    name=ORDER,
    state=Order,
    evolve=evolve.evolve,
    wake_at=deadlines.wake_at,
    status=statuses.status,
    shop=lambda order: order.shop,
    schema=2,
)
SHIPMENT_KIND: Final = Kind(
    name=SHIPMENT,
    state=Shipment,
    evolve=folding.evolve,
    wake_at=tracking.wake_at,
    shop=lambda shipment: shipment.shop,
)
AFTER_SALE_KIND: Final = Kind(
    name=AFTER_SALE,
    state=returns.AfterSale,
    evolve=returns_folding.evolve,
    wake_at=returns.wake_at,
    shop=lambda after_sale: after_sale.shop,
)
PACKING_KIND: Final = Kind(
    name=PACKING,
    state=packing.Table,
    evolve=packing.evolve,
    shop=lambda table: table.shop,
)
STOCK_KIND: Final = Kind(
    name=STOCK,
    state=stock.Stock,
    evolve=stocking.evolve,
    wake_at=stock.wake_at,
)
LIMIT_KIND: Final = Kind(name=LIMIT, state=limits.Limit, evolve=limits.evolve)
QUOTA_KIND: Final = Kind(name=QUOTA, state=quota.Quota, evolve=quoting.evolve)
ALIAS_KIND: Final = Kind(
    name=ALIAS,
    state=alias.Alias,
    evolve=alias.evolve,
    wake_at=alias.wake_at,
    schema=2,
)
PULL_KIND: Final = Kind(
    name=PULL,
    state=pull.Pull,
    evolve=pull.evolve,
    wake_at=pull.wake_at,
    shop=lambda pull: pull.shop,
)
PULSE_KIND: Final = Kind(name=PULSE, state=pulse.Pulse, evolve=pulse.evolve)
TICKET_KIND: Final = Kind(name=TICKET, state=ticket.Ticket, evolve=repair.evolve)

SKU_KIND: Final = Kind(name=SKU, state=catalog.Sku, evolve=skus.evolve)
OFFER_KIND: Final = Kind(
    name=OFFER,
    state=catalog.Offer,
    evolve=offers.evolve,
    shop=lambda offer: offer.shop,
)
GIFT_KIND: Final = Kind(name=GIFT, state=catalog.GiftCount, evolve=gift_count.evolve)

NOTICE_KIND: Final = Kind(
    name=NOTICE,
    state=notices.Notice,
    evolve=notices.evolve,
    wake_at=notices.wake_at,
    shop=lambda notice: notice.shop,
)
MARK_KIND: Final = Kind(name=MARK, state=risk.Mark, evolve=risk.evolve)
OUTAGE_KIND: Final = Kind(name=OUTAGE, state=outage.Outages, evolve=outage.evolve)

CREDENTIAL_KIND: Final = Kind(name=CREDENTIAL, state=keeping.Credential, evolve=keeping.evolve)
HEALTH_KIND: Final = Kind(name=HEALTH, state=scanning.Board, evolve=scanning.evolve)

UNTRACKED_KIND: Final = Kind(name=UNTRACKED, state=untracked.Untracked, evolve=untracked.evolve)

SLOT_KIND: Final = Kind(name=SLOT, state=epoch.Epochs, evolve=epoch.evolve)

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        ORDER_KIND,
        SHIPMENT_KIND,
        AFTER_SALE_KIND,
        PACKING_KIND,
        STOCK_KIND,
        QUOTA_KIND,
        LIMIT_KIND,
        ALIAS_KIND,
        PULL_KIND,
        PULSE_KIND,
        TICKET_KIND,
        SLOT_KIND,
        SKU_KIND,
        OFFER_KIND,
        GIFT_KIND,
        NOTICE_KIND,
        MARK_KIND,
        OUTAGE_KIND,
        CREDENTIAL_KIND,
        HEALTH_KIND,
        UNTRACKED_KIND,
    )
}

# Who decides when a deadline of the aggregate has passed. Kinds that are not listed never ask to be woken.
WAKES: Final[dict[str, Decide]] = {
    ORDER: erp.revising(lifecycle.wake),
    STOCK: watching.telling(stocking.wake),
    SHIPMENT: tracking.wake,
    AFTER_SALE: reporting.wake,
    ALIAS: alias.wake,
    PULL: pull.wake,
    NOTICE: telling.wake,
}
