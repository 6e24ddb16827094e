"""What may be asked of an order now, and why the rest may not: every decider is asked, and nothing is committed.

The answer is that of this instant. What is asked afterwards is decided anew, so a list that has grown old does no harm.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from tongdan.domain.fulfillment.commands import RecallShipment
from tongdan.domain.kernel.ids import shipment_id
from tongdan.domain.kernel.messages import Command, Context, Decision, Person, Refusal, RefusalKind
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.refusals import UNKNOWN_ID
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAddress,
    ChangeAmount,
    LiftHold,
    PlaceHold,
    RefundUnits,
    RequestRefund,
)
from tongdan.domain.orders.goods.commands import ReissueUnits, UndoReissue
from tongdan.domain.orders.goods.reissues import may_reissue
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import LineState, Order
from tongdan.flow.routes import COMMANDS
from tongdan.ports import Reads
from tongdan.surfaces import notices
from tongdan.surfaces.words import sentence

NOTHING_THERE: Final = RefusalKind(
    "nothing-to-act-on",
    409,
    en="There is none: {what}.",
    zh="没有可操作的对象：{what_zh}。",
)
NOTHING_TO_CHANGE: Final = RefusalKind(
    "nothing-to-change",
    409,
    en="It would change nothing: the order stands so already.",
    zh="不会有任何变化：订单已是这样。",
)
WORDS: Final[dict[str, tuple[str, str]]] = {
    "hold": ("Hold", "挂起"),
    "lift-hold": ("Lift a hold", "解除挂起"),
    "cancel": ("Cancel", "取消订单"),
    "address": ("Change the address", "改地址"),
    "amount": ("Change the amount", "改金额"),
    "refund": ("Refund money", "退款（按金额）"),
    "refund-lines": ("Refund lines", "退款（按商品行）"),
    "reissue": ("Send again", "补发"),
    "undo-reissue": ("Undo a reissue", "撤销补发"),
    "intercept": ("Call a shipment back", "召回发货单"),
    "resend-notice": ("Send a notice again", "重发通知"),
}
_NONE: Final[dict[str, tuple[str, str]]] = {
    "lift-hold": ("the order is not held", "订单没有挂起"),
    "refund-lines": ("no line has units whose price was not paid back", "没有可退款的商品行"),
    "reissue": ("no units have left", "没有已发出的商品"),
    "undo-reissue": ("nothing was sent again", "没有补发"),
    "intercept": ("the order has no shipment", "订单没有发货单"),
    "resend-notice": ("its buyer was told of nothing", "没有通知过买家"),
}
_PROBE: Final = "-"  # a reason, where the decider wants one


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an action may be about: a hold, line, reissue, shipment or notice. `units`: at most so many."""

    about: str
    units: int = 0
    refusal: Refusal | None = None
    facts: tuple[tuple[str, str], ...] = ()


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """`refusal` None: it may be asked; `facts` say what would be recorded at once. `choices`: for what, if it is
    about one thing of several."""

    name: str
    en: str
    zh: str
    refusal: Refusal | None
    facts: tuple[tuple[str, str], ...] = ()
    choices: tuple[Choice, ...] = ()


