"""Messages nobody understood, over the API: look, retry after the mistake was mended, or throw away.

Lists never show payloads. One message's payload is shown masked, or as it was received to a key of scope `reveal`.
"""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.quarantine import LIMIT, NOT_IN_QUARANTINE, Outcome, Quarantine
from tongdan.surfaces.http.access import Operator, Reader
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.parts import PartsOf
from tongdan.surfaces.masking import mask_raw

PATH: Final = "/api/v1/quarantine"

Id = Annotated[str, StringConstraints(max_length=32)]


class ChoiceBody(Body):
    """By id, or all of a source, a shop, or with a text in their reason; nothing chosen means nothing."""

    ids: list[Id] = Field([], max_length=LIMIT)
    source: str = Field("", max_length=64)
    shop: str = Field("", max_length=64)
    reason: str = Field("", max_length=200)


class DiscardBody(Body):
    reason: str = Field(min_length=1, max_length=200, description="Goes into the audit trail.")


class OutcomeShape(BaseModel):
    """`commands` it stands for today and what each is `about`, or the `reason` why it is still not understood;
    `done`: it has left quarantine."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    source: str
    shop: str
    commands: list[str]
    about: list[str]
    reason: str
    done: bool


class MessageShape(BaseModel):
    id: str
    source: str
    shop: str
    reason: str
    received_at: datetime
    payload: str


class DiscardedShape(BaseModel):
    id: str


def router_of(quarantine: Quarantine) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["operations"])

    def chosen(body: ChoiceBody) -> list[str]:
        if body.source or body.shop or body.reason:
            return quarantine.choose(source=body.source, shop=body.shop, reason=body.reason)
        return list(body.ids)

    @router.get("/{id}")
    async def show(parts: PartsOf, who: Reader, id: str) -> MessageShape:
        """One message with its payload, masked unless the key has scope `reveal`.

        单条报文及内容；密钥无 reveal 权限时打码显示。
        """
        found = parts.reads.quarantined(id)
        if found is None:
            raise Refused(NOT_IN_QUARANTINE.of(id=id[:64]))
        row, raw = found
        payload = raw.decode(errors="replace") if Scope.REVEAL in who.scopes else mask_raw(raw)
        return MessageShape.model_validate({**row, "payload": payload})

    @router.post("/preview")
    async def preview(who: Operator, body: ChoiceBody) -> list[OutcomeShape]:
        """What would become of each under today's configuration. Changes nothing.

        按当前配置重新解读的结果；不做任何更改。
        """
        return _shapes(await quarantine.preview(chosen(body)))

    @router.post("/retry")
    async def retry(who: Operator, body: ChoiceBody) -> list[OutcomeShape]:
        """Read each again and do what it stands for, once. What is still not understood stays.

        重新解读并执行，每条仅一次；仍无法理解的保留。
        """
        return _shapes(await quarantine.retry(chosen(body), who.name))

    @router.post("/{id}/discard")
    async def discard(who: Operator, id: str, body: DiscardBody) -> DiscardedShape:
        """Delete a message for good; who and why is journaled.

        永久删除报文；操作人与原因写入审计日志。
        """
        refusal = await quarantine.discard(id, body.reason, who.name)
        if refusal is not None:
            raise Refused(refusal)
        return DiscardedShape(id=id)

    return router


def _shapes(told: list[Outcome] | Refusal) -> list[OutcomeShape]:
    if isinstance(told, Refusal):
        raise Refused(told)
    return [OutcomeShape.model_validate(each) for each in told]
