"""Units that are not wanted any more: a refund before shipping, a reissue undone, a gift without its goods.

What no warehouse has been given stops at once and frees its stock; a shipment that holds nothing else is called back;
what lies beside units that are wanted is for a person, who can split it off. What has left has left.
"""

from typing import Final, NamedTuple

from tongdan.domain.kernel.ids import shipment_id
from tongdan.domain.kernel.messages import Context, Decision, Refusal
from tongdan.domain.orders import refusals
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.facts import HoldLifted
from tongdan.domain.orders.goods.commands import StopUnits
from tongdan.domain.orders.goods.delivery import completes_at, tell_signed_at_last
from tongdan.domain.orders.goods.reservation import advance, open_shipments, reserve_until
from tongdan.domain.orders.goods.withdrawn_facts import UnitsWantedAgain, UnitsWithdrawn
from tongdan.domain.orders.lines import ReservedLine, Units
from tongdan.domain.orders.model import UNMATCHED_HOLD, WORRY_APART, WORRY_SHORT, LineState, Order, unmatched

WITHOUT_GOODS: Final = "gift without its goods"


def stop_units(order: Order, command: StopUnits, ctx: Context) -> Decision | Refusal:
    """As many of the units as have not left. It touches no money; refunds by line withdraw their units themselves."""
    for each in command.units:
        if order.line(each.line) is None:
            return refusals.NO_SUCH_LINE.of(order=ctx.id, line=each.line)
    draft = Draft(order)
    withdraw(draft, ctx, command.units, command.reason)
    return draft.decision()


def withdraw(draft: Draft, ctx: Context, wanted: tuple[Units, ...], reason: str) -> None:
    """Withdraw as many of `wanted` as are still to leave; then go on with what is left."""
    if draft.order.cancelled or not _withdraw(draft, ctx, wanted, reason):
        return
    if not any(
        each.shipped + each.signed + to_leave(each) for each in draft.order.lines if not each.line.gift
    ):
        gifts = tuple([Units(each.line.no, each.line.units) for each in draft.order.lines if each.line.gift])
        _withdraw(draft, ctx, gifts, WITHOUT_GOODS)
    if UNMATCHED_HOLD in draft.order.holds and not unmatched(draft.order):
        draft.tell(HoldLifted(hold=UNMATCHED_HOLD, note=""))
    advance(draft, ctx)


def to_leave(line: LineState) -> int:
    """Units that are wanted and here, or that a warehouse held back although they are wanted."""
    return line.waiting + line.reserved + line.released + line.stopped - line.withdrawn


def want_again(draft: Draft, ctx: Context, units: tuple[Units, ...], reason: str) -> None:
    """What was withdrawn is to leave after all. What lies in a parcel that nobody calls back goes with it; what is
    stopped is asked for anew, where its line holds nothing else that stock stands behind; the rest is for a person."""
    order = draft.order
    if order.cancelled or not units:
        return
    found: dict[str, list[Units]] = {"units": [], "stays": [], "kept": []}
    for each in units:
        line = order.line(each.line)
        assert line is not None
        n = min(each.units, line.withdrawn)
        if n > 0:
            found[_comes_back(line, n)].append(Units(each.line, n))
    if not any(found.values()):
        return
    again = [_reservation(line, 1) for each in found["units"] if (line := order.line(each.line)) is not None]
    stays = {each.line for each in found["stays"]}
    apart = any(line.apart for line in order.lines if line.line.no not in stays)
    draft.tell(
        UnitsWantedAgain(
            **{name: tuple(each) for name, each in found.items()},
            again=tuple(again),
            region=order.region,
            reason=reason,
            ends=(WORRY_APART,) if WORRY_APART in order.worries and not apart else (),
        )
    )


def _comes_back(line: LineState, units: int) -> str:
    """How so many withdrawn units of a line come back, as `UnitsWantedAgain` has it."""
    if units <= line.apart:
        return "stays"
    busy = line.waiting or line.reserved or line.released or not line.line.sku
    return "kept" if busy or units > line.stopped else "units"


