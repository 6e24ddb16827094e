"""Eight copies of every message at the same moment over real HTTP: one effect, and the same answer eight times."""

import asyncio
from pathlib import Path
from typing import Final

import pytest
from tests.flow.crash.proof import aftermath, findings
from tests.flow.crash.town import drained, staged

from tongdan.ports import HttpRequest, HttpResponse, Transport

pytestmark = pytest.mark.server

COPIES: Final = 8


# An own shop's client is told the same each time, and beside it whether it had been told before.
MARK: Final = b'"duplicate":true'


class Eightfold:
    """A line that carries every request eight times at once, and keeps all answers to it."""

    def __init__(self, line: Transport) -> None:
        self.heard: Final[list[tuple[HttpRequest, list[HttpResponse]]]] = []
        self._line: Final = line

    async def send(self, request: HttpRequest) -> HttpResponse:
        answers = list(await asyncio.gather(*[self._line.send(request) for _ in range(COPIES)]))
        self.heard.append((request, answers))
        return answers[0]


async def test_eight_copies_of_every_message_have_one_effect(tmp_path: Path, seed: int) -> None:
    async with staged(tmp_path, seed, through=Eightfold) as stage:
        await stage.centre.start()
        stage.town.order(20)
        quiet = await drained(stage)
        await stage.centre.stop()
    eightfold = stage.town.setting.centre
    assert isinstance(eightfold, Eightfold)
    doors = {"/".join(request.url.split("/")[3:5]) for request, _ in eightfold.heard}
    assert doors >= {"push/douyin", "own/mp-main", "push/wechat", "push/qimen", "push/finance"}
    for _, answers in eightfold.heard:
        accepted = [answer.body for answer in answers if answer.status < 300]
        first, marked = set(map(unmarked, accepted)), [MARK in body for body in accepted]
        assert len(first) == (1 if accepted else 0)
        assert marked.count(True) in (0, len(accepted) - 1)
    assert findings(aftermath(stage, quiet=quiet)) == []


def unmarked(answer: bytes) -> bytes:
    return answer.replace(MARK, b'"duplicate":false')
