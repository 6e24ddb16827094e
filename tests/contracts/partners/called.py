"""The partners as a test plays them when they are called: a handler behind the in-process transport."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

import msgspec
from tests.contracts.partners.played import NOW, HeldCredentials, credentials

from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.transport import InProcessTransport
from tongdan.domain.kernel.messages import Effect, Person
from tongdan.ports import Actor, Done, Errand, Failed, HttpRequest, HttpResponse, NoAnswer, Unreachable

CHEN = Person(
    name="陈小明",
    phone="12012345678",
    province="浙江省",
    city="杭州市",
    district="余杭区",
    detail="良渚街道 12 号",
    buyer="U7",
    payer="openid-1",
)

Answer = HttpResponse | type[Unreachable] | type[NoAnswer]


class StandingClock:
    """It is always NOW, and waiting takes no time."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        return None

    def monotonic(self) -> float:
        return 0.0

    def call_later(self, seconds: float, then: Callable[[], object]) -> Callable[[], None]:
        raise AssertionError("nothing here waits")


class Partner:
    """Answers as told and keeps what it was asked."""

    def __init__(self, host: str, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[HttpRequest] = []
        self.wire = Wire(
            InProcessTransport({host: self._handle}, StandingClock()), credentials(), StandingClock()
        )

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        if isinstance(self.answer, HttpResponse):
            return self.answer
        raise self.answer("the line is broken")

    def query(self) -> dict[str, str]:
        """The parameters of the last request."""
        return dict(parse_qsl(urlsplit(self.asked[-1].url).query, keep_blank_values=True))

    def without_credentials(self) -> Wire:
        return self.wire._replace(credentials=HeldCredentials({}))


def ok(body: bytes, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(200, headers or {}, body)


def said(status: int, **fields: object) -> HttpResponse:
    return HttpResponse(status, {}, msgspec.json.encode(fields))


def errand(effect: Effect, aggregate: str, person: Person | None = CHEN, tries: int = 1) -> Errand:
    return Errand("E-7", aggregate, effect, tries, lambda: person)


async def done(outcome: Awaitable[Done | Failed | None]) -> Done:
    result = await outcome
    assert isinstance(result, Done)
    return result


async def failed(outcome: Awaitable[Done | Failed | None]) -> Failed:
    result = await outcome
    assert isinstance(result, Failed)
    return result


class Case(msgspec.Struct, frozen=True):
    """One actor, one of its errands, and where its partner is."""

    host: str
    actor: Callable[[Wire], Actor]
    errand: Errand
