"""What has happened to units that are sent again (补发)."""

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.lines import Line


class UnitsReissued(Fact, frozen=True, kw_only=True):
    """Units that left are sent again as `lines`, which cost nothing; stock is asked for at once."""

    reissue: int
    lines: tuple[Line, ...]
    reason: str
    region: str


class ReissueUndone(Fact, frozen=True, kw_only=True):
    """Nothing of it had left, so nothing of it is to leave."""

    reissue: int
    reason: str
