"""What the tests of the surfaces stand on.

A small bus and a small door, real enough to be wrong and small enough to be read at a glance; a connection spoken to
in bytes; and a whole centre with its API.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.credentials_file import write_credentials
from tongdan.adapters.partners.authentic import signed_headers
from tongdan.adapters.transport import Handler, InProcessTransport
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.commands import PlaceHold
from tongdan.flow.meters import Meters
from tongdan.ports import (
    Accepted,
    HttpRequest,
    HttpResponse,
    Inbound,
    Mistake,
    NotUnderstood,
    PushAnswer,
    PushRequest,
    Reply,
    Unauthentic,
)
from tongdan.profile import API_KEYS, MEMBERS, Centre, embedded
from tongdan.surfaces.front_door import FrontDoor, Wait
from tongdan.surfaces.http.app import create_app
from tongdan.surfaces.http.keys import ApiKeys, Scope
from tongdan.surfaces.http.members import Members
from tongdan.surfaces.http.parts import Parts
from tongdan.surfaces.http.push_reference import EXAMPLE_BODY
from tongdan.surfaces.http.sessions import Sessions
from tongdan.surfaces.intake import Limits, PushPort
from tongdan.surfaces.waits import WAITS

NOT_JSON = Refusal("not_json", 400, "Send JSON.", "请发送 JSON。")
FULL = Refusal("too_busy", 429, "Try again later.", "请稍后重试。", retry_after_s=3)
SIGNED = {"x-sign": "right"}


class SmallBus:
    """Commits at once, or when told to if `holding`; refuses beyond `capacity`; a repeat gets the same answer."""

    def __init__(self) -> None:
        self.holding = False
        self.capacity = 1_000_000
        self.committed: list[Inbound] = []
        self.quarantined: list[NotUnderstood] = []
        self.held: list[Callable[[], None]] = []
        self.reserved = asyncio.Event()
        self._inbox: dict[tuple[str, ...], Accepted] = {}

    def submit(
        self, messages: Sequence[Inbound | NotUnderstood], done: Callable[[Sequence[Reply]], None]
    ) -> Refusal | None:
        if len(self.held) >= self.capacity:
            return FULL

        def commit() -> None:
            self.quarantined += [m for m in messages if isinstance(m, NotUnderstood)]
            done([self._commit(m) for m in messages if isinstance(m, Inbound)])

        if self.holding:
            self.held.append(commit)
        else:
            commit()
        return None

    def _commit(self, message: Inbound) -> Reply:
        if message.key in self._inbox:
            return msgspec.structs.replace(self._inbox[message.key], duplicate=True)
        self.committed.append(message)
        reply = Accepted(f"order-{len(self.committed)}", 7, 1, len(self.committed))
        self._inbox[message.key] = reply
        return reply

    def release(self) -> None:
        held, self.held = self.held, []
        for commit in held:
            commit()

    async def ask(self, message: Inbound) -> Reply:
        return self._commit(message)

    async def wait_for(self, aggregate: str, until: Callable[[object], bool], timeout_s: float) -> bool:
        try:
            await asyncio.wait_for(self.reserved.wait(), min(timeout_s, 0.2))
        except TimeoutError:
            return False
        return until("reserved")


class SmallDoor:
    """`x-sign: right` is authentic; the body is a JSON array of order numbers; "?" is one nobody understands."""

    path = "/push/small/"
    source = "channel/small"

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        if request.headers.get("x-sign") != "right":
            raise Unauthentic("the signature does not match")
        if request.body == b"break":
            raise ZeroDivisionError("13812345678")
        try:
            natives = msgspec.json.decode(request.body, type=list[str])
        except msgspec.DecodeError:
            raise Mistake(NOT_JSON) from None
        return [self._message(native, request) for native in natives]

    def _message(self, native: str, request: PushRequest) -> Inbound | NotUnderstood:
        if native == "?":
            return NotUnderstood(source=self.source, reason="unknown tag", raw=b"?")
        return Inbound(
            command=PlaceHold(order=native, hold="review"),
            key=("small", native),
            source=self.source,
            shop="s1",
            happened_at=datetime(2026, 1, 27, tzinfo=UTC),
            raw=native.encode(),
        )

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        told = [reply.aggregate if isinstance(reply, Accepted) else reply.name for reply in replies]
        return PushAnswer(200, msgspec.json.encode({"code": 0, "orders": told}))

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        return PushAnswer(refusal.status, msgspec.json.encode({"code": 1, "msg": refusal.name}))


@pytest.fixture
def bus() -> SmallBus:
    return SmallBus()


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
def front(bus: SmallBus, meters: Meters) -> FrontDoor:
    waits = {"reserved": Wait(applies=lambda message: True, over=bool, met=lambda state: state == "reserved")}
    return FrontDoor([SmallDoor()], bus, SystemClock(), meters, waits)


@pytest.fixture
def limits() -> Limits:
    """Small enough to be met within a test."""
    return Limits(
        connections=16, head_bytes=4_096, headers=20, body_bytes=65_536, in_flight=32,
        request_s=0.3, idle_s=0.6, linger_s=0.2, sweep_s=0.05,
    )  # fmt: skip


@pytest.fixture
async def port(front: FrontDoor, limits: Limits) -> AsyncIterator[PushPort]:
    port = PushPort(front, SystemClock(), limits)
    await port.start("127.0.0.1", 0)
    yield port
    await port.stop(grace_s=1.0)


# -- a connection to the push port, spoken to in bytes

WITHIN_S = 5.0


class Client:
    """One connection, spoken to in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WITHIN_S)).decode()
        status = int(head.split(" ", 2)[1])
        headers = {k.lower(): v for k, v in re.findall(r"(?m)^([^:\r\n]+): ([^\r]*)", head)}
        length = int(headers.get("content-length", "0"))
        return status, headers, await asyncio.wait_for(self.reader.readexactly(length), WITHIN_S)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), WITHIN_S)


