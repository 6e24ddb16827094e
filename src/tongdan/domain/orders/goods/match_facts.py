"""What has happened to the SKUs of an order's lines: not known yet, known, opened into parts."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact
from tongdan.domain.orders.lines import Line


class LinesUnmatched(Fact, frozen=True, kw_only=True):
    """Nobody has said yet which own SKUs these lines are: the order is held, and the catalogue is asked (again)."""

    lines: tuple[Line, ...]


class LineMatched(Fact, frozen=True, kw_only=True):
    """The line is `sku`. Stock is asked for under `attempt`, held until `until`."""

    line: int
    sku: str
    attempt: int
    units: int
    region: str
    until: datetime | None


class BundleOpened(Fact, frozen=True, kw_only=True):
    """The line was one of bundles: `lines` stand in its place, the first under its number. Stock is asked for under
    `attempt`, held until `until`. `wanted`: how many bundles, where some were withdrawn (0: all)."""

    line: int
    lines: tuple[Line, ...]
    attempt: int
    region: str
    until: datetime | None
    wanted: int = 0
