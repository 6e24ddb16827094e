"""Orders that a person enters (手工单): placed like an own shop's buyer's, under the same rules, and paid already.

Nobody comes back to pay for one, so it is paid offline, at the door, or costs nothing.
"""

from typing import Final

from tongdan.domain.kernel.messages import Context, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.commands import PlaceOrder
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.entry_facts import Entry, OrderEntered
from tongdan.domain.orders.goods.reservation import advance
from tongdan.domain.orders.money import cod, offline
from tongdan.domain.orders.remarks import names_person

MAX_REASON: Final = 200  # characters
MAX_REFERENCE: Final = 64
FREE: Final = "none"  # the payment of an order that costs nothing
PAYMENTS: Final = (*offline.MEANS, cod.METHOD, FREE)


def mistakes(command: PlaceOrder, ctx: Context) -> dict[str, Refusal]:
    """What is wrong with the entry, by field."""
    entry = command.entry
    if entry is None:
        return {}
    found = {
        "reason": _wrong_reason(entry.reason),
        "payment": _wrong_payment(command, entry, ctx),
        "reference": _wrong_reference(entry),
        "paid_at": refusals.PAID_IN_FUTURE.of() if entry.paid_at and entry.paid_at > ctx.now else None,
    }
    return {field: refusal for field, refusal in found.items() if refusal is not None}


def _wrong_reason(reason: str) -> Refusal | None:
    if not 0 < len(reason.strip()) <= MAX_REASON:
        return refusals.BAD_REASON.of(limit=MAX_REASON)
    return refusals.COMMENT_NAMES_PERSON.of() if names_person(reason) else None


def _wrong_payment(command: PlaceOrder, entry: Entry, ctx: Context) -> Refusal | None:
    free = command.amount_fen == 0
    if entry.payment not in ((FREE,) if free else (*offline.MEANS, cod.METHOD)):
        return refusals.BAD_MEANS.of(means=", ".join(offline.MEANS), cod=cod.METHOD, free=FREE)
    shop = ctx.policy.shops.get(command.shop)
    if entry.payment == cod.METHOD and (shop is None or not shop.cash_on_delivery):
        return refusals.NO_CASH_ON_DELIVERY.of(shop=command.shop)
    return None


def _wrong_reference(entry: Entry) -> Refusal | None:
    if entry.payment in offline.MEANS and not 0 < len(entry.reference.strip()) <= MAX_REFERENCE:
        return refusals.NO_REFERENCE.of(limit=MAX_REFERENCE)
    return None


def note(draft: Draft, entry: Entry) -> None:
    draft.tell(OrderEntered(reason=entry.reason.strip()))


def settle(draft: Draft, ctx: Context, entry: Entry) -> None:
    """It is paid, or will be at the door. An order that costs nothing is settled like any other of that price."""
    if entry.payment in offline.MEANS:
        offline.take(draft, ctx, entry.payment, entry.reference.strip(), entry.paid_at or ctx.now)
    elif entry.payment == cod.METHOD:
        cod.agree(draft, ctx)
        advance(draft, ctx)
