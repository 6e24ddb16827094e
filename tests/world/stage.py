"""A world whose centre is only its doors: what is pushed is read by the real adapters and acknowledged.

The real actors reach the partners in process. So each simulated partner and its adapter are checked against
each other, without the loop between them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tongdan.adapters.clock import SeededEntropy
from tongdan.adapters.credentials_file import CredentialsFile
from tongdan.adapters.partners import connect_actors, open_doors
from tongdan.adapters.policy_files import Conf
from tongdan.adapters.transport import InProcessTransport
from tongdan.domain.kernel.ids import make_order_id
from tongdan.domain.kernel.messages import Command, Effect, Person
from tongdan.labs.world.provision import CREDENTIALS
from tongdan.labs.world.retail import SeededRetail
from tongdan.labs.world.world import World
from tongdan.ports import (
    Accepted,
    Clock,
    Credentials,
    Done,
    Errand,
    Failed,
    HttpRequest,
    HttpResponse,
    Inbound,
    Mistake,
    NotUnderstood,
    PushRequest,
    Reply,
)

C = TypeVar("C", bound=Command)

CONF = Path(__file__).parents[2] / "conf"
START = datetime(2026, 1, 27, tzinfo=UTC)
ANYBODY = Person(
    name="王小明",
    phone="12000000001",
    province="浙江省",
    city="杭州市",
    detail="1 号",
    buyer="U1",
    payer="o1",
)


_FOREIGN_KEY = (
    rsa.generate_private_key(65_537, 2_048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


class Stage:
    """World, adapters, and what the doors heard, in order."""

    def __init__(self, clock: Clock, conf: Conf, data: Path, seed: int, orders: int, faults: float) -> None:
        credentials = CredentialsFile(data / CREDENTIALS)
        self.clock = clock
        self.conf = conf
        self._data = data
        self.heard: list[Inbound | NotUnderstood] = []
        self.mistakes: list[str] = []
        self._doors = {door.path: door for door in open_doors(conf, credentials)}
        centre = InProcessTransport({urlsplit(conf.partners.wechat.notify_url).netloc: self.knock}, clock)
        self.world = World(
            seed=seed,
            clock=clock,
            centre=centre,
            data=data,
            policy=conf.policy,
            partners=conf.partners,
            orders=orders,
            faults=faults,
            outages=0,
            retail=SeededRetail(seed),
        )
        self.connect(credentials)

    def connect(self, credentials: Credentials) -> None:
        """Let the actors speak with these credentials from now on."""
        outside = InProcessTransport(self.world.handlers, self.clock)
        actors = connect_actors(self.conf, credentials, outside, self.clock, SeededEntropy("actors"))
        self._actors = {actor.partner: actor for actor in actors}

    def forge(self, name: str) -> None:
        """Let the actors have a wrong secret in the credential `name`."""
        self.connect(_Forged(CredentialsFile(self._data / CREDENTIALS), name))

    async def knock(self, request: HttpRequest) -> HttpResponse:
        url = urlsplit(request.url)
        door = self._doors["/".join(url.path.split("/")[:3]) + "/"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        push = PushRequest(
            request.method, url.path, url.query, headers, request.body, received_at=self.clock.now()
        )
        try:
            messages = door.open(push)
        except Mistake as mistake:
            self.mistakes.append(mistake.refusal.name)
            answer = door.refuse(push, mistake.refusal)
        else:
            self.heard.extend(messages)
            answer = door.answer(push, self._replies(messages))
        return HttpResponse(answer.status, {"content-type": answer.content_type}, answer.body)

    def _replies(self, messages: Sequence[Inbound | NotUnderstood]) -> list[Reply]:
        at = len(self.heard)
        return [
            Accepted(make_order_id("MP", "20260127", at, 7), 7, 1, at)
            for message in messages
            if isinstance(message, Inbound)
        ]

    async def perform(
        self, effect: Effect, aggregate: str, *, id: str = "7.1.1.0", tries: int = 1
    ) -> Done | Failed:
        errand = Errand(id, aggregate, effect, tries, lambda: ANYBODY)
        return await self._actors[effect.partner].perform(errand)

    async def look_up(self, effect: Effect, aggregate: str) -> Done | Failed | None:
        errand = Errand("7.1.1.0", aggregate, effect, 2, lambda: ANYBODY)
        return await self._actors[effect.partner].look_up(errand)

    def commands(self, kind: type[C]) -> list[C]:
        """The commands of one kind that the doors made of what was pushed, in order."""
        made = (one.command for one in self.heard if isinstance(one, Inbound))
        return [command for command in made if isinstance(command, kind)]


class _Forged:
    """Credentials of which one has a secret that is not the partner's."""

    def __init__(self, real: Credentials, name: str) -> None:
        self._real = real
        self._name = name

    def get(self, name: str) -> Mapping[str, str]:
        fields = dict(self._real.get(name))
        if name == self._name:
            fields |= {field: "0" * 32 for field in ("app_secret", "secret") if field in fields}
            if "private_key" in fields:
                fields["private_key"] = _FOREIGN_KEY
        return fields


class Staged(Protocol):
    def __call__(
        self, body: Callable[[Stage], Awaitable[None]], *, orders: int = 0, faults: float = 0.0, seed: int = 1
    ) -> None: ...
