"""One seeded day of centre and world on virtual time, and what is left of it: ledger, chain, findings."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tests.world.stage import START
from tests.world.unhurried import unhurried

from tongdan.adapters.audit_sqlite import SqliteAudit
from tongdan.adapters.clock import run_virtual
from tongdan.flow.verify import check_shard
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.platforms import SHARES
from tongdan.labs.world.report import Ledger, report
from tongdan.labs.world.retail import SeededRetail
from tongdan.ports import Clock
from tongdan.profile import SHARDS


class Day(NamedTuple):
    """`chain` is every journal row as (slot, seq, hash), `findings` verify's, `counts` the centre's own."""

    ledger: Ledger
    chain: list[tuple[int, int, str]]
    findings: list[str]
    counts: dict[str, int]


def nothing(pair: Pair) -> None:
    """Leave the world as it is."""


def run_day(
    data: Path,
    *,
    seed: int,
    orders: int,
    faults: float = 1.0,
    outages: int = 1,
    day: int = 0,
    conf: Path | None = None,
    start: datetime = START,
    shares: Mapping[str, float] = SHARES,
    before: Callable[[Pair], None] = nothing,
    after: Callable[[Pair], None] = nothing,
    prepare: Callable[[Path], None] = lambda data: None,
) -> Day:
    """Run it in `data`; `before` and `after` may tamper with the world to show that the ledger notices."""

    async def main(clock: Clock) -> Day:
        async with together(
            data,
            conf or unhurried(),
            clock=clock,
            seed=seed,
            day=day,
            orders=orders,
            faults=faults,
            outages=outages,
            most_lines=3,
            retail=SeededRetail(seed),
            shares=shares,
            prepare=prepare,
        ) as pair:
            before(pair)
            quiet = await pair.world.run()
            await pair.centre.quiet()
            pair.centre.views.flush()
            after(pair)
            chain = [(row.slot, row.seq, row.hash) for row in pair.centre.reads.journal()]
            ledger = report(pair.world, pair.centre.reads, quiet=quiet)
            return Day(ledger, chain, [], pair.centre.reads.counts())

    day_ = run_virtual(main, start + timedelta(days=30 * day))
    return day_._replace(findings=findings(data))


def findings(data: Path) -> list[str]:
    """What `tongdan verify` would find, without its worker processes."""
    found = []
    for shard in range(SHARDS):
        report = check_shard(
            lambda n: SqliteAudit(data / f"shard-{n}.sqlite", n), shard, SHARDS, lambda read: None
        )
        found += [f"{finding.where}: {finding.what}" for finding in report.findings]
    return found
