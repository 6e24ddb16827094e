"""Commands that exist only in tests: one has an order emit any effects, the other makes the decider fail.

They are routed to real orders beside the real commands, so everything but the decision is the real thing.
"""

from typing import Any

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.messages import Command, Context, Decision, Effect, Refusal
from tongdan.domain.orders.facts import SystemSaid
from tongdan.flow.aggregates import KINDS
from tongdan.flow.routing import Route, Target


class Emit(Command, frozen=True, kw_only=True):
    """Have the order emit `effects`, after withdrawing what was not sent of the verbs in `supersedes`."""

    order: str
    effects: tuple[Effect, ...] = ()
    supersedes: tuple[str, ...] = ()


class Explode(Command, frozen=True, kw_only=True):
    """Have the decider fail."""

    order: str


def _emit(order: Any, command: Emit, ctx: Context) -> Decision | Refusal:
    said = SystemSaid(system="test", native_status="emitted", said_at=ctx.now)
    return Decision((said,), command.effects, supersedes=command.supersedes)


def _explode(order: Any, command: Explode, ctx: Context) -> Decision | Refusal:
    raise ZeroDivisionError


def _by_order(command: Any) -> Target:
    parsed = parse(command.order)
    assert parsed is not None
    return Target(parsed.slot, command.order)


ROUTES: dict[type[Command], Route] = {
    Emit: Route(KINDS["order"], _by_order, _emit),
    Explode: Route(KINDS["order"], _by_order, _explode),
}
