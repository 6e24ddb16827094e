"""Where a command goes: the key it carries leads to a slot and an aggregate there, without a look at any directory.

Each raises ValueError with what is no id of its kind.
"""

from typing import Any

from tongdan.domain.catalog import commands as catalog_commands
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import (
    HEALTH_BOARD,
    NOTICE,
    alias_key,
    credential_key,
    gift_key,
    key_slot,
    limit_key,
    mark_key,
    notice_key,
    notice_of,
    offer_key,
    outage_key,
    packing_key,
    pull_key,
    pulse_key,
    quota_key,
    sku_key,
    slot_key,
    stock_key,
    ticket_key,
    untracked_key,
)
from tongdan.domain.kernel.slots import slot_of
from tongdan.domain.orders import commands as order_commands
from tongdan.domain.sync.dispute import KIND
from tongdan.flow.routing import Name, Target


def by_order(command: Any) -> Target:
    """By the order's own id. Raises ValueError with what is no order id."""
    parsed = parse(command.order)
    if parsed is None or parsed.part:
        raise ValueError(command.order)
    return Target(parsed.slot, command.order)


def by_buyer(command: order_commands.PlaceOrder) -> Target:
    """An own shop's order lives with its buyer. An id that the client was given before counts if it was lost."""
    return Target(slot_of("user", command.shop, command.buyer), command.id, _name(command))


def by_lost_id(command: order_commands.ResurfaceOrder) -> Target:
    """By the id, and by the platform's number if it can be this order's. Raises ValueError with what cannot."""
    target = by_order(command)
    if not command.native:
        return target
    channel = command.order[:2]
    if slot_of(channel, command.shop, command.native) != target.slot:
        raise ValueError(f"{command.order} = {command.native}")
    return Target(target.slot, command.order, Name(channel, command.shop, command.native))


def by_native(command: Any) -> Target:
    """A platform's pushes carry no user, so its order lives where its own number says."""
    return Target(slot_of(command.channel, command.shop, command.native), name=_name(command))


def _name(command: Any) -> Name:
    return Name(command.channel, command.shop, command.native)


def by_shipment(command: Any) -> Target:
    """Raises ValueError with what is no shipment id."""
    parsed = parse(command.shipment)
    if parsed is None or parsed.part != "S":
        raise ValueError(command.shipment)
    return Target(parsed.slot, command.shipment)


def by_after_sale(command: Any) -> Target:
    """Raises ValueError with what is no after-sale id."""
    parsed = parse(command.after_sale)
    if parsed is None or parsed.part != "A":
        raise ValueError(command.after_sale)
    return Target(parsed.slot, command.after_sale)


def by_table(command: Any) -> Target:
    """The packing table of an order. Raises ValueError as `by_order` does."""
    slot, order, _ = by_order(command)
    return Target(slot, packing_key(order))


def by_event(command: Any) -> Target:
    """The notice of an event of an order. Raises ValueError as `by_order` does."""
    slot, order, _ = by_order(command)
    return Target(slot, notice_key(order, command.kind, command.about))


def by_notice(command: Any) -> Target:
    """Raises ValueError with what is no notice."""
    head, _, rest = command.notice.partition("/")
    if head != NOTICE or notice_of(f"{rest}/0")[0] != command.notice:
        raise ValueError(command.notice)
    return Target(key_slot(command.notice), command.notice)


def by_sending(command: Any) -> Target:
    """Raises ValueError with what is no sending of a notice."""
    key, _ = notice_of(command.sending)
    return Target(key_slot(key), key)


def by_sku(command: Any) -> Target:
    key = stock_key(command.sku)
    return Target(key_slot(key), key)


def by_quota(command: Any) -> Target:
    key = quota_key(command.sku)
    return Target(key_slot(key), key)


def by_limit(command: Any) -> Target:
    key = limit_key(command.limit)
    return Target(key_slot(key), key)


def by_sku_code(command: catalog_commands.DefineSku | catalog_commands.SetCost) -> Target:
    key = sku_key(command.sku)
    return Target(key_slot(key), key)


def by_offer(command: Any) -> Target:
    key = offer_key(command.channel, command.shop, command.offer)
    return Target(key_slot(key), key)


def by_rule(command: Any) -> Target:
    key = gift_key(command.rule)
    return Target(key_slot(key), key)


def by_mark(command: Any) -> Target:
    key = mark_key(command.mark)
    return Target(key_slot(key), key)


def by_credential(command: Any) -> Target:
    key = credential_key(command.task)
    return Target(key_slot(key), key)


def on_board(command: Any) -> Target:
    return Target(key_slot(HEALTH_BOARD), HEALTH_BOARD)


def by_alias(command: Any) -> Target:
    key = alias_key(command.alias)
    return Target(key_slot(key), key)


def by_carrier(command: Any) -> Target:
    key = untracked_key(command.carrier)
    return Target(key_slot(key), key)


def by_slot(command: Any) -> Target:
    return Target(command.slot, slot_key(command.slot))


def by_pull(command: Any) -> Target:
    key = pull_key(command.channel, command.shop, command.what)
    return Target(key_slot(key), key)


def by_subject(command: Any) -> Target:
    key = ticket_key(command.subject, command.kind)
    return Target(key_slot(key), key)


def by_field(command: Any) -> Target:
    """The ticket about a field of an order on which systems disagree."""
    key = ticket_key(command.order, KIND + command.field)
    return Target(key_slot(key), key)


def by_outage(command: Any) -> Target:
    key = outage_key(command.partner)
    return Target(key_slot(key), key)


def by_partner(command: Any) -> Target:
    key = pulse_key(command.partner)
    return Target(key_slot(key), key)
