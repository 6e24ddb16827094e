"""Epochs of a slot: after a restore its sequence begins anew, and what may have been lost is on record.

The aggregate `slot/17` is nothing but that record. It lies in the slot's own chain, so a restore cannot be hidden,
and wherever the slot moves, what it lost goes with it.
"""

from typing import Final

import msgspec

from tongdan.domain.kernel.lost import Lost
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal
from tongdan.domain.sync.commands import OpenEpoch
from tongdan.domain.sync.facts import EpochOpened

KEPT: Final = 16  # restores whose lost ids may still announce themselves; older ones are history


class Epochs(msgspec.Struct, frozen=True, kw_only=True):
    """The restores of a slot, oldest first: which backup each came from, and what was lost with it."""

    backups: tuple[str, ...] = ()
    losses: tuple[Lost, ...] = ()


def open_epoch(epochs: Epochs | None, command: OpenEpoch, ctx: Context) -> Decision | Refusal:
    if epochs is not None and command.backup in epochs.backups:
        return NOTHING
    return Decision((EpochOpened(backup=command.backup, lost=command.lost),), opens=command.lost)


def evolve(epochs: Epochs | None, fact: Fact) -> Epochs:
    """The state after `fact`. Raises KeyError for a fact that is none of a slot's."""
    if epochs is not None and type(fact) in EFFECT_FACTS:
        return epochs
    if type(fact) is not EpochOpened:
        raise KeyError(type(fact).__name__)
    before = epochs or Epochs()
    return Epochs(
        backups=(*before.backups, fact.backup)[-KEPT:],
        losses=(*before.losses, fact.lost)[-KEPT:],
    )
