"""How partners answer when they are asked how an order stands and are not well: not at all, too late, or wrongly.

A lossy one hears and is not heard, a slow one answers about when nobody waits any more, a lying one gives what it said
of another order or what it said of this one once; a dead one cannot be reached. Only questions are troubled: what
happens to messages and orders is in `faults.py`.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tongdan.adapters.transport import Handler
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.sf import ROUTES
from tongdan.labs.world.warehouse_query import METHOD as QIMEN_QUERY
from tongdan.ports import Clock, HttpRequest, HttpResponse, NoAnswer, Unreachable

LOSSY: Final = "lossy"
SLOW: Final = "slow"
LYING: Final = "lying"
STALE: Final = "stale"
DEAD: Final = "dead"
MANY: Final = "/orders/status"
ABOUT_TIMEOUT: Final = (0.7, 1.3)  # of the time-out, when a slow one answers
_NUMBERED: Final = re.compile(r"/[A-Z]{2}\d{14,}[^/]*")


class Question(NamedTuple):
    """What a partner is asked: `about` an order or its parcels, in a way (`how`) that others are asked in too."""

    about: str
    how: str


class Troubles:
    """`shares`: LOSSY, SLOW, LYING (another order's answer), STALE → the part of questions that meet it; change it to
    begin and end. `most_slow` answers at most come late. `dead` are who cannot be reached; `lied_about` the questions
    that were answered wrongly, by partner; `met` counts."""

    def __init__(self, seed: int, clock: Clock, most_slow: int = 1_000) -> None:
        self.shares: Mapping[str, float] = {}
        self.dead: Final[set[str]] = set()
        self.met: Final[Counter[str]] = Counter()
        self.lied_about: Final[list[tuple[str, str]]] = []
        self._clock: Final = clock
        self._most_slow: Final = most_slow
        self._stream: Final = Stream(seed, "troubles")
        self._first: Final[dict[tuple[str, Question], HttpResponse]] = {}

    async def meet(
        self, partner: str, handler: Handler, request: HttpRequest, question: Question | None
    ) -> HttpResponse:
        """The partner's answer, or what comes instead of it."""
        if partner in self.dead:
            raise Unreachable("the partner is dead")
        answer = await handler(request)
        if question is None or answer.status >= 300:
            return answer
        self._first.setdefault((partner, question), answer)
        match self._drawn():
            case "lossy":
                self.met[LOSSY] += 1
                raise NoAnswer("the answer was lost")
            case "slow" if self.met[SLOW] < self._most_slow:
                self.met[SLOW] += 1
                await self._clock.sleep(self._stream.between(*ABOUT_TIMEOUT) * request.timeout_s)
            case "lying":
                return self._lie(partner, question, LYING, self._of_another(partner, question), answer)
            case "stale":
                return self._lie(partner, question, STALE, self._first[partner, question], answer)
        return answer

    def _drawn(self) -> str:
        drawn = self._stream.uniform()
        for kind, share in self.shares.items():
            if 0 <= drawn < share:
                return kind
            drawn -= share
        return ""

    def _of_another(self, partner: str, question: Question) -> HttpResponse | None:
        others = [
            answer
            for (whose, asked), answer in self._first.items()
            if whose == partner and asked.how == question.how and asked.about != question.about
        ]
        return self._stream.pick(others) if others else None

    def _lie(
        self, partner: str, question: Question, kind: str, lie: HttpResponse | None, truth: HttpResponse
    ) -> HttpResponse:
        if lie is None or lie.body == truth.body:
            return truth
        self.met[kind] += 1
        self.lied_about.append((partner, question.about))
        return lie


def question_by_path(request: HttpRequest) -> Question | None:
    """A GET that names one of our numbers in its path."""
    path = urlsplit(request.url).path
    named = _NUMBERED.search(path)
    if request.method != "GET" or named is None:
        return None
    return Question(named.group()[1:], _NUMBERED.sub("/*", path))


def question_by_text(request: HttpRequest) -> Question | None:
    """SF's route query, a WMS's of a delivery order, or a question about many orders: whatever numbers stand in it."""
    target = urlsplit(request.url)
    if request.method == "GET" and target.path.endswith(MANY):
        return Question(target.query, MANY)
    if request.method == "POST" and QIMEN_QUERY in request.url:
        return Question(request.body.decode(), QIMEN_QUERY)
    form = parse_qs(request.body.decode()) if request.method == "POST" else {}
    return Question(form["msgData"][0], ROUTES) if form.get("serviceCode") == [ROUTES] else None
