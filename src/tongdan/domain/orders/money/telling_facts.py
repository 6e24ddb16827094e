"""What finance was told anew."""

from tongdan.domain.kernel.messages import Fact


class MilestoneRetold(Fact, frozen=True, kw_only=True):
    """A milestone goes to finance once more, for `reason`."""

    milestone: str
    reason: str
