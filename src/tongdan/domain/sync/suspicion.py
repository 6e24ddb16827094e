"""Whether a partner is well, judged by its own rhythm: how long it has not answered beside how it usually answers.

The suspicion is the phi of an accrual failure detector (Hayashibara et al., 2004) with an exponential law: the negative
decimal logarithm of the chance that a partner of this rhythm is merely late. Silence that nobody asked into is none.
"""

from datetime import datetime
from enum import StrEnum
from math import e, log10
from typing import Final

import msgspec

YELLOW_PHI: Final = 1.0
RED_PHI: Final = 2.0
REMEMBERED: Final = 0.8  # weight of the past in the mean interval
SHORTEST_S: Final = 60.0  # the quickest rhythm that anybody is judged by


class Colour(StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Rhythm(msgspec.Struct, frozen=True):
    """`mean_s` between two signs of life, and when the last one came."""

    last_at: datetime
    mean_s: float = SHORTEST_S


def heard(rhythm: Rhythm | None, at: datetime) -> Rhythm:
    """After a sign of life at `at`; one from the past changes nothing."""
    if rhythm is None:
        return Rhythm(at)
    if at <= rhythm.last_at:
        return rhythm
    interval_s = (at - rhythm.last_at).total_seconds()
    return Rhythm(at, max(SHORTEST_S, REMEMBERED * rhythm.mean_s + (1 - REMEMBERED) * interval_s))


def not_asked(rhythm: Rhythm | None, at: datetime) -> Rhythm | None:
    """Nobody asked until `at`: that it was silent says nothing."""
    return None if rhythm is None else Rhythm(max(at, rhythm.last_at), rhythm.mean_s)


def phi(rhythm: Rhythm, now: datetime) -> float:
    silent_s = max(0.0, (now - rhythm.last_at).total_seconds())
    return silent_s / rhythm.mean_s * log10(e)


def colour(rhythm: Rhythm | None, now: datetime) -> Colour:
    """Green while nothing is known: who was never heard is judged by what is overdue, not by silence."""
    if rhythm is None or (at := phi(rhythm, now)) < YELLOW_PHI:
        return Colour.GREEN
    return Colour.RED if at >= RED_PHI else Colour.YELLOW
