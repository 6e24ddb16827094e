"""Coming into the console and leaving it: a name and password, or an API key, is exchanged for a session in a cookie.

Scripts cannot read the cookie, and alone it does nothing: a request of the console also carries a header that no page
of another origin can send unasked. A link with a key in it (as `make demo` prints it) leads to an address without one.
"""

import asyncio
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from tongdan.surfaces.http.access import from_console
from tongdan.surfaces.http.callers import COOKIE, REFUSED, session_of
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.sessions import LASTS_S
from tongdan.surfaces.refusals import SIGN_IN_REFUSALS, TOO_MANY_TRIES, WRONG_KEY, WRONG_PASSWORD

router: Final = APIRouter(tags=["session"])


class Entry(BaseModel):
    """`name` and `password` of a member, or the `key` of a program."""

    name: str = Field("", max_length=64)
    password: str = Field("", max_length=200)
    key: str = Field("", max_length=200)


class Who(BaseModel):
    name: str
    role: str = Field(description="Empty for an API key.")
    scopes: list[str]
    shops: list[str] = Field(description="Only these; none named: all.")
    warehouses: list[str] = Field(description="Only these; none named: all.")
    refund_limit_fen: int | None = Field(description="The most that goes back of one order; null: no limit.")
    by_provider: bool = Field(description="Signed in by the provider, and is to leave there too.")


class Told(BaseModel):
    error: str
    message: str
    message_zh: str


class ByProvider(BaseModel):
    """`refused`: why it let nobody in a moment ago."""

    name: str
    name_zh: str
    refused: Told | None


class Session(BaseModel):
    who: Who | None = Field(description="Null: nobody is signed in.")
    provider: ByProvider | None = Field(
        description="By which people may sign in, at /sign-in/oidc; null: by none."
    )


@router.get("/session")
async def session(request: Request, parts: PartsOf) -> Session:
    """Who is signed in in this browser.

    此浏览器当前登录的人。
    """
    found = session_of(request, parts)
    return Session(who=None if found is None else _who(parts, found), provider=_by_provider(request, parts))


def _who(parts: Parts, found: Principal) -> Who:
    member = parts.members.named(found.name) if found.role else None
    return Who(
        name=found.name, role=found.role, scopes=sorted(found.scopes), shops=sorted(found.shops),
        warehouses=sorted(found.warehouses), refund_limit_fen=found.refund_limit_fen,
        by_provider=member is not None and bool(member.subject),
    )  # fmt: skip


def _by_provider(request: Request, parts: Parts) -> ByProvider | None:
    if parts.provider is None:
        return None
    how, no = parts.provider.how, SIGN_IN_REFUSALS.get(request.cookies.get(REFUSED, ""))
    told = None if no is None else Told(error=no.name, message=no.en, message_zh=no.zh)
    return ByProvider(name=how.name_en, name_zh=how.name_zh, refused=told)


@router.post("/session", status_code=204, dependencies=[Depends(from_console)])
async def enter(request: Request, parts: PartsOf, entry: Entry) -> Response:
    """Sign in. Guessing passwords takes longer each time.

    登录。密码试错会越等越久。
    """
    token = _with_key(parts, entry.key) if entry.key else await _with_password(parts, entry)
    return admitted(Response(status_code=204), request, token)


@router.delete("/session", status_code=204, dependencies=[Depends(from_console)])
async def leave() -> Response:
    """Sign out in this browser.

    在此浏览器退出登录。
    """
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


@router.get("/enter", include_in_schema=False)
async def follow_link(
    request: Request,
    parts: PartsOf,
    key: Annotated[str, Query(max_length=200)],
    to: Annotated[str, Query(max_length=200, pattern=r"^(/|(/[\w-]+)+)$")] = "/",
) -> Response:
    try:
        return admitted(RedirectResponse(to, 303), request, _with_key(parts, key))
    except Refused:
        return RedirectResponse(to, 303)  # where the console asks who it is


def _with_key(parts: Parts, key: str) -> str:
    token = parts.sessions.of_key(key)
    if token is None:
        raise Refused(WRONG_KEY.of())
    return token


async def _with_password(parts: Parts, entry: Entry) -> str:
    wait_s = parts.patience.wait_s(entry.name, parts.clock.now())
    if wait_s:
        raise Refused(msgspec.structs.replace(TOO_MANY_TRIES.of(wait_s=wait_s), retry_after_s=wait_s))
    parts.patience.failed(entry.name, parts.clock.now())  # before the answer: many at once are many tries
    member = await asyncio.to_thread(parts.members.check, entry.name, entry.password)
    if member is None:
        raise Refused(WRONG_PASSWORD.of())
    parts.patience.succeeded(entry.name)
    return parts.sessions.of_member(member)


def admitted(response: Response, request: Request, token: str) -> Response:
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, max_age=LASTS_S, httponly=True, samesite="lax", secure=secure)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.delete_cookie(REFUSED)
    return response
