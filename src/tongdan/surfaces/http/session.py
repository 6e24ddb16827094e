"""Coming into the console and leaving it: an API key is exchanged for a cookie that scripts cannot read.

A link with a key in it (as `make demo` prints it) leads to an address without one. The cookie alone does nothing: a
request of the console also carries a header that no page of another origin can send unasked.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from tongdan.surfaces.http.access import COOKIE, from_console, known
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.refusals import NOT_ALLOWED

COOKIE_S: Final = 12 * 3_600
router: Final = APIRouter()


class Entry(BaseModel):
    key: str = Field(max_length=200)


@router.post("/session", status_code=204, dependencies=[Depends(from_console)])
async def enter(request: Request, parts: PartsOf, entry: Entry) -> Response:
    return _admitted(Response(status_code=204), request, parts, entry.key)


@router.delete("/session", status_code=204, dependencies=[Depends(from_console)])
async def leave() -> Response:
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


@router.get("/enter")
async def follow_link(
    request: Request,
    parts: PartsOf,
    key: Annotated[str, Query(max_length=200)],
    to: Annotated[str, Query(max_length=200, pattern=r"^(/|(/[\w-]+)+)$")] = "/",
) -> Response:
    try:
        return _admitted(RedirectResponse(to, 303), request, parts, key)
    except Refused:
        return RedirectResponse(to, 303)  # where the console asks for a key


def _admitted(response: Response, request: Request, parts: Parts, key: str) -> Response:
    who = known(parts, key)
    if Scope.READ not in who.scopes:
        raise Refused(NOT_ALLOWED.of(name=who.name, scope=Scope.READ.value))
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, key, max_age=COOKIE_S, httponly=True, samesite="lax", secure=secure)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
