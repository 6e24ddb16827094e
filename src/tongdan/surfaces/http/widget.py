"""The countdown in a shop's own order page: what a buyer may know of one order, to whoever holds its signed token.

A token names one order and an instant at which it ends, and is signed; there is no list of them. Any page may ask, so
the answer holds no personal data, no amounts and no numbers of others, and is kept by caches for a while.
"""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.model import Order, here
from tongdan.domain.orders.status import status
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.actions import Body
from tongdan.surfaces.http.errors import OF_ANY_ORIGIN, refusal_response
from tongdan.surfaces.http.orders import Id
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.refusals import TOO_MANY_LOOKS, WRONG_TOKEN
from tongdan.surfaces.words import status_name

SCRIPT: Final = "/widget/countdown.js"
FRESH_S: Final = 30
MAX_DAYS: Final = 180
_KIND: Final = "widget"

router: Final = APIRouter(tags=["orders"])
open_router: Final = APIRouter(prefix="/widget/v1", tags=["orders"])


class TokenBody(Body):
    days: int = Field(30, ge=1, le=MAX_DAYS, description="How long the token is good for.")


class TokenShape(BaseModel):
    token: str
    until: datetime
    html: str = Field(
        description="What the shop puts into its page; `SERVICE` is where buyers reach the centre."
    )


class Shown(BaseModel):
    """`ship_by`: promised to leave by then; null: nothing of it is to leave any more, or nothing is promised."""

    stage: str
    stage_zh: str
    ship_by: datetime | None
    as_of: datetime


@router.post("/orders/{id}/widget-token")
async def issue(parts: PartsOf, who: Reader, id: Id, body: TokenBody) -> TokenShape:
    """A token with which the order's own page may show its countdown. It opens nothing else.

    为订单页的倒计时组件签发令牌，仅可查看该订单的阶段与预计发货时间。
    """
    parts.find_order(id)
    until = (parts.clock.now() + timedelta(days=body.days)).replace(microsecond=0)
    said = f"{id}.{int(until.timestamp())}"
    token = f"{said}.{parts.sessions.seal(_KIND, said)[0].hex()}"
    tag = f'<tongdan-countdown token="{token}"></tongdan-countdown>'
    html = f'<script type="module" src="https://SERVICE{SCRIPT}"></script>\n{tag}'
    return TokenShape(token=token, until=until, html=html)


@open_router.get("/orders/{token}", response_model=Shown)
async def look(parts: PartsOf, token: Annotated[str, Path(max_length=200)]) -> Response:
    """The stage of an order and when it is promised to leave, for its countdown. Needs no key; any page may ask.

    倒计时组件查询订单阶段与承诺发货时间；无需密钥，允许跨域。
    """
    if not parts.widget_pace.admits(parts.clock.monotonic()):
        return _to_all(refusal_response(TOO_MANY_LOOKS.of()))
    found = _order(parts, token)
    if isinstance(found, Refusal):
        return _to_all(refusal_response(found))
    code = status(found).value
    shown = Shown(
        stage=status_name(code, "en"), stage_zh=status_name(code, "zh"),
        ship_by=found.ship_by if found.ships and here(found) else None, as_of=parts.clock.now(),
    )  # fmt: skip
    headers = {"Cache-Control": f"public, max-age={FRESH_S}"}
    return _to_all(JSONResponse(shown.model_dump(mode="json"), headers=headers))


def _order(parts: Parts, token: str) -> Order | Refusal:
    said, _, digest = token.rpartition(".")
    id, _, until_s = said.partition(".")
    try:
        given, until = bytes.fromhex(digest), datetime.fromtimestamp(int(until_s), UTC)
    except (ValueError, OverflowError, OSError):
        return WRONG_TOKEN.of()
    signed = any(hmac.compare_digest(each, given) for each in parts.sessions.seal(_KIND, said))
    if not signed or parts.clock.now() >= until:
        return WRONG_TOKEN.of()
    return parts.find_order(id)


def _to_all(response: Response) -> Response:
    response.headers.update(OF_ANY_ORIGIN)
    return response
