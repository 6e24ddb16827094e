"""What has happened to the heartbeat of a partner."""

from tongdan.domain.kernel.messages import Command, Fact


class NotePulse(Command, frozen=True, kw_only=True):
    """How a beat found `partner`: its colour, and by how many seconds its checks are behind."""

    partner: str
    colour: str
    lag_s: int


class PulseTurned(Fact, frozen=True, kw_only=True):
    """It is well (green), suspected (yellow), or taken to be down (red)."""

    partner: str
    before: str
    colour: str


class PulseLags(Fact, frozen=True, kw_only=True):
    """Checks are behind by more than the policy allows."""

    partner: str
    lag_s: int


class PulseCaughtUp(Fact, frozen=True, kw_only=True):
    """`ends` names the ticket whose cause is gone."""

    partner: str
    ends: tuple[str, ...] = ()
