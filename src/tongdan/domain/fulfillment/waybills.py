"""E-waybills (电子面单) that the seller takes: one live number for one shipment, got before its warehouse hears of it.

The warehouse is handed the shipment together with the number, so until then nothing has to be called back there. A
number whose parcel will not travel is cancelled at the carrier, also when nobody knows whether it was given: by its
key. A key is used once. What the warehouse packs into further parcels gets numbers of the warehouse's own.
"""

from datetime import timedelta
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from tongdan.domain.fulfillment import facts as f
from tongdan.domain.fulfillment import refusals
from tongdan.domain.fulfillment import waybill_commands as c
from tongdan.domain.fulfillment import waybill_facts as w
from tongdan.domain.fulfillment.folding import evolve
from tongdan.domain.fulfillment.shipment import Label, LabelStage, Shipment, carrier, wms
from tongdan.domain.kernel.messages import NOTHING, Context, Decide, Decision, Effect, Fact, Refusal
from tongdan.domain.kernel.policy import SELLER

GET: Final = w.GetWaybill.__name__
MAX_LABELS: Final = 9
WORRY_REFUSED: Final = "waybill-refused"
WORRY_EXHAUSTED: Final = "waybills-exhausted"
LATE: Final = timedelta(seconds=1)  # a number that came sooner was got at the first try
NOT_SENT: Final = "the parcel does not leave"
NOT_USED: Final = "the parcel left under another number"
COLLECTED: Final = "its price is collected at the door, which the warehouse arranges with the carrier"
TRAVELS: Final = "a parcel left under it"
TWICE: Final = "a number that nobody waits for"


class Begun(NamedTuple):
    """How a planned shipment sets out."""

    facts: tuple[Fact, ...]
    effects: tuple[Effect, ...]


# ---- out


def set_out(shipment: Shipment, ctx: Context) -> Begun:
    """To the carrier for a number, or to the warehouse at once."""
    warehouse = ctx.policy.warehouses.get(shipment.warehouse)
    if warehouse is None or warehouse.waybill != SELLER:
        return Begun((), (hand_over(shipment, ctx.id),))
    if shipment.collect_fen:
        return Begun((w.WaybillLeft(reason=COLLECTED),), (hand_over(shipment, ctx.id),))
    if _takes(ctx, warehouse.carrier, shipment.channel):
        return _ask(shipment, ctx, warehouse.carrier)
    left = w.WaybillLeft(reason=f"{warehouse.carrier} cannot be given receivers of {shipment.channel}")
    return Begun((left,), (hand_over(shipment, ctx.id),))


def hand_over(shipment: Shipment, id: str, by: str = "", waybill: str = "") -> f.PushToWms:
    """`by` is the carrier of `waybill`; without them the warehouse takes a number."""
    assert shipment.placed_at is not None
    return f.PushToWms(
        partner=wms(shipment.warehouse),
        shipment=id,
        order=shipment.order,
        channel=shipment.channel,
        shop=shipment.shop,
        native=shipment.native,
        warehouse=shipment.warehouse,
        items=shipment.items,
        placed_at=shipment.placed_at,
        collect_fen=shipment.collect_fen,
        carrier=by,
        waybill=waybill,
    )


def _takes(ctx: Context, code: str, channel: str) -> bool:
    known = ctx.policy.carriers.get(code)
    return known is not None and known.waybill is not None and channel in known.waybill.channels


def _ask(shipment: Shipment, ctx: Context, code: str) -> Begun:
    no = len(shipment.labels) + 1
    key = ctx.id if no == 1 else f"{ctx.id}.{no}"
    natives = [item.native or shipment.native for item in shipment.items]
    ends = tuple(dict.fromkeys([worry for label in shipment.labels for worry in _ends(label, ctx)]))
    asked = w.WaybillAsked(key=key, carrier=code, asked_at=ctx.now, ends=ends)
    get = w.GetWaybill(
        partner=carrier(code),
        shipment=ctx.id,
        key=key,
        carrier=code,
        warehouse=shipment.warehouse,
        channel=shipment.channel,
        shop=shipment.shop,
        natives=tuple(dict.fromkeys(natives)),
        items=shipment.items,
    )
    return Begun((asked,), (get,))


