"""Differences planted in partners' books behind the centre's back, and what the heartbeat makes of them.

Finance never tells some settlements, and forgets orders it had known; some it strikes out by mistake, which no system
of record can decide. All of that is done under a seed, and nothing of it is pushed to anybody.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tongdan.domain.kernel.ids import parse
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.world import World
from tongdan.ports import Reads

MUTE, FORGOTTEN, STRUCK = "settlement never told", "order forgotten", "struck out by mistake"
MUTE_SHARE, FORGOTTEN_SHARE, STRUCK_SHARE = 0.15, 0.15, 0.03


class Found(NamedTuple):
    """What came of planted differences. `missed` and `false` name orders."""

    planted: Counter[str]
    found: int
    by_itself: int
    ticketed: int
    missed: list[str]
    false: list[str]

    def __str__(self) -> str:
        whole = self.planted.total()
        return (
            f"planted {whole} ({', '.join(f'{kind} {n}' for kind, n in sorted(self.planted.items()))}), found "
            f"{self.found}, self-repaired {self.by_itself} ({self.by_itself / max(1, whole):.0%}), ticketed "
            f"{self.ticketed}, missed {len(self.missed)}, false {len(self.false)}"
        )


NOTHING_PLANTED = Found(Counter(), 0, 0, 0, [], [])


def together_found(found: Sequence[Found]) -> Found:
    return Found(
        sum((each.planted for each in found), Counter()),
        sum(each.found for each in found),
        sum(each.by_itself for each in found),
        sum(each.ticketed for each in found),
        [order for each in found for order in each.missed],
        [order for each in found for order in each.false],
    )


def mute(world: World) -> dict[str, str]:
    """Let finance keep some settlements to itself from now on; the orders concerned fill what is returned."""
    silent: dict[str, str] = {}
    tell, stream = world.finance.outbox.post, Stream(world.seed, "planting", MUTE)

    def post(message: bytes, where: str, order: str) -> None:
        if where == "finance.settled" and stream.chance(MUTE_SHARE):
            silent[order] = MUTE
        else:
            tell(message, where, order)

    world.finance.outbox.post = post  # type: ignore[method-assign]
    return silent


def tamper(pair: Pair) -> dict[str, str]:
    """Change finance's books; Tongdan id → what was done."""
    stream, done = Stream(pair.world.seed, "planting", "books"), dict[str, str]()
    for order, account in sorted(pair.world.finance.accounts.items()):
        if account.settled_fen is None or account.refunds_fen or account.status != "settled":
            continue
        if stream.chance(FORGOTTEN_SHARE):
            del pair.world.finance.accounts[order]
            done[order] = FORGOTTEN
        elif stream.chance(STRUCK_SHARE):
            account.heard["cancelled"] = 1
            done[order] = STRUCK
    return done


def judged(reads: Reads, planted: Mapping[str, str]) -> Found:
    """`planted`: Tongdan id → kind."""
    found: set[str] = set()
    open_: dict[str, set[str]] = {}
    for row in reads.journal():
        if not row.aggregate.startswith("ticket/") or "/differs-" not in row.aggregate:
            continue
        _, order, kind = row.aggregate.split("/")
        if row.fact == "DifferenceFound":
            found.add(order)
            open_.setdefault(order, set()).add(kind)
        elif row.fact == "TicketResolved":
            open_.get(order, set()).discard(kind)
    assert all(parse(order) for order in found)
    ticketed = {order for order, kinds in open_.items() if kinds}
    return Found(
        planted=Counter(planted.values()),
        found=len(found & planted.keys()),
        by_itself=len((found & planted.keys()) - ticketed),
        ticketed=len(ticketed & planted.keys()),
        missed=sorted(planted.keys() - found),
        false=sorted(found - planted.keys()),
    )
