"""A partner is dead, or does not take the key: orders go on, and what it missed arrives once in effect when it is back.

Over real HTTP, with the centre's process killed in the middle of it. The report is compared with what finance has taken
down itself, by the ids of the messages.
"""

import asyncio
import hmac
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.flow.crash.proof import aftermath, findings
from tests.flow.crash.town import PAUSE_S, Stage, busy, drained, staged

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.credentials_sealed import SealedRing
from tongdan.adapters.master_key import open_vault
from tongdan.domain.confighealth.commands import PutKey
from tongdan.domain.guard.outage import Compensation, place
from tongdan.domain.guard.outage_facts import Cause
from tongdan.domain.kernel.keys import credential_key, outage_key
from tongdan.labs.world.provision import CREDENTIALS, read_credentials
from tongdan.labs.world.report import report as ledger_of
from tongdan.labs.world.signing import hmac_sign
from tongdan.ports import HttpRequest, HttpResponse, JournalRow
from tongdan.profile import MASTER_KEY, SEALED, reading, seal_credentials, verify_data

pytestmark = pytest.mark.server

TASK, SPARE = "finance/main", "the-secret-of-the-spare-key"
OUT_S = 6.0
THINKS_S = 0.4
HEARD_BEFORE_THE_KILL = 20
WITHIN_S = 60.0


class Clerk:
    """Finance's desk: what it has taken by the message's id, in order; `takes`: the keys it takes now."""

    def __init__(self, stage: Stage, *, thinks_s: float = 0.0) -> None:
        self.heard: list[str] = []
        self.turned_away = 0
        self.main = read_credentials(stage.data / CREDENTIALS)[TASK]["secret"]
        self.takes = {self.main}
        self._handle = stage.town._partners["finance"]
        self._thinks_s = thinks_s

    async def handle(self, request: HttpRequest) -> HttpResponse:
        key = next((each for each in (self.main, SPARE) if _signed(request, each)), "")
        if key not in self.takes:
            self.turned_away += 1
            return HttpResponse(401, {}, b'{"ok": false}')
        response = await self._handle(request)
        if request.method == "POST" and response.status == 200:
            self.heard.append(msgspec.json.decode(request.body)["id"])
            await asyncio.sleep(self._thinks_s)
        return response


def _signed(request: HttpRequest, key: str) -> bool:
    stamp, nonce = request.headers["x-tongdan-timestamp"], request.headers["x-tongdan-nonce"]
    expected = hmac_sign(key.encode(), stamp, nonce, request.body)
    return hmac.compare_digest(expected, request.headers["x-tongdan-signature"])


async def seated(stage: Stage, clerk: Clerk) -> None:
    """From now on finance is this desk."""
    held = await stage.town._hosted.leave("finance")
    await stage.town._hosted.add("finance", clerk.handle, held)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(int(WITHIN_S / PAUSE_S)):
        if holds():
            return
        await asyncio.sleep(PAUSE_S)
    raise TimeoutError("it did not come about")


def rows_of(stage: Stage, key: str) -> list[JournalRow]:
    return [row for row in reading(stage.data).timeline(key) if row.aggregate == key]


def facts_of(stage: Stage, key: str) -> list[str]:
    return [row.fact for row in rows_of(stage, key)]


def only_report(stage: Stage) -> Compensation:
    reads = reading(stage.data)
    ((partner, outage),) = reads.outages()
    found = reads.compensation(partner, outage.no, SystemClock().now())
    assert partner == "finance" and found is not None
    return found


def born(stage: Stage) -> dict[str, datetime]:
    """Effects begin with the place of the fact that asked for them."""
    return {f"{row.slot}.{row.epoch}.{row.seq}": row.recorded_at for row in reading(stage.data).journal()}


def check_report(stage: Stage, heard: list[str]) -> Compensation:
    """All that finance has heard since it was back and that was asked for before, and nothing else, in order."""
    found, at = only_report(stage), born(stage)
    ended = found.outage.ended_at
    assert ended is not None and found.outage.compensated_at is not None
    missed = {id for id in heard if at[id.rpartition(".")[0]] <= ended}
    assert {each.effect for each in found.effects} == missed
    numbers = found.outage
    assert (found.missed, numbers.resent, numbers.found) == (len(missed), len(missed), 0)
    assert (found.waiting, numbers.left, numbers.lanes_broken) == (0, 0, 0)
    lanes: dict[str, list[str]] = {}
    first = list(dict.fromkeys(heard))
    whose = {each.effect: each.aggregate for each in found.effects}
    for id in [id for id in first if id in missed]:
        lanes.setdefault(whose[id], []).append(id)
    assert all(lane == sorted(lane, key=place) for lane in lanes.values())
    assert (len(lanes), max(map(len, lanes.values())) > 1) == (numbers.lanes, True)
    return found


