"""Coming in by way of an OpenID provider, and leaving there too.

Nothing is kept here between the way out and the way back: the browser holds a number of chance, and state, nonce and
PKCE verifier are keyed digests of it, so only this installation can make them and only that browser can use them. A
person who comes is a member like any other, whose rights are those of their groups each time they sign in.
"""

import asyncio
import hmac
import logging
import re
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from tongdan.domain.kernel.messages import Refusal
from tongdan.ports.identity import CALLBACK, Identity, IdentityProvider, NotProven, Unavailable
from tongdan.surfaces.http.callers import REFUSED
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.members import Hidden, Member, Rights, Role
from tongdan.surfaces.http.owner_file import FileRefused
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.session import admitted
from tongdan.surfaces.refusals import (
    SIGN_IN_BARRED,
    SIGN_IN_DENIED,
    SIGN_IN_NAME,
    SIGN_IN_NO_GROUP,
    SIGN_IN_NOT_PROVEN,
    SIGN_IN_STALE,
    SIGN_IN_UNAVAILABLE,
    TOO_MANY_LOOKS,
    UNKNOWN_PATH,
)

router: Final = APIRouter(tags=["session"], include_in_schema=False)
log = logging.getLogger(__name__)

ATTEMPT: Final = "tongdan_sign_in"
LASTS_S: Final = 600
_PAGE: Final = r"^/([!-.0-\[\]-~][!-\[\]-~]*)?$"  # of this host: never // or /\
_ATTEMPT: Final = re.compile(r"[0-9a-f]{32}\.[0-9]{1,12}", re.ASCII)
_TELL_S: Final = 60

Page = Annotated[str, Query(max_length=500, pattern=_PAGE)]


@router.get("/sign-in/oidc")
async def begin(request: Request, parts: PartsOf, to: Page = "/") -> Response:
    """To the provider; `to` is the page that was wanted."""
    provider = _configured(parts)
    attempt = f"{parts.entropy.token(16).hex()}.{int(parts.clock.now().timestamp())}"
    try:
        way = await provider.way_in(
            state=_made(parts, "state", attempt),
            nonce=_made(parts, "nonce", attempt),
            verifier=_made(parts, "verifier", attempt) + _made(parts, "verifier-2", attempt),
        )
    except Unavailable as error:
        log.warning("the sign-in provider cannot be asked: %s", error)
        return _refused(SIGN_IN_UNAVAILABLE.of())
    response = RedirectResponse(way, 303)
    _keep(response, request, ATTEMPT, f"{attempt}.{to}", LASTS_S)
    return response


@router.get(CALLBACK)
async def back(
    request: Request, parts: PartsOf, code: Annotated[str, Query(max_length=4_096)] = "",
    state: Annotated[str, Query(max_length=200)] = "", error: Annotated[str, Query(max_length=200)] = "",
    iss: Annotated[str, Query(max_length=500)] = "",
) -> Response:  # fmt: skip
    """From the provider: into the console, or to its sign-in page, which says why not."""
    provider = _configured(parts)
    try:
        attempt, to = _attempt(request, parts, state)
        if iss and iss != provider.how.issuer:  # RFC 9207: another provider's answer
            raise Refused(SIGN_IN_STALE.of())
        if error or not code:
            raise Refused(SIGN_IN_DENIED.of())
        member = await _member(parts, provider, code, attempt)
    except Refused as no:
        response = _refused(no.refusal)
    else:
        log.info("%s signed in by the provider as %s", member.name, member.role)
        response = admitted(RedirectResponse(to, 303), request, parts.sessions.of_member(member))
    response.delete_cookie(ATTEMPT)
    return response


@router.get("/sign-in/oidc/leave")
async def leave(parts: PartsOf) -> Response:
    """From a console whose session has ended to where the provider's ends."""
    try:
        return RedirectResponse(await _configured(parts).way_out() or "/", 303)
    except Unavailable:
        return RedirectResponse("/", 303)


def _attempt(request: Request, parts: Parts, state: str) -> tuple[str, str]:
    """The attempt that this browser began and `state` belongs to, and the page that was wanted. Raises Refused."""
    number, began_s, to = [*request.cookies.get(ATTEMPT, "").split(".", 2), "", ""][:3]
    attempt = f"{number}.{began_s}"
    if _ATTEMPT.fullmatch(attempt) and re.fullmatch(_PAGE, to):
        old_s = parts.clock.now().timestamp() - int(began_s)
        if 0 <= old_s < LASTS_S and hmac.compare_digest(_made(parts, "state", attempt), state):
            return attempt, to
    raise Refused(SIGN_IN_STALE.of())


async def _member(parts: Parts, provider: IdentityProvider, code: str, attempt: str) -> Member:
    """Raises Refused."""
    if not parts.sign_in_pace.admits(parts.clock.monotonic()):
        raise Refused(TOO_MANY_LOOKS.of())
    try:
        found = await provider.identify(
            code=code,
            nonce=_made(parts, "nonce", attempt),
            verifier=_made(parts, "verifier", attempt) + _made(parts, "verifier-2", attempt),
        )
    except NotProven as what:
        log.warning("a sign-in by the provider was not proven: %s", what)
        raise Refused(SIGN_IN_NOT_PROVEN.of()) from None
    except Unavailable as error:
        log.warning("the sign-in provider cannot be asked: %s", error)
        raise Refused(SIGN_IN_UNAVAILABLE.of()) from None
    rights = _rights(provider, found)
    name = found.name.partition("@")[0].lower()
    now = parts.clock.now()
    try:
        member = await asyncio.to_thread(parts.members.provided, found.subject, name, rights, now)
    except FileRefused as refused:
        log.warning("%s came by the provider and cannot be a member: %s", found.subject, refused)
        raise Refused(SIGN_IN_NAME.of()) from None
    if member.barred:
        raise Refused(SIGN_IN_BARRED.of())
    return member


def _rights(provider: IdentityProvider, found: Identity) -> Rights:
    """Those of the first group in the configuration that the person is in. Raises Refused."""
    of_group = next((each for each in provider.how.groups if each.group in found.groups), None)
    if of_group is None:
        log.warning("%s came by the provider in no group that has rights here", found.subject)
        raise Refused(SIGN_IN_NO_GROUP.of())
    return Rights(
        role=Role(of_group.role),
        shops=tuple(sorted(of_group.shops)),
        warehouses=tuple(sorted(of_group.warehouses)),
        hides=tuple(sorted(Hidden(each) for each in of_group.hides)),
        refund_limit_fen=of_group.refund_limit_fen,
    )


def _configured(parts: Parts) -> IdentityProvider:
    if parts.provider is None:
        raise Refused(UNKNOWN_PATH.of())
    return parts.provider


def _made(parts: Parts, what: str, attempt: str) -> str:
    return parts.sessions.seal(f"sign-in-{what}", attempt)[0].hex()


def _refused(refusal: Refusal) -> Response:
    """The console's sign-in page, which is told the name and asks for the sentence."""
    response = RedirectResponse("/", 303)
    response.set_cookie(REFUSED, refusal.name, max_age=_TELL_S, httponly=True, samesite="lax")
    response.headers["Cache-Control"] = "no-store"
    return response


def _keep(response: Response, request: Request, name: str, value: str, lasts_s: int) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=lasts_s, httponly=True, samesite="lax", secure=secure)
    response.headers["Cache-Control"] = "no-store"
