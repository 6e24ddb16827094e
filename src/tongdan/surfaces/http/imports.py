"""Files of an ERP over the API: read whole, previewed, and written if nothing in them is wrong or the caller says so.

A request carries at most MAX_IMPORT_BYTES, so that it is answered within seconds and may be repeated; larger files go
in parts, cut where orders end, as `tongdan import` does.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from tongdan.adapters.partners.erp_csv import read_file
from tongdan.adapters.partners.erp_map import ImportMap
from tongdan.adapters.policy_files import ConfError
from tongdan.domain.kernel.messages import RefusalKind
from tongdan.surfaces import imports
from tongdan.surfaces.http.access import SellerWriter
from tongdan.surfaces.http.errors import MAX_IMPORT_BYTES, Refused
from tongdan.surfaces.http.orders import read_instant
from tongdan.surfaces.http.parts import PartsOf

PATH: Final = "/api/v1/imports"

NO_SUCH_MAP: Final = RefusalKind(
    "no-such-import-map",
    404,
    en="There is no usable map {name!r} in conf/imports: {why}. Name a file there, without .yml.",
    zh="conf/imports 中没有可用的映射 {name!r}：{why}。请填写其中的文件名（不含 .yml）。",
)

MapName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]


class FaultShape(BaseModel):
    """`line` counts from 1 with the heading; 0 is the whole file."""

    line: int
    message: str
    message_zh: str


class GroupShape(BaseModel):
    """Orders of one shop in one state."""

    shop: str
    state: str
    orders: int
    lines: int
    amount_fen: int


class RefusedShape(BaseModel):
    what: str = Field(description="The platform's number of the order, or the SKU.")
    error: str
    message: str
    message_zh: str


class ImportedShape(BaseModel):
    """`applied` false: nothing was written. `accepted`, `duplicates` and `refused` are of what was."""

    rows: int
    good: int = Field(description="Orders or counts that can be written.")
    over_rows: int = Field(description="Rows of orders that are no longer open, which are left out.")
    faults: list[FaultShape]
    preview: list[GroupShape]
    applied: bool
    accepted: int = 0
    duplicates: int = 0
    refused: list[RefusedShape] = []


def router_of(load: Callable[[str], ImportMap]) -> APIRouter:
    """`load` gives the map of a name; raises ConfError."""
    router = APIRouter(prefix=PATH, tags=["operations"])

    @router.post(
        "/{name}",
        openapi_extra={
            "requestBody": {
                "content": {
                    kind: {"schema": {"type": "string", "format": "binary"}}
                    for kind in (
                        "text/csv",
                        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                    )
                },
                "description": f"CSV or XLSX, at most {MAX_IMPORT_BYTES} bytes.",
                "required": True,
            }
        },
    )
    async def import_file(
        parts: PartsOf,
        who: SellerWriter,
        request: Request,
        name: MapName,
        apply: bool = False,
        good_rows: Annotated[
            bool, Query(description="Write the good rows of a file that has bad ones.")
        ] = False,
        as_of: Annotated[str, Query(description="RFC 3339: the moment the file speaks of.")] = "",
    ) -> ImportedShape:
        """Check a file of stock counts or orders, and write it with `apply`. The same file again changes nothing.

        校验库存或订单文件；apply=true 时写入。同一文件重复提交不会重复写入。
        """
        moment: datetime | None = read_instant("as_of", as_of) if as_of else None
        try:
            how = load(name)
        except ConfError as error:
            raise Refused(NO_SUCH_MAP.of(name=name, why=str(error))) from None
        raw = await request.body()
        read = await asyncio.to_thread(read_file, raw, how, parts.policy, moment)
        writes = apply and bool(read.messages) and (good_rows or not read.faults)
        told = imports.Told(0, 0, [])
        if writes:
            told = await imports.tell(parts.bus, parts.clock, read.messages, who.name)
        return ImportedShape(
            rows=read.rows,
            good=len(read.messages),
            over_rows=sum(read.over.values()),
            faults=[FaultShape(line=each.line, message=each.en, message_zh=each.zh) for each in read.faults],
            preview=[
                GroupShape(
                    shop=each.shop,
                    state=each.state,
                    orders=each.orders,
                    lines=each.lines,
                    amount_fen=each.amount_fen,
                )
                for each in imports.preview(read.messages)
            ],
            applied=writes,
            accepted=told.accepted,
            duplicates=told.duplicates,
            refused=[
                RefusedShape(what=each.what, error=each.error, message=each.en, message_zh=each.zh)
                for each in told.refused
            ],
        )

    return router
