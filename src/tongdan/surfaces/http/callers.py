"""Whose request it is: read from the request once, before anything is read for it.

An API key, or in a browser a session. The cookie counts only beside a header that a page of another origin cannot send
unasked, so no other site can make a browser do anything.
"""

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request
from fastapi.security.utils import get_authorization_scheme_param

from tongdan.domain.kernel.messages import Refusal
from tongdan.surfaces.http.keys import Principal
from tongdan.surfaces.refusals import NO_KEY, SESSION_OVER, WRONG_KEY

if TYPE_CHECKING:
    from tongdan.surfaces.http.parts import Parts

COOKIE: Final = "tongdan_session"
REFUSED: Final = "tongdan_refused"  # why the provider's word let nobody in, for the sign-in page
CONSOLE: Final = "X-Tongdan-Console"


async def identified(request: Request) -> Principal | Refusal:
    """Who calls, or why that is nobody."""
    parts: Parts = request.app.state.parts
    scheme, credentials = get_authorization_scheme_param(request.headers.get("authorization"))
    token = credentials if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if not token and CONSOLE in request.headers and COOKIE in request.cookies:
        return session_of(request, parts) or SESSION_OVER.of()
    return (parts.keys.check(token) or WRONG_KEY.of()) if token else NO_KEY.of()


def session_of(request: Request, parts: "Parts") -> Principal | None:
    """Whose session the browser keeps; None: nobody's that is still good."""
    return parts.sessions.check(request.cookies.get(COOKIE, ""))


Caller = Annotated[Principal | Refusal, Depends(identified)]
