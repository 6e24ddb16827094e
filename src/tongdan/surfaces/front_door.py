"""The front door: one push in, its native answer out, without any transport.

A door authenticates and translates, the bus commits, the door words the acknowledgement; this only leads from one to
the other and sees to it that every request is answered exactly once, is counted, and can hurt no other. The push port
calls it with what it parsed from sockets, a replay calls it in process: both run the same code.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

import msgspec

from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.meters import Meters
from tongdan.ports import (
    Accepted,
    Clock,
    CommandBus,
    Door,
    Inbound,
    Mistake,
    NotUnderstood,
    PushAnswer,
    PushRequest,
    Reply,
    Unauthentic,
)
from tongdan.surfaces.refusals import BROKEN, UNAUTHENTIC, UNKNOWN_PATH, WRONG_METHOD

SAMPLES: Final = 200  # unauthentic requests remembered
MAX_WAITING: Final = 1_000  # answers held back by `?wait=` at one time
WAIT_S: Final = 2.0
POST: Final = frozenset({"POST"})  # what a door takes that says nothing else (`methods`)
STRANGER: Final = "stranger"  # the source of a request that found no door

log = logging.getLogger(__name__)

Answer = Callable[[PushAnswer], None]


class Sample(msgspec.Struct, frozen=True):
    """What is kept of an unauthentic request: never its body, its headers, or a path that may hold a secret."""

    at: datetime
    source: str
    door: str
    peer: str
    reason: str
    length_bytes: int


class Wait(msgspec.Struct, frozen=True):
    """What `?wait=NAME` waits for: the messages it may be asked for, and when the committed state is there.

    `over` ends the wait, `met` tells whether it ended as wished; otherwise the answer's 200 or 201 becomes 202.
    """

    applies: Callable[[Inbound], bool]
    over: Callable[[object], bool]
    met: Callable[[object], bool]


def error_body(refusal: Refusal) -> bytes:
    """The form every refusal has that no partner prescribes otherwise."""
    return msgspec.json.encode({"error": refusal.name, "message": refusal.en, "message_zh": refusal.zh})


def plain_refusal(refusal: Refusal) -> PushAnswer:
    return PushAnswer(refusal.status, error_body(refusal), retry_after_s=refusal.retry_after_s)


class FrontDoor:
    """Leads pushes to doors by the first two segments of their path.

    Raises ValueError when a door's path is not of the form `/one/two/` or is taken.
    """

    def __init__(
        self,
        doors: Iterable[Door],
        bus: CommandBus,
        clock: Clock,
        meters: Meters,
        waits: dict[str, Wait] | None = None,
    ) -> None:
        self.meters: Final = meters
        self.samples: Final[deque[Sample]] = deque(maxlen=SAMPLES)
        self._bus: Final = bus
        self._clock: Final = clock
        self._waits: Final = waits or {}
        self._waiting: Final[set[asyncio.Task[None]]] = set()
        self._doors: Final[dict[str, Door]] = {}
        for door in doors:
            if door.path != prefix_of(door.path + "rest") or door.path in self._doors:
                raise ValueError(f"a door's path must be /one/two/ and its own, got {door.path!r}")
            self._doors[door.path] = door

    def handle(self, request: PushRequest, answer: Answer, peer: str = "") -> None:
        """Call `answer` exactly once: now, or when everything the request stands for is committed."""
        prefix = prefix_of(request.path)
        door = self._doors.get(prefix)
        if door is None:
            return self._no_door(UNKNOWN_PATH.of(), answer)
        methods: frozenset[str] = getattr(door, "methods", POST)
        if request.method not in methods:
            return self._no_door(WRONG_METHOD.of(allowed=", ".join(sorted(methods))), answer)

        def committed(replies: Sequence[Reply]) -> None:
            self._count(door.source, messages, replies)
            if (
                self._waits
                and "wait=" in request.query
                and self._hold(door, request, messages, replies, answer)
            ):
                return
            self._acknowledge(door, request, replies, answer)

        messages: Sequence[Inbound | NotUnderstood]
        try:
            messages = door.open(request)
            if not messages:
                return committed(())
            full = self._bus.submit(messages, committed)
        except Unauthentic as error:
            return self._unauthentic(door, request, str(error)[:120], peer, answer)
        except Mistake as mistake:
            return self._turn_away(door, request, mistake.refusal, answer)
        except Exception as error:
            return self._broken(door, request, error, answer)
        if full is not None:
            self._turn_away(door, request, full, answer)
        return None

    def _acknowledge(
        self, door: Door, request: PushRequest, replies: Sequence[Reply], answer: Answer, status: int = 0
    ) -> None:
        try:
            native = door.answer(request, replies)
        except Exception as error:
            return self._broken(door, request, error, answer)
        if status and native.status < 300:
            native = msgspec.structs.replace(native, status=status)
        return self._say(door.source, native, answer)

    def _count(
        self, source: str, messages: Sequence[Inbound | NotUnderstood], replies: Sequence[Reply]
    ) -> None:
        meters = self.meters
        for reply in replies:
            if type(reply) is Accepted:
                (meters.duplicates if reply.duplicate else meters.accepted).add(source)
        if len(replies) < len(messages):
            meters.quarantined.add(source, by=len(messages) - len(replies))

    def _no_door(self, refusal: Refusal, answer: Answer) -> None:
        self.meters.turned_away.add(STRANGER, refusal.name)
        self._say(STRANGER, plain_refusal(refusal), answer)

    def _unauthentic(self, door: Door, request: PushRequest, reason: str, peer: str, answer: Answer) -> None:
        self.meters.unauthentic.add(door.source, reason)
        self.samples.append(
            Sample(request.received_at, door.source, door.path, peer, reason, len(request.body))
        )
        self._refuse(door, request, UNAUTHENTIC.of(reason=reason), answer)

    def _turn_away(self, door: Door, request: PushRequest, refusal: Refusal, answer: Answer) -> None:
        self.meters.turned_away.add(door.source, refusal.name)
        self._refuse(door, request, refusal, answer)

    def _broken(self, door: Door, request: PushRequest, error: Exception, answer: Answer) -> None:
        self.meters.broken.add(door.source, type(error).__name__)
        log.error("the door of %s failed: %s", door.source, where_it_broke(error))
        self._refuse(door, request, BROKEN.of(), answer)

    def _refuse(self, door: Door, request: PushRequest, refusal: Refusal, answer: Answer) -> None:
        try:
            native = door.refuse(request, refusal)
        except Exception as error:
            self.meters.broken.add(door.source, type(error).__name__)
            native = plain_refusal(refusal)
        if refusal.retry_after_s and not native.retry_after_s:
            native = msgspec.structs.replace(native, retry_after_s=refusal.retry_after_s)
        self._say(door.source, native, answer)

    def _say(self, source: str, native: PushAnswer, answer: Answer) -> None:
        self.meters.pushes.add(source, str(native.status))
        answer(native)

    # -- `?wait=`: the only requests that cost a task

    def _hold(
        self,
        door: Door,
        request: PushRequest,
        messages: Sequence[Inbound | NotUnderstood],
        replies: Sequence[Reply],
        answer: Answer,
    ) -> bool:
        """Whether the answer is held back until what the request waits for is there (bounded by WAIT_S)."""
        wait = self._waits.get(parse_qs(request.query).get("wait", [""])[-1])
        if wait is None or len(messages) != 1 or len(replies) != 1 or len(self._waiting) >= MAX_WAITING:
            return False
        message, reply = messages[0], replies[0]
        if not isinstance(message, Inbound) or not isinstance(reply, Accepted) or not wait.applies(message):
            return False

        async def until_met() -> None:
            last: list[object] = []

            def over(state: object) -> bool:
                last[:] = [state]
                return wait.over(state)

            try:
                met = await self._bus.wait_for(reply.aggregate, over, WAIT_S) and wait.met(last[0])
            except Exception as error:
                return self._broken(door, request, error, answer)
            return self._acknowledge(door, request, replies, answer, 0 if met else 202)

        task = asyncio.get_running_loop().create_task(until_met())
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return True


def where_it_broke(error: Exception) -> str:
    """What may be logged of an exception: its type and place. What it says may quote a payload."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"
    return f"{type(error).__name__} at {place}"


def prefix_of(path: str) -> str:
    """`/push/douyin/orders` → `/push/douyin/`; a path of fewer than two segments is returned as it is."""
    parts = path.split("/", 3)
    return f"/{parts[1]}/{parts[2]}/" if len(parts) > 2 else path
