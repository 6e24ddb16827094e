"""`tongdan members`: the people who may sign in to the console. A running centre notices a change by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, DataOption, JsonOption
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.profile import MEMBERS
from tongdan.surfaces.http.members import Hidden, Members, Role
from tongdan.surfaces.http.owner_file import FileRefused
from tongdan.surfaces.words import local_time, pick

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Add, list, change and bar members of the console.", "新增、列出、更改、停用控制台成员。"),
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=t("The member's name.", "成员名。"))]
PasswordOption = Annotated[
    str,
    typer.Option(
        prompt=True, confirmation_prompt=True, hide_input=True, envvar="TONGDAN_PASSWORD",
        help=t("Asked for when it is not given.", "未给出时会询问。"),
    ),
]  # fmt: skip
ShopsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--shop", help=t("Only this shop; may be repeated.", "仅此店铺；可重复。"), show_default=False
    ),
]

WarehousesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--warehouse",
        help=t("Only this warehouse; may be repeated.", "仅此仓库；可重复。"),
        show_default=False,
    ),
]
HidesOption = Annotated[
    list[Hidden] | None,
    typer.Option(
        "--hide", show_default=False,
        help=t("Not shown, though the role would; may be repeated.", "角色可见但对其隐藏；可重复。"),
    ),
]  # fmt: skip
RefundLimitOption = Annotated[
    int | None,
    typer.Option(
        min=0, max=MAX_FEN, metavar="FEN", show_default=False,
        help=t("The most that goes back of one order; else no limit.", "每单最多可退金额（分）；默认不限。"),
    ),
]  # fmt: skip


@app.command(
    help=teach(
        """Add a member.

Roles: operations (look, hold, cancel, change, pay back, dead letters), warehouse (look, pack), service (look, hold,
cancel, change, see personal data), finance (look, pay back), admin (everything, members too). Who works for some shops
or warehouses only sees and does nothing of others, and nothing that concerns them all.""",
        """新增成员。

角色：operations（查看、挂起、取消、变更、退款、死信）、warehouse（查看、打包）、service（查看、挂起、取消、变更、查看个人信息）、finance（查看、退款）、
admin（全部权限，包括成员管理）。限定店铺或仓库的成员只能查看和操作其中的订单，也不能执行涉及全部的操作。""",
        "tongdan members add chen --role admin",
        "tongdan members add li --role service --shop mp-main",
        "tongdan members add wang --role finance --refund-limit 50000",
        "tongdan members add zhao --role warehouse --warehouse WH-EAST",
    )
)
def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option("--role", help=t("What they may do.", "可以做什么。"))],
    password: PasswordOption,
    shop: ShopsOption = None,
    refund_limit: RefundLimitOption = None,
    warehouse: WarehousesOption = None,
    hide: HidesOption = None,
    data: DataOption = DATA,
) -> None:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _members(data) as members:
        members.add(
            name, role, password, SystemClock().now(), shop or (), refund_limit, warehouse or (), hide or ()
        )
    err.print(t(f"{name} may sign in as {role}.", f"{name} 可以以 {role} 身份登录。"))


@app.command(
    "list",
    help=teach("List the members.", "列出成员。", "tongdan members list", "tongdan members list --json"),
)
def list_members(data: DataOption = DATA, json: JsonOption = False) -> None:
    with _members(data) as members:
        known = members.all()
    if json:
        fields = ("name", "role", "shops", "warehouses", "hides", "refund_limit_fen", "barred", "created_at")
        emit([{field: getattr(member, field) for field in fields} for member in known])
        return
    shown = table(
        t("name", "成员名"), t("role", "角色"), t("shops", "店铺"), t("barred", "停用"), t("made", "创建")
    )
    for member in known:
        barred = t("yes", "是") if member.barred else ""
        add_row(
            shown, member.name, member.role, ", ".join(member.shops), barred, local_time(member.created_at)
        )
    out.print(shown)


@app.command(
    help=teach("Give a member a new password.", "为成员设置新密码。", "tongdan members password chen")
)
def password(name: NameArgument, password: PasswordOption, data: DataOption = DATA) -> None:
    with _members(data) as members:
        members.change(name, password=password)
    err.print(t(f"{name} has to sign in anew.", f"{name} 需要重新登录。"))


@app.command(
    help=teach(
        "Bar a member: every session ends at once. --undo lets them in again.",
        "停用成员：其全部登录立即失效。--undo 恢复。",
        "tongdan members bar li",
        "tongdan members bar li --undo",
    )
)
def bar(
    name: NameArgument,
    undo: Annotated[bool, typer.Option("--undo", help=t("Let them in again.", "恢复登录。"))] = False,
    data: DataOption = DATA,
) -> None:
    with _members(data) as members:
        members.change(name, barred=not undo)
    err.print(
        t(f"{name} may sign in.", f"{name} 可以登录。")
        if undo
        else t(f"{name} is barred.", f"{name} 已停用。")
    )


@contextmanager
def _members(data: Path) -> Iterator[Members]:
    """Exits with 2 when they cannot be used or changed so."""
    try:
        yield Members(data / MEMBERS)
    except FileRefused as refused:
        fail(pick((refused.en, refused.zh), LANGUAGE))
