"""Who may call an endpoint: an API key with the scope it needs, or in a browser a session of somebody who has it.

The cookie counts only beside a header that a page of another origin cannot send unasked, so no other site can make a
browser do anything.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.refusals import NO_KEY, NOT_ALLOWED, NOT_FROM_CONSOLE, SESSION_OVER, WRONG_KEY

COOKIE: Final = "tongdan_session"
CONSOLE: Final = "X-Tongdan-Console"

_bearer: Final = HTTPBearer(auto_error=False, description="An API key (`tongdan keys create`).")
_header: Final = APIKeyHeader(
    name="X-Api-Key", auto_error=False, description="The same key, in its own header."
)


async def caller(
    request: Request,
    parts: PartsOf,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
) -> Principal:
    """Raises Refused with 401."""
    token = bearer.credentials if bearer is not None else header or ""
    if not token and CONSOLE in request.headers and COOKIE in request.cookies:
        found = session_of(request, parts)
        if found is None:
            raise Refused(SESSION_OVER.of())
        return found
    return known(parts, token)


def session_of(request: Request, parts: Parts) -> Principal | None:
    """Whose session the browser keeps; None: nobody's that is still good."""
    return parts.sessions.check(request.cookies.get(COOKIE, ""))


async def from_console(request: Request) -> None:
    """Raises Refused with 403."""
    if CONSOLE not in request.headers:
        raise Refused(NOT_FROM_CONSOLE.of())


def known(parts: Parts, token: str) -> Principal:
    if not token:
        raise Refused(NO_KEY.of())
    found = parts.keys.check(token)
    if found is None:
        raise Refused(WRONG_KEY.of())
    return found


def demand(who: Principal, scope: Scope) -> None:
    """Raises Refused with 403."""
    if scope not in who.scopes:
        raise Refused(NOT_ALLOWED.of(name=who.name, scope=scope.value))


def _with(scope: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    async def check(who: Annotated[Principal, Depends(caller)]) -> Principal:
        demand(who, scope)
        return who

    return check


Reader = Annotated[Principal, Depends(_with(Scope.READ))]
Writer = Annotated[Principal, Depends(_with(Scope.WRITE))]
Operator = Annotated[Principal, Depends(_with(Scope.OPERATE))]
Eraser = Annotated[Principal, Depends(_with(Scope.ERASE))]
Manager = Annotated[Principal, Depends(_with(Scope.MANAGE))]
