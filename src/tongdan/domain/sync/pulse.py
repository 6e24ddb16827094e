"""The heartbeat of a partner as far as it is history: when it was well, suspected or behind. Beats leave no facts."""

import msgspec
from msgspec.structs import replace

from tongdan.domain.kernel.messages import EFFECT_FACTS, Context, Decision, Fact, Refusal
from tongdan.domain.sync.kinds import PULSE_LAGS
from tongdan.domain.sync.pulse_facts import NotePulse, PulseCaughtUp, PulseLags, PulseTurned
from tongdan.domain.sync.suspicion import Colour


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    partner: str
    colour: str = Colour.GREEN
    lags: bool = False


def note_pulse(pulse: Pulse | None, command: NotePulse, ctx: Context) -> Decision | Refusal:
    known = pulse or Pulse(partner=command.partner)
    facts: list[Fact] = []
    if command.colour != known.colour:
        facts.append(PulseTurned(partner=command.partner, before=known.colour, colour=command.colour))
    limit_s = ctx.policy.pulse.lag_alert_s
    if command.lag_s > limit_s and not known.lags:
        facts.append(PulseLags(partner=command.partner, lag_s=command.lag_s))
    if command.lag_s <= limit_s and known.lags:
        facts.append(PulseCaughtUp(partner=command.partner, ends=(PULSE_LAGS,)))
    return Decision(tuple(facts))


def evolve(pulse: Pulse | None, fact: Fact) -> Pulse:
    """The state after `fact`. Raises KeyError for a fact that is none of a pulse's."""
    if type(fact) in (PulseTurned, PulseLags, PulseCaughtUp):
        known = pulse or Pulse(partner=fact.partner)  # type: ignore[attr-defined]
        if type(fact) is PulseTurned:
            return replace(known, colour=fact.colour)
        return replace(known, lags=type(fact) is PulseLags)
    if pulse is not None and type(fact) in EFFECT_FACTS:
        return pulse
    raise KeyError(type(fact).__name__)
