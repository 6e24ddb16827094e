"""Files of an ERP over the API: read whole, previewed, and written if nothing in them is wrong or the caller says so.

A request carries at most MAX_IMPORT_BYTES, so that it is answered within seconds and may be repeated; larger files go
in parts, cut where orders end, as `tongdan import` does. A page that shows how far it is sends the whole file again and
has a part of its messages written each time, which is safe because none is written twice.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from tongdan.adapters.csv_table import write_csv
from tongdan.adapters.partners.erp_csv import read_file
from tongdan.adapters.partners.erp_map import FIELDS, ImportMap, needs_as_of
from tongdan.adapters.policy_files import ConfError
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.domain.kernel.messages import RefusalKind
from tongdan.surfaces import imports, order_file
from tongdan.surfaces.http.access import SellerWriter, demand
from tongdan.surfaces.http.errors import MAX_IMPORT_BYTES, Refused
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.orders import read_instant
from tongdan.surfaces.http.parts import PartsOf

PATH: Final = "/api/v1/imports"
ENTERED: Final = ("manual-orders",)  # kinds that need the right to enter orders by hand

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
    column: str = Field(description='The heading of the column; "" where it is not one column\'s.')
    message: str
    message_zh: str


class GroupShape(BaseModel):
    """Orders of one shop in one state."""

    shop: str
    state: str
    state_zh: str
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
    next: int | None = Field(
        None, description="Pass as `begin` to have the next part written; null after the last."
    )
    accepted: int = 0
    duplicates: int = 0
    refused: list[RefusedShape] = []


class ColumnShape(BaseModel):
    headings: list[str] = Field(description="What it may be called; a template has the first.")
    needed: bool = Field(description="False: the file may do without it, or leave it empty.")
    values: list[str] = Field(description="What may stand in it; none named: anything that fits.")


class MapShape(BaseModel):
    name: str
    kind: str
    shop: str = Field(description='Whose orders; "" where each row says it, and of stock.')
    needs_as_of: bool = Field(description="The file does not say when it was made: say `as_of`.")
    columns: list[ColumnShape]


def router_of(load: Callable[[str], ImportMap], names: Callable[[], list[str]]) -> APIRouter:
    """`load` gives the map of a name; raises ConfError. `names` are those there are."""
    router = APIRouter(prefix=PATH, tags=["operations"])

    def named(who: Principal, name: str) -> ImportMap:
        try:
            how = load(name)
        except ConfError as error:
            raise Refused(NO_SUCH_MAP.of(name=name, why=str(error))) from None
        if how.kind in ENTERED:
            demand(who, Scope.OPERATE)
        return how

    @router.get("")
    async def list_maps(who: SellerWriter, parts: PartsOf) -> list[MapShape]:
        """The kinds of files that can be imported. One whose map is broken is left out.

        可导入的文件种类；映射有误的不列出。
        """
        found = []
        for name in names():
            with suppress(ConfError):
                how = load(name)
                if how.kind not in ENTERED or Scope.OPERATE in who.scopes:
                    found.append(_shown(name, how))
        return found

    @router.get("/{name}/template", response_class=Response)
    async def template(
        who: SellerWriter, parts: PartsOf, name: MapName, form: Literal["csv", "xlsx"] = "xlsx"
    ) -> Response:
        """An empty file with the headings of a map.

        空白模板文件，含映射的列名。
        """
        heading = [names[0] for names in _headings(named(who, name)).values()]
        content = write_xlsx([heading]) if form == "xlsx" else write_csv([heading])
        headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
        return Response(content, media_type=order_file.TYPES[form], headers=headers)

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
        begin: Annotated[int, Query(ge=0, description="Write from this order or count on.")] = 0,
        count: Annotated[int, Query(ge=0, description="At most so many; 0: all.")] = 0,
    ) -> ImportedShape:
        """Check a file of stock counts or orders, and write it with `apply`. The same file again changes nothing.

        校验库存或订单文件；apply=true 时写入。同一文件重复提交不会重复写入。
        """
        moment: datetime | None = read_instant("as_of", as_of) if as_of else None
        how = named(who, name)
        whole = await asyncio.to_thread(read_file, await request.body(), how, parts.policy, moment)
        part = imports.part_of(whole, begin, count)
        read = imports.checked(part, parts.reads, parts.policy, how, parts.clock.now())
        writes = apply and bool(read.messages) and (good_rows or not read.faults)
        told = imports.Told(0, 0, [])
        if writes:
            told = await imports.tell(parts.bus, parts.clock, read.messages, who.name)
        after = begin + len(part.messages)
        return ImportedShape(
            rows=read.rows,
            good=len(read.messages),
            over_rows=sum(read.over.values()),
            faults=[
                FaultShape(line=each.line, column=each.column, message=each.en, message_zh=each.zh)
                for each in read.faults
            ],
            preview=[
                GroupShape(
                    shop=each.shop,
                    state=each.state,
                    state_zh=imports.STATES.get(each.state, each.state),
                    orders=each.orders,
                    lines=each.lines,
                    amount_fen=each.amount_fen,
                )
                for each in imports.preview(read.messages)
            ],
            applied=writes,
            next=after if after < len(whole.messages) else None,
            accepted=told.accepted,
            duplicates=told.duplicates,
            refused=[
                RefusedShape(what=each.what, error=each.error, message=each.en, message_zh=each.zh)
                for each in told.refused
            ],
        )

    return router


def _headings(how: ImportMap) -> dict[str, list[str]]:
    """Field → what its column may be called."""
    return {field: [names] if isinstance(names, str) else list(names) for field, names in how.columns.items()}


def _shown(name: str, how: ImportMap) -> MapShape:
    return MapShape(
        name=name,
        kind=how.kind,
        shop=how.shop,
        needs_as_of=needs_as_of(how),
        columns=[
            ColumnShape(
                headings=headings,
                needed=field in FIELDS[how.kind].must,
                values=list(how.values.get(field, how.states if field == "status" else ())),
            )
            for field, headings in _headings(how).items()
        ],
    )
