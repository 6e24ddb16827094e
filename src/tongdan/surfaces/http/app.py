"""The JSON API and the pages, put together. Further routers come in by name; nothing here knows what they serve.

Swagger's page would load its scripts from a foreign host, which a warehouse's network often does not reach; so the
reference at /docs is written here from the same OpenAPI document that /openapi.json gives to programs.
"""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI

import tongdan
from tongdan.surfaces.http import (
    actions,
    audit,
    backfills,
    board,
    bulk,
    confirmations,
    console,
    errors,
    live,
    manual_orders,
    members_api,
    notices,
    operations,
    order_page,
    orders,
    outages,
    push_reference,
    reference,
    search,
    session,
    sign_in,
    tickets,
    widget,
)
from tongdan.surfaces.http.parts import Parts

API: Final = "/api/v1"
_TEXT: Final = """The order centre of a multi-channel seller. Every answer that refuses something has the form
`{"error", "message", "message_zh"}`; `error` is a name that programs may rely on.

多渠道商家的订单中心。所有拒绝应答的格式均为 `{"error", "message", "message_zh"}`，其中 `error` 是程序可依赖的名称。"""


def create_app(
    parts: Parts, *, push_url: str = "http://127.0.0.1:8100", routers: Sequence[APIRouter] = ()
) -> FastAPI:
    """`push_url` is where the push port listens, for the reference; `routers` are served beside the own ones."""
    app = FastAPI(
        title="Tongdan 同单", version=tongdan.__version__, description=_TEXT, docs_url=None, redoc_url=None,
        responses={
            status: {"description": text, "content": {"application/json": {"schema": {"$ref": _ERROR}}}}
            for status, text in _REFUSALS.items()
        },
    )  # fmt: skip
    app.state.parts = parts
    app.add_middleware(errors.Guard)
    errors.install(app)
    for router in (
        search.router,
        manual_orders.router,
        orders.router,
        order_page.router,
        orders.status_router,
        actions.router,
        board.router,
        live.router,
        backfills.router,
        bulk.router,
        confirmations.router,
        notices.router,
        members_api.router,
        tickets.router,
        operations.router,
        outages.router,
        audit.router,
        widget.router,
        operations.open_router,
    ):
        app.include_router(router, prefix=API)
    # Downstream systems ask each other at the root: the same path everywhere.
    app.include_router(orders.status_router, include_in_schema=False)
    app.include_router(session.router)
    app.include_router(sign_in.router)
    app.include_router(widget.open_router)
    app.include_router(reference.router, include_in_schema=False)
    for router in routers:
        app.include_router(router)
    app.router.default = console.Console(console.built())  # whatever nothing else answers is a page
    _with_push_port(app, push_url)
    return app


_ERROR: Final = "#/components/schemas/Error"
_REFUSALS: Final[dict[int | str, str]] = {
    401: "No API key, or one that is not known.",
    403: "The key lacks a scope.",
    404: "There is no such thing; the name says which.",
    422: "A field is wrong; the message names it.",
}


def _with_push_port(app: FastAPI, push_url: str) -> None:
    plain = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            push_reference.add_to(schema, push_url)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]