async def test_a_kill_in_the_middle_of_compensation_loses_nothing_and_doubles_nothing(
    tmp_path: Path, seed: int, say: Callable[[str], None]
) -> None:
    async with staged(tmp_path, seed) as stage:
        await stage.centre.start()
        async with busy(stage, every_s=0.25, baskets=3):
            await asyncio.sleep(2)
            held = await stage.town._hosted.leave("finance")
            before = len(stage.line.answered)
            await asyncio.sleep(OUT_S)
            meanwhile = len(stage.line.answered) - before
        clerk = Clerk(stage, thinks_s=THINKS_S)
        await stage.town._hosted.add("finance", clerk.handle, held)
        await until(lambda: len(clerk.heard) >= HEARD_BEFORE_THE_KILL)
        await stage.centre.kill()
        await stage.centre.start()
        quiet = await drained(stage)
        await until(lambda: facts_of(stage, outage_key("finance"))[-1] == "OutageCompensated")
        await stage.centre.stop()
    assert meanwhile > 20  # orders went on
    assert findings(aftermath(stage, quiet=quiet)) == []
    found = check_report(stage, clerk.heard)
    assert found.outage.cause is Cause.UNREACHABLE
    again = sum(count - 1 for count in Counter(clerk.heard).values())
    booked = Counter(each.order for each in stage.town.finance.book)
    assert set(booked.values()) == {1}  # finance keeps the first of an id
    took = found.took.total_seconds() if found.took else 0.0
    say(
        f"missed {found.missed} in {found.outage.lanes} lanes, sent again after {took:.1f} s and a kill; "
        f"{again} had been on their way and were sent twice under one id"
    )


@pytest.mark.parametrize("spare", [False, True])
async def test_a_key_that_is_frozen_costs_nobody_an_order(tmp_path: Path, seed: int, spare: bool) -> None:
    async with staged(tmp_path, seed) as stage:
        clerk = Clerk(stage)
        if spare:
            with_spare(stage.data)
        await seated(stage, clerk)
        await stage.centre.start()
        async with busy(stage, every_s=0.25, baskets=3):
            await asyncio.sleep(2)
            clerk.takes = {SPARE}
            if spare:  # what finance tells is signed with the same key
                stage.town.finance._secret = SPARE.encode()
            before, heard = len(stage.line.answered), len(clerk.heard)
            await asyncio.sleep(OUT_S)
            meanwhile = len(stage.line.answered) - before
            through = len(clerk.heard) - heard
        clerk.takes = {SPARE} if spare else {clerk.main}
        since = len(clerk.heard)
        quiet = await drained(stage)
        if not spare:
            await until(lambda: facts_of(stage, outage_key("finance"))[-1] == "OutageCompensated")
        await stage.centre.stop()
    assert quiet and meanwhile > 20
    assert verify_data(stage.data).findings == []
    assert ledger_of(stage.town, reading(stage.data), quiet=quiet).offenders == ()
    assert reading(stage.data).dead_letters() == []
    assert set(Counter(clerk.heard).values()) == {1}
    keys = [fact for fact in facts_of(stage, credential_key(TASK)) if fact.startswith("Key")]
    if spare:
        assert through > 0 and reading(stage.data).outages() == []
        assert keys == ["KeyPut", "KeyBound", "KeyPut", "KeyFailed", "KeySwitched"]
    else:
        assert through == 0
        assert check_report(stage, clerk.heard[since:]).outage.cause is Cause.KEY_REFUSED
        assert keys[-2:] == ["KeyFailed", "KeyRecovered"]


def with_spare(data: Path) -> None:
    """The credentials are sealed, and finance has a second key that stands by."""
    entropy = SystemEntropy()
    seal_credentials(data, "li")
    ring = SealedRing(data / SEALED, open_vault(data / MASTER_KEY, entropy), entropy, SystemClock())
    said: Any = PutKey(
        task=TASK, key="spare", fingerprint="", environment="production", by="li", standby=True
    )
    ring.put(said, {"secret": SPARE})
