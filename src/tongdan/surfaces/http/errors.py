"""Every no of the API in one form: {"error", "message", "message_zh"}, named, in both languages.

Nothing of what was sent is repeated in an answer: a wrong value may be somebody's address.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tongdan.domain.kernel.messages import Refusal
from tongdan.ports import StoreFailure, TooWide
from tongdan.surfaces.front_door import error_body, where_it_broke
from tongdan.surfaces.refusals import (
    BODY_TOO_LARGE,
    BROKEN,
    INVALID_FIELD,
    MALFORMED,
    READS_UNAVAILABLE,
    TOO_WIDE,
    UNKNOWN_PATH,
    WRONG_METHOD,
)

MAX_BODY_BYTES: Final = 65_536
OF_ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
MAX_IMPORT_BYTES: Final = 2**20
LARGER: Final[Mapping[str, int]] = {"/api/v1/imports/": MAX_IMPORT_BYTES}  # by the beginning of the path

log = logging.getLogger(__name__)

# What the validator says, as a Chinese reader would put it; {} are its own figures.
_CHINESE: Final[Mapping[str, str]] = {
    "missing": "缺少",
    "extra_forbidden": "多出未知字段",
    "json_invalid": "JSON 格式错误",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "须匹配 {pattern}",
    "string_type": "应为字符串",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "bool_parsing": "应为布尔值",
    "greater_than_equal": "不得小于 {ge}",
    "less_than_equal": "不得大于 {le}",
    "enum": "应为 {expected} 之一",
    "literal_error": "应为 {expected} 之一",
    "timezone_aware": "须带时区",
}


class Refused(Exception):
    """Ends an endpoint with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal: Final = refusal


def refusal_response(refusal: Refusal) -> Response:
    headers = {"Cache-Control": "no-store"}
    if refusal.retry_after_s:
        headers["Retry-After"] = str(refusal.retry_after_s)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(error_body(refusal), refusal.status, headers, media_type="application/json")


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """The first thing that is wrong with a request, naming the field and what was expected of it."""
    first = errors[0]
    kind, figures = str(first["type"]), first.get("ctx", {})
    field = ".".join(str(part) for part in first["loc"][1:] if kind != "json_invalid") or str(first["loc"][0])
    en = "it is missing" if kind == "missing" else str(first["msg"])
    zh = _CHINESE.get(kind, "不符合要求")
    try:
        zh = zh.format_map(figures)
    except KeyError:
        zh = "不符合要求"
    return INVALID_FIELD.of(field=field[:120], en=en[:200].rstrip("."), zh=zh)


def install(app: FastAPI) -> None:
    """Map everything that can end a request to the one form."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return refusal_response(error.refusal)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return refusal_response(of_validation(error.errors()))

    @app.exception_handler(StoreFailure)
    async def unreadable(request: Request, error: StoreFailure) -> Response:
        log.error("the store could not be read: %s", error)
        return refusal_response(READS_UNAVAILABLE.of())

    @app.exception_handler(TooWide)
    async def too_wide(request: Request, error: TooWide) -> Response:
        return refusal_response(TOO_WIDE.of())

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return refusal_response(UNKNOWN_PATH.of())
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "other")
            return refusal_response(WRONG_METHOD.of(allowed=allowed))
        return refusal_response(MALFORMED.of())


class Guard:
    """Around the whole API: bodies above their limit are refused, and whatever breaks is answered and logged.

    Of what broke only type and place are logged, for what an exception says may quote a payload.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = str(scope["path"])
        limit_bytes = next(
            (limit for begin, limit in LARGER.items() if path.startswith(begin)), MAX_BODY_BYTES
        )
        body = await _whole_body(receive, limit_bytes)
        if body is None:
            refusal = BODY_TOO_LARGE.of(limit_bytes=limit_bytes)
            return await refusal_response(refusal)(scope, receive, send)
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        started = False

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, replay, watched)
        except Exception as error:
            log.error("%s failed: %s", scope["path"], where_it_broke(error))
            if started:
                raise ConnectionAbortedError("an answer broke off") from None
            await refusal_response(BROKEN.of())(scope, receive, send)


async def _whole_body(receive: Receive, limit_bytes: int) -> bytes | None:
    """None when it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit_bytes:
            return None
        if not message.get("more_body", False):
            return bytes(body)