@asynccontextmanager
async def client(port: PushPort) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(*port.address)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until `holds()`, and fail if it never does."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def post(native: str = "A1", *, extra: str = "", path: str = "/push/small/") -> bytes:
    body = f'["{native}"]'
    return (
        f"POST {path} HTTP/1.1\r\nHost: t\r\nX-Sign: right\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def error_of(body: bytes) -> str:
    found: dict[str, str] = msgspec.json.decode(body)
    assert set(found) == {"error", "message", "message_zh"}
    return found["error"]


# -- a whole order centre, for the API and the pages

OWN_SECRET = "0123456789abcdef"
SKU = "TEA-250G"


class Served:
    """An embedded centre whose only partner in reach is finance, its front door, and clients of its API."""

    def __init__(self, centre: Centre, front: FrontDoor, parts: Parts, app: FastAPI) -> None:
        self.centre = centre
        self.front = front
        self.parts = parts
        self.keys, self.members = parts.keys, parts.members
        self.app = app
        self.finance_status = 200
        self._pushed = 0

    async def finance(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(self.finance_status, {}, b"{}")

    def client(self, *scopes: Scope) -> httpx.AsyncClient:
        """A client whose key has `scopes`."""
        name = f"key-{len(self.keys.all())}"
        token = self.keys.issue(name, scopes, SystemEntropy(), self.centre.clock.now())
        return self.stranger({"Authorization": f"Bearer {token}"})

    def stranger(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://centre", headers=headers)

    async def push(self, path: str, body: bytes, query: str = "") -> PushAnswer:
        """Knock as an own shop does, signed."""
        self._pushed += 1
        clock = self.centre.clock
        headers = signed_headers(OWN_SECRET.encode(), clock.now(), f"nonce-{self._pushed}", body)
        answered: asyncio.Future[PushAnswer] = asyncio.get_running_loop().create_future()
        request = PushRequest("POST", path, query, headers, body, clock.now())
        self.front.handle(request, answered.set_result)
        return await answered

    async def place(self, native: str = "A1", query: str = "") -> str:
        """A new order of two units; its id."""
        body = EXAMPLE_BODY.replace("A2026012700001", native).encode()
        answer = await self.push("/own/mp-main/orders", body, query)
        assert answer.status in (201, 202), answer
        id: str = msgspec.json.decode(answer.body)["order_id"]
        await self.centre.quiet()
        return id

    async def stock(self, units: int) -> None:
        at = self.centre.clock.now()
        warehouse = next(iter(self.centre.policy.warehouses))
        count = CountStock(sku=SKU, warehouse=warehouse, on_hand=units, counted_at=at)
        message = Inbound(
            command=count, key=("count", str(units)), source="test", shop="", happened_at=at, raw=b"{}"
        )
        assert isinstance(await self.centre.bus.ask(message), Accepted)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, Path("conf"), {}, {}) as served:
        yield served


@asynccontextmanager
async def serving(
    tmp_path: Path, conf: Path, hosts: dict[str, Handler], more_secrets: dict[str, dict[str, str]],
    prepare: Callable[[Path], object] = lambda data: None,
) -> AsyncIterator[Served]:  # fmt: skip
    """A centre on `tmp_path` under `conf`, with finance and `hosts` in reach; `prepare` comes before it is opened."""
    clock, entropy = SystemClock(), SystemEntropy()
    secrets = {"own/mp-main": {"secret": OWN_SECRET}, "finance/main": {"secret": OWN_SECRET}}
    write_credentials(tmp_path / "credentials.json", {**secrets, **more_secrets})
    prepare(tmp_path)
    centre = embedded(tmp_path, conf, transport=InProcessTransport(hosts, clock))
    front = FrontDoor(centre.doors, centre.bus, clock, centre.meters, WAITS)
    keys, members = ApiKeys(tmp_path / API_KEYS), Members(tmp_path / MEMBERS)
    parts = Parts(
        reads=centre.reads, bus=centre.bus, meters=centre.meters, policy=centre.policy, keys=keys, clock=clock,
        entropy=entropy, samples=lambda: list(front.samples), ready=lambda: not centre.bus.stopping,
        members=members, sessions=Sessions(members, keys, centre.vault.tokens, clock),
    )  # fmt: skip
    served = Served(centre, front, parts, create_app(parts, push_url="http://push.example"))
    hosts["finance.example.com"] = served.finance
    await centre.start()
    yield served
    await centre.stop()


# -- asking the API

API = "/api/v1"
ALL = tuple(Scope)
SECRETS = ("张三", "13800000000", "文三路")


async def get(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(API + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(answer: httpx.Response, status: int, name: str) -> None:
    """It is a no of the one form, with this name."""
    assert (answer.status_code, answer.json()["error"]) == (status, name), answer.text
    assert set(answer.json()) == {"error", "message", "message_zh"}
    assert re.search(r"[\u4e00-\u9fff]", answer.json()["message_zh"])


def rows_of(served: Served) -> int:
    """Rows that somebody has asked for; what effects and reactions add in their own time is nobody's."""
    return sum(row.operator != "system" for row in served.centre.reads.journal())