class _Share(NamedTuple):
    """What of a line is withdrawn (`units`), and what of that no warehouse has been given (`stopped`)."""

    line: LineState
    units: int
    stopped: int

    @property
    def asked(self) -> int:
        """Units that stock is still wanted for, of those that no warehouse has been given."""
        return self.line.waiting + self.line.reserved - self.stopped

    @property
    def again(self) -> bool:
        """A smaller reservation replaces the one there is."""
        return self.stopped > 0 and self.asked > 0 and self.line.line.sku != ""

    @property
    def freed(self) -> bool:
        """The reservation ends: nothing wants it, or its place in the queue is for too many."""
        none_left = self.asked + self.line.released == 0 and to_leave(self.line) == self.units
        return self.line.line.sku != "" and (none_left or (self.again and self.line.waiting > 0))


def _withdraw(draft: Draft, ctx: Context, wanted: tuple[Units, ...], reason: str) -> bool:
    before = draft.order
    shares = _shares(before, wanted)
    if not shares:
        return False
    stopped = tuple([Units(each.line.line.no, each.stopped) for each in shares if each.stopped])
    shipments, apart = _in_parcels(before, ctx.id, shares)
    draft.tell(
        UnitsWithdrawn(
            units=tuple([Units(each.line.line.no, each.units) for each in shares]),
            stopped=stopped,
            reason=reason,
            freed=tuple([_reservation(each.line, 0) for each in shares if each.freed]),
            again=tuple([_reservation(each.line, 1) for each in shares if each.again]),
            again_units=tuple([Units(each.line.line.no, each.asked) for each in shares if each.again]),
            region=before.region,
            until=reserve_until(before.paid is not None, ctx),
            shipments=shipments,
            apart=apart,
            complete_at=completes_at(before, stopped, ctx),
            ends=_ends(before, stopped),
        )
    )
    tell_signed_at_last(draft, before, ctx)
    return True


def _shares(order: Order, wanted: tuple[Units, ...]) -> list[_Share]:
    units: dict[int, int] = {}
    for each in wanted:
        units[each.line] = units.get(each.line, 0) + each.units
    shares = []
    for line in order.lines:
        n = min(units.get(line.line.no, 0), to_leave(line))
        if n > 0:
            shares.append(_Share(line, n, min(n, line.waiting + line.reserved)))
    return shares


def _reservation(line: LineState, later: int) -> ReservedLine:
    return ReservedLine(line=line.line.no, sku=line.line.sku, attempt=line.attempt + later)


def _ends(order: Order, stopped: tuple[Units, ...]) -> tuple[str, ...]:
    """A line that is asked for anew says by itself whether it is short."""
    asked = {each.line for each in stopped}
    short = any(each.short and each.line.no not in asked for each in order.lines)
    return (WORRY_SHORT,) if WORRY_SHORT in order.worries and not short else ()


def _in_parcels(order: Order, id: str, shares: list[_Share]) -> tuple[tuple[str, ...], tuple[Units, ...]]:
    """Shipments that hold nothing that is wanted, and the withdrawn units that lie beside some that are.

    Once lines were packed anew, the order does not know which unit lies where; then it is all or nothing.
    """
    new = {line.line.no: max(0, units - stopped - line.held_back) for line, units, stopped in shares}
    back = {line.line.no: line.called_back + new.get(line.line.no, 0) for line in order.lines}
    apart = {line.line.no: line.apart + new.get(line.line.no, 0) for line in order.lines}
    if not any(new.values()):
        return (), _rest(apart)
    if order.packed:
        if any(back[line.line.no] < line.released for line in order.lines):
            return (), _rest(apart)
        gone = {parcel.shipment for parcel in order.parcels}
        return tuple([each for each in open_shipments(order, id) if each not in gone]), ()
    found = []
    for planned in order.shipments:
        name = shipment_id(id, planned.no)
        there = _still_there(order, name, planned.units)
        if there and all(back[no] >= n for no, n in there.items()):
            found.append(name)
            for no, n in there.items():
                back[no] -= n
    return tuple(found), _rest(back)


def _rest(back: dict[int, int]) -> tuple[Units, ...]:
    return tuple([Units(no, n) for no, n in back.items() if n])


def _still_there(order: Order, shipment: str, planned: tuple[Units, ...]) -> dict[int, int]:
    """Units by line that were planned for a shipment and have not left with it; none of what stopped meanwhile."""
    left: dict[int, int] = {}
    for parcel in order.parcels:
        for each in parcel.units if parcel.shipment == shipment else ():
            left[each.line] = left.get(each.line, 0) + each.units
    there = {}
    for each in planned:
        line = order.line(each.line)
        n = min(each.units - left.get(each.line, 0), line.released if line is not None else 0)
        if n > 0:
            there[each.line] = n
    return there
