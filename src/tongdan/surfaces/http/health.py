"""Health of credentials and configuration over the API: the board, a scan, and the keys of each task.

Secrets come in and never go out; a body that holds one is not kept with the command.
"""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.domain.confighealth.commands import BindKey, UnbindKey
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.health_scan import HealthScan
from tongdan.ports import Accepted, Reply
from tongdan.surfaces.health import HealthView, health_of
from tongdan.surfaces.http.access import Manager, Operator, SellerReader
from tongdan.surfaces.http.actions import Body, Words
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.orders import SOURCE
from tongdan.surfaces.http.shapes import Done
from tongdan.surfaces.key_form import KEY_NAME, key_form

BOARD: Final = "/api/v1/health/board"
SCAN: Final = "/api/v1/health/scan"
KEYS: Final = "/api/v1/credentials/keys"
BIND: Final = "/api/v1/credentials/bind"
UNBIND: Final = "/api/v1/credentials/unbind"

Task = Annotated[str, StringConstraints(min_length=1, max_length=128)]
KeyName = Annotated[str, StringConstraints(pattern=f"^{KEY_NAME.pattern}$")]


class _Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class KeyShape(_Shape):
    """What is said of a key; of the secret only a fingerprint."""

    key: str
    environment: str
    standby: bool
    bound: bool
    fingerprint: str
    expires_on: date | None
    idle_until: datetime | None = Field(description="When the partner freezes it for want of a call.")
    certificate_until: datetime | None
    days_left: int | None = Field(description="Until the first of these ends; null: nobody said when.")
    allow: list[str] = Field(description="Addresses from which the partner takes calls; none: not said.")
    last_used_at: datetime | None
    failed_at: datetime | None = Field(description="The partner refused it then, and nobody has mended it.")
    error: str


class BindingShape(_Shape):
    key: str
    before: str
    by: str
    reason: str
    at: datetime


class TaskShape(_Shape):
    task: str
    environment: str
    bound: str = Field(description='The key it calls with; "": none.')
    keys: list[KeyShape]
    bindings: list[BindingShape] = Field(description="The latest first.")


class HealthFindingShape(_Shape):
    check: str
    severity: Literal["critical", "warning", "unknown"]
    about: str
    detail: str
    until: datetime | None
    title: str
    title_zh: str
    mend: str
    mend_zh: str


class ScanShape(_Shape):
    no: int
    at: datetime
    by: str
    critical: int
    warning: int
    unknown: int
    fine: int


class HealthShape(_Shape):
    """`scans` are the latest first; none: nobody has looked yet."""

    sealed: bool = Field(description="False: the credentials lie open in credentials.json.")
    tasks: list[TaskShape]
    findings: list[HealthFindingShape]
    scans: list[ScanShape]


class KeyBody(Body):
    """A key to be sealed. `fields` is the secret, as docs/operations.md names them; it is not shown again."""

    task: Task
    key: KeyName
    fields: dict[str, str]
    environment: Literal["production", "test"] = "production"
    standby: bool = Field(False, description="It takes over by itself when the key in use fails.")
    expires_on: date | None = Field(None, strict=False)
    idle_days: int = Field(0, ge=0, description="The partner freezes it after so many days without a call.")
    allow: list[str] = Field([], description="IP addresses or CIDR ranges.")
    certificate: str = Field("", max_length=16_384, description="PEM, of which only its end is kept.")


class BindBody(Body):
    task: Task
    key: KeyName
    reason: Words


class UnbindBody(Body):
    task: Task
    reason: Words


def shown(health: HealthScan) -> HealthView:
    desk = health.desk
    return health_of(
        health.board(), desk.states(), desk.tasks, sealed=desk.ring.is_sealed, used=desk.book.last(),
        policy=desk.policy, now=health.now(),
    )  # fmt: skip


def router_of(health: HealthScan) -> APIRouter:
    router, desk = APIRouter(tags=["health"]), health.desk

    @router.get(BOARD)
    async def board(who: SellerReader) -> HealthShape:
        """The keys of each task, and what the last scan found.

        各任务的密钥与最近一次健康巡检结果。
        """
        return HealthShape.model_validate(shown(health))

    @router.post(SCAN)
    async def scan(who: Operator) -> HealthShape:
        """Look at everything now; takes seconds.

        立即巡检。
        """
        _done(await health.scan(who.name, SOURCE))
        return HealthShape.model_validate(shown(health))

    @router.post(KEYS)
    async def put_key(who: Manager, body: KeyBody) -> Done:
        """Seal a key, or seal it anew. The first that fits its task is bound at once.

        加密录入密钥；任务的首个同环境密钥会自动绑定。
        """
        said = key_form(
            body.task, body.key, body.fields, who.name, environment=body.environment, standby=body.standby,
            expires_on=body.expires_on, idle_days=body.idle_days, allow=body.allow, certificate=body.certificate,
        )  # fmt: skip
        if isinstance(said, Refusal):
            raise Refused(said)
        return _done(await desk.put(said, body.fields, SOURCE))

    @router.post(BIND)
    async def bind_key(who: Manager, body: BindBody) -> Done:
        """Let a task call with a key from now on. A key of another environment is refused.

        绑定密钥；环境不符时拒绝。
        """
        command = BindKey(task=body.task, key=body.key, by=who.name, reason=body.reason)
        return _done(await desk.bind(command, SOURCE))

    @router.post(UNBIND)
    async def unbind_key(who: Manager, body: UnbindBody) -> Done:
        """Let a task call with no key.

        解除任务的密钥绑定。
        """
        return _done(await desk.bind(UnbindKey(task=body.task, by=who.name, reason=body.reason), SOURCE))

    return router


def _done(reply: Reply) -> Done:
    if not isinstance(reply, Accepted):
        raise Refused(reply)
    position = f"{reply.slot}.{reply.epoch}.{reply.seq}"
    return Done(aggregate=reply.aggregate, position=position, duplicate=reply.duplicate)