def take_waybill(shipment: Shipment, command: c.TakeWaybill, ctx: Context) -> Decision | Refusal:
    last = shipment.last_label
    code = command.carrier or (last.carrier if last is not None else "")
    known = ctx.policy.carriers.get(code)
    if not shipment.still_to_leave():
        return refusals.NOTHING_TO_SEND.of(shipment=ctx.id)
    if not shipment.unpushed:
        return refusals.WAREHOUSE_TAKES.of(shipment=ctx.id)
    if last is not None and last.stage is LabelStage.ASKED:
        return refusals.WAYBILL_ASKED.of(shipment=ctx.id, carrier=last.carrier)
    if known is None or known.waybill is None:
        giving = [each.code for each in ctx.policy.carriers.values() if each.waybill is not None]
        return refusals.NO_NUMBERS_OF.of(carrier=code, known=", ".join(giving) or "-")
    if shipment.channel not in known.waybill.channels:
        return refusals.RECEIVER_NOT_FOR.of(carrier=code, channel=shipment.channel)
    if len(shipment.labels) >= MAX_LABELS:
        return refusals.TOO_MANY_WAYBILLS.of(shipment=ctx.id, limit=MAX_LABELS)
    return Decision(*_ask(shipment, ctx, code))


def give_up_waybill(shipment: Shipment, command: c.GiveUpWaybill, ctx: Context) -> Decision | Refusal:
    if not shipment.labels:
        return refusals.NO_WAYBILL.of(shipment=ctx.id)
    if not shipment.unpushed:
        return refusals.WAYBILL_IN_USE.of(shipment=ctx.id)
    dropped = _drop(shipment, ctx, command.reason)
    left = w.WaybillLeft(reason=command.reason)
    effects = (*dropped.effects, hand_over(shipment, ctx.id))
    return Decision((*dropped.facts, left), effects, supersedes=dropped.supersedes)


# ---- in


def record_waybill(shipment: Shipment, command: c.RecordWaybill, ctx: Context) -> Decision | Refusal:
    label = shipment.label(command.key)
    if label is None or label.waybill == command.waybill:
        return NOTHING
    if label.waybill or label.stage not in (LabelStage.ASKED, LabelStage.DROPPED):
        stray = replace(label, waybill=command.waybill, stage=LabelStage.LIVE)
        return Decision((_dropped(stray, TWICE),), (_cancel(stray, ctx),))
    wanted = label.stage is LabelStage.ASKED
    got = w.WaybillGot(
        key=label.key,
        carrier=label.carrier,
        waybill=command.waybill,
        pushed=wanted,
        ends=_ends(label, ctx) if wanted else (),
    )
    push = hand_over(shipment, ctx.id, label.carrier, command.waybill)
    return Decision((got,), (push,) if wanted else ())


def record_waybill_refused(
    shipment: Shipment, command: c.RecordWaybillRefused, ctx: Context
) -> Decision | Refusal:
    label = shipment.label(command.key)
    if label is None or label.stage is not LabelStage.ASKED:
        return NOTHING
    refused = w.WaybillRefused(
        order=shipment.order, key=label.key, carrier=label.carrier, reason=command.reason
    )
    return Decision((refused,))


def record_waybill_cancelled(
    shipment: Shipment, command: c.RecordWaybillCancelled, ctx: Context
) -> Decision | Refusal:
    label = shipment.label(command.key, command.waybill)
    if label is None or label.stage is not LabelStage.DROPPED:
        return NOTHING
    named = {"key": label.key, "carrier": label.carrier, "waybill": command.waybill or label.waybill}
    if command.cancelled:
        return Decision((w.WaybillCancelled(**named),))
    return Decision((w.WaybillNotCancelled(order=shipment.order, reason=command.reason, **named),))


