"""Makes the golden journal of the version to come: `python -m tests.golden.make_journal`.

Every type of fact stands in it at least once, in histories that tests live through (`lived.py`); it is kept as it is
stored, one row a line (JSON, bytes in base64), and beside it the states that the facts fold to. Once a version is
released its golden journal gets its name and is never made again: it is what later versions must be able to read.
"""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from tests.flow.rig import NOON, Rig
from tests.golden.lived import History, histories

from tongdan.adapters.clock import run_virtual
from tongdan.domain.kernel.keys import key_slot, kind_of
from tongdan.domain.kernel.messages import Command, Context, Decision, Fact
from tongdan.flow.aggregates import KINDS
from tongdan.flow.journal import FACTS, fold
from tongdan.flow.routes import COMMANDS
from tongdan.flow.routing import Route, Target
from tongdan.ports import Clock, JournalColumns

FOLDER = Path(__file__).parent / "journal-unreleased"


class GoldenState(msgspec.Struct):
    """What an aggregate's facts add up to: its kind, numeric status and state."""

    agg: str
    kind: str
    status: int
    state: Any


class Tell(Command, frozen=True, kw_only=True):
    """Have an aggregate of this key tell these facts, whatever it would decide."""

    key: str
    facts: tuple[Fact, ...]


def _tell(_: Any, command: Tell, ctx: Context) -> Decision:
    return Decision(command.facts)


async def record(
    clock: Clock, data: Path, told: list[History]
) -> tuple[list[JournalColumns], list[GoldenState]]:
    """Their rows as the loop stores them. Nothing reacts and nothing wakes up: only what is told is there."""
    rig = Rig(data, clock)
    for key, facts in told:
        kind = KINDS[kind_of(key)]
        COMMANDS[Tell] = Route(kind, lambda command: Target(key_slot(command.key), command.key), _tell, True)
        await rig.accepted(Tell(key=key, facts=facts), raw=b"<message/>")
    rows = [row for store in rig.readers for _, row in store.journal_after(0, 1_000_000)]
    states = []
    for key in sorted({row.agg for row in rows}):
        kind, state = KINDS[kind_of(key)], fold(key, rig.readers[key_slot(key) % 4].journal_of(key))
        states.append(GoldenState(key, kind.name, kind.status(state), state))
    await rig.stop()
    return rows, states


def main() -> None:
    told = histories()
    with tempfile.TemporaryDirectory() as data:
        rows, states = run_virtual(lambda clock: record(clock, Path(data) / "data", told), NOON)
    if missing := sorted(set(FACTS) - {row.fact for row in rows}):
        raise SystemExit(f"no test of the domain tells, nor lived.ALONE: {', '.join(missing)}")
    FOLDER.mkdir(exist_ok=True)
    encode = msgspec.json.encode
    (FOLDER / "journal.jsonl").write_bytes(b"".join(encode(row._asdict()) + b"\n" for row in rows))
    (FOLDER / "states.jsonl").write_bytes(b"".join(encode(state) + b"\n" for state in states))
    print(f"{FOLDER}: {len(rows)} rows, {len(states)} aggregates, {len(FACTS)} types of fact")


if __name__ == "__main__":
    main()