class Asked:
    """The deciders, asked of one order as it stands."""

    def __init__(self, reads: Reads, policy: Policy, id: str, order: Order, now: datetime) -> None:
        self._reads: Final = reads
        self._policy: Final = policy
        self._id: Final = id
        self._order: Final = order
        self._now: Final = now

    def actions(self) -> list[Action]:
        """In the order of `WORDS`."""
        id, order = self._id, self._order
        amount_fen = order.amount_fen + 1 if order.amount_fen < 2 else order.amount_fen - 1
        here = ChangeAddress(order=id, region=order.region, person=Person())
        return [
            self._one("hold", PlaceHold(order=id, hold=_free(order))),
            self._many("lift-hold", [(name, 0, LiftHold(order=id, hold=name)) for name in order.holds]),
            self._one("cancel", CancelOrder(order=id, reason=_PROBE)),
            self._one("address", here),
            self._one("amount", ChangeAmount(order=id, amount_fen=amount_fen, reason=_PROBE)),
            self._one("refund", RequestRefund(order=id, reason=_PROBE)),
            self._many("refund-lines", self._of_lines(_refundable, RefundUnits)),
            self._many("reissue", self._of_lines(lambda line: may_reissue(self._order, line), ReissueUnits)),
            self._many("undo-reissue", self._reissues()),
            self._many("intercept", self._shipments()),
            self._resend(),
        ]

    def _of_lines(
        self, most: Callable[[LineState], int], command: Callable[..., Command]
    ) -> Iterator[tuple[str, int, Command]]:
        for each in self._order.lines:
            if units := most(each):
                asked = command(order=self._id, units=(Units(each.line.no, units),), reason=_PROBE)
                yield str(each.line.no), units, asked

    def _reissues(self) -> Iterator[tuple[str, int, Command]]:
        for each in self._order.reissues:
            yield str(each.no), 0, UndoReissue(order=self._id, reissue=each.no, reason=_PROBE)

    def _shipments(self) -> Iterator[tuple[str, int, Command]]:
        for each in self._order.shipments:
            shipment = shipment_id(self._id, each.no)
            yield shipment, 0, RecallShipment(shipment=shipment, reason=_PROBE)

    def _resend(self) -> Action:
        choices = []
        for row in notices.of_order(self._reads, self._id):
            found = notices.sending(self._reads, self._policy, row.notice, _PROBE)
            decided = found if isinstance(found, Refusal) else self._decide(found[0])
            choices.append(_choice(row.notice, 0, decided))
        return _of("resend-notice", choices)

    def _one(self, name: str, command: Command) -> Action:
        choice = _choice("", 0, self._decide(command))
        return Action(
            name=name, en=WORDS[name][0], zh=WORDS[name][1], refusal=choice.refusal, facts=choice.facts
        )

    def _many(self, name: str, asked: Iterable[tuple[str, int, Command]]) -> Action:
        return _of(name, [_choice(about, units, self._decide(command)) for about, units, command in asked])

    def _decide(self, command: Command) -> Decision | Refusal:
        return decided(self._reads, self._policy, command, self._now)


def decided(reads: Reads, policy: Policy, command: Command, now: datetime) -> Decision | Refusal:
    """What a command would come to at this instant; nothing is committed."""
    route = COMMANDS[type(command)]
    key = route.target(command).key
    state: Any = reads.order(key)
    if state is None and not route.creates:
        return UNKNOWN_ID.of(id=key[:64])
    return route.decide(state, command, Context(now, key, policy, 0))


def _of(name: str, choices: list[Choice]) -> Action:
    """Refused when there is nothing that it may be about."""
    no: Refusal | None = None
    if not choices:
        en, zh = _NONE[name]
        no = NOTHING_THERE.of(what=en, what_zh=zh)
    elif all(each.refusal is not None for each in choices):
        no = choices[0].refusal
    return Action(name=name, en=WORDS[name][0], zh=WORDS[name][1], refusal=no, choices=tuple(choices))


def _choice(about: str, units: int, decided: Decision | Refusal) -> Choice:
    if isinstance(decided, Refusal):
        return Choice(about=about, units=units, refusal=decided)
    if not decided.facts:
        return Choice(about=about, units=units, refusal=NOTHING_TO_CHANGE.of())
    told = [(type(fact).__name__, msgspec.structs.asdict(fact)) for fact in decided.facts]
    facts = tuple([(sentence(name, body, "en"), sentence(name, body, "zh")) for name, body in told])
    return Choice(about=about, units=units, facts=facts)


def _free(order: Order) -> str:
    """The name of a hold that the order does not have."""
    return next(name for n in range(len(order.holds) + 1) if (name := f"review-{n}") not in order.holds)


def _refundable(line: LineState) -> int:
    return line.line.units - line.refunded if not line.line.replaces and line.line.amount_fen else 0