def record_waybill_printed(
    shipment: Shipment, command: c.RecordWaybillPrinted, ctx: Context
) -> Decision | Refusal:
    label = shipment.live_label
    if label is None or label.key != command.key:
        return refusals.NO_WAYBILL.of(shipment=ctx.id)
    printed = w.WaybillPrinted(
        key=label.key,
        carrier=label.carrier,
        waybill=label.waybill,
        form=command.form,
        length_bytes=command.length_bytes,
    )
    return Decision((printed,))


# ---- back


def tidied(decide: Decide) -> Decide:
    """A decider of shipments after which no number stays live whose parcel will not travel under it."""

    def decided(shipment: Shipment, command: Any, ctx: Context) -> Decision | Refusal:
        decision = decide(shipment, command, ctx)
        if isinstance(decision, Refusal) or not decision.facts or not shipment.labels:
            return decision
        for fact in decision.facts:
            shipment = evolve(shipment, fact)
        decision = replace(decision, facts=(*decision.facts, *_misused(shipment, decision.facts)))
        if shipment.still_to_leave():
            return decision
        used = {departure.waybill for departure in shipment.departures}
        if "" in used:  # it may well be the number that the warehouse did not repeat
            return decision
        more = _drop(shipment, ctx, NOT_USED if used else NOT_SENT, but=used)
        return Decision(
            (*decision.facts, *more.facts),
            (*decision.effects, *more.effects),
            supersedes=(*decision.supersedes, *more.supersedes),
        )

    return decided


def _misused(shipment: Shipment, facts: tuple[Fact, ...]) -> list[Fact]:
    """What was given back, and a parcel left under it all the same."""
    left = {fact.waybill for fact in facts if type(fact) is f.ShipmentDispatched and fact.waybill}
    return [
        w.WaybillNotCancelled(
            order=shipment.order, key=each.key, carrier=each.carrier, waybill=each.waybill, reason=TRAVELS
        )
        for each in shipment.labels
        if each.waybill in left and each.stage in (LabelStage.DROPPED, LabelStage.CANCELLED)
    ]


_OPEN: Final = (LabelStage.ASKED, LabelStage.LIVE, LabelStage.REFUSED)


def _drop(shipment: Shipment, ctx: Context, reason: str, but: set[str] | None = None) -> Decision:
    """Give back every number that is live, asked for or refused; `but` those under which parcels left."""
    labels = [each for each in shipment.labels if each.stage in _OPEN and each.waybill not in (but or ())]
    given = [each for each in labels if each.stage is not LabelStage.REFUSED]
    return Decision(
        tuple([_dropped(each, reason, _ends(each, ctx)) for each in labels]),
        tuple([_cancel(each, ctx) for each in given]),
        supersedes=(GET,) if given else (),
    )


def _dropped(label: Label, reason: str, ends: tuple[str, ...] = ()) -> w.WaybillDropped:
    return w.WaybillDropped(
        key=label.key,
        carrier=label.carrier,
        waybill=label.waybill,
        reason=reason,
        cancels=label.stage is not LabelStage.REFUSED,
        ends=ends,
    )


def _cancel(label: Label, ctx: Context) -> w.CancelWaybill:
    return w.CancelWaybill(
        partner=carrier(label.carrier),
        shipment=ctx.id,
        key=label.key,
        carrier=label.carrier,
        waybill=label.waybill,
    )


def _ends(label: Label, ctx: Context) -> tuple[str, ...]:
    """The tickets that may be open about a number which is waited for no more."""
    if label.stage is LabelStage.REFUSED:
        return (WORRY_REFUSED,)
    waited = label.stage is LabelStage.ASKED and ctx.now - label.asked_at > LATE
    return (WORRY_EXHAUSTED,) if waited else ()
