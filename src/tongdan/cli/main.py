"""`tongdan`: the commands put together. Each group lives in its own file; this one only lists them."""

from typing import Annotated, Final

import typer

import tongdan
from tongdan.cli import (
    after_sales,
    archive,
    backfill,
    backup,
    catalog,
    catalog_files,
    compensation,
    confirmations,
    create,
    credentials,
    dead_letters,
    demo,
    erase,
    export,
    find,
    gifts,
    health,
    holds,
    imports,
    incident,
    intercept,
    keys,
    labels,
    members,
    notices,
    orders,
    pulse,
    quarantine,
    quotas,
    reconcile,
    refunds,
    reissues,
    repairs,
    restore,
    serve,
    settlement,
    shipments,
    slots,
    tickets,
    timeline,
    verify,
    waybills,
    widget,
)
from tongdan.cli.language import prose, t

app: Final = typer.Typer(
    name="tongdan",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a local may hold somebody's address
    rich_markup_mode="rich",
    help=prose(
        """Tongdan: the order centre of a multi-channel seller.

Start with `tongdan demo`: it runs a day of orders with faults through an order centre on this machine, says what
happened, and keeps serving. `tongdan COMMAND --help` explains every command with examples.

Exit codes: 0 it holds, 1 it does not, 2 the command was used wrongly.""",
        """同单：多渠道商家的订单中心。

先试 tongdan demo：在本机让一天的订单（含故障）走完订单中心，说明发生了什么，并继续提供服务。
tongdan 命令 --help 有每个命令的说明和示例。

退出码：0 成立，1 不成立，2 用法有误。""",
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tongdan {tongdan.__version__}")
        raise typer.Exit


@app.callback()
def root(
    lang: Annotated[
        str,
        typer.Option(
            "--lang", metavar="zh|en", help=t("Language; default from the locale.", "语言；默认取自系统。")
        ),
    ] = "",
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help=t("Print the version.", "显示版本。")
        ),
    ] = False,
) -> None:
    """Read by `language` before the help texts were made; declared so that it is accepted and explained."""


app.command("demo", help=demo.HELP)(demo.demo)
app.command("serve", help=serve.HELP)(serve.serve)
orders.app.command("create", help=create.HELP)(create.create)
orders.app.command("find", help=find.HELP)(find.find)
orders.app.command("timeline", help=timeline.HELP)(timeline.timeline)
orders.app.command("refund", help=refunds.HELP)(refunds.refund)
orders.app.command("confirm", help=confirmations.CONFIRM)(confirmations.confirm)
orders.app.command("withdraw", help=confirmations.WITHDRAW)(confirmations.withdraw)
orders.app.command("reissue", help=reissues.HELP)(reissues.reissue)
app.add_typer(orders.app, name="order")
shipments.app.command("intercept", help=intercept.HELP)(intercept.intercept)
app.add_typer(confirmations.app, name="recovery")
app.add_typer(shipments.app, name="shipment")
app.add_typer(after_sales.app, name="aftersale")
waybills.app.command("print", help=labels.HELP)(labels.print_labels)
app.add_typer(waybills.app, name="waybill")
app.command("verify", help=verify.HELP)(verify.verify)
app.command("tickets", help=tickets.HELP)(tickets.tickets)
app.add_typer(pulse.app, name="pulse")
app.command("repair", help=repairs.HELP)(repairs.repair)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(quarantine.app, name="quarantine")
app.command("backfill", help=backfill.HELP)(backfill.backfill)
app.add_typer(incident.app, name="incident")
app.command("reconcile", help=reconcile.HELP)(reconcile.reconcile)
app.add_typer(settlement.app, name="settlement")
app.command("archive", help=archive.HELP)(archive.archive)
app.command("export", help=export.HELP)(export.export)
app.add_typer(imports.app, name="import")
catalog.app.command("import", help=catalog_files.IMPORT)(catalog_files.import_file)
catalog.app.command("export", help=catalog_files.EXPORT)(catalog_files.export)
app.add_typer(catalog.app, name="catalog")
app.add_typer(holds.app, name="holds")
app.add_typer(notices.app, name="notices")
app.add_typer(gifts.app, name="gifts")
app.add_typer(quotas.app, name="quotas")
app.add_typer(quotas.stock, name="stock")
app.add_typer(keys.app, name="keys")
app.add_typer(members.app, name="members")
app.add_typer(credentials.app, name="credential")
app.add_typer(health.app, name="health")
app.add_typer(compensation.app, name="compensation")
app.add_typer(slots.app, name="slots")
app.add_typer(widget.app, name="widget")
app.command("erase", help=erase.HELP)(erase.erase)
app.command("backup", help=backup.HELP)(backup.backup)
app.command("restore", help=restore.HELP)(restore.restore)
