"""`tongdan gifts`: the rules that are in force, and what rules would give. Nothing here changes anything."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.policy_files import GIFTS, ConfError, load_gifts
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.orders import find_order
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, ShopOption, conf_dir
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.gifts import GiftRule
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.kernel.policy import Shop
from tongdan.surfaces.gifts import Preview, given, placed_since, preview
from tongdan.surfaces.looking import MAX_READ
from tongdan.surfaces.words import local_time, pick

MAX_DAYS: Final = 90
SHOWN: Final = 20  # orders of one preview, where no JSON is asked for

app: Final = typer.Typer(
    no_args_is_help=True, help=t("Gift rules, and what they would give.", "赠品规则及其效果预览。")
)


@app.command(
    "list",
    help=teach(
        "List the gift rules in force, and how often a limited one has given.",
        "列出生效中的赠品规则，以及限量规则已赠次数。",
        "tongdan gifts list",
        "tongdan gifts list --json",
    ),
)
def list_rules(data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        rules = reading.policy().gifts
        counts = [given(reading.reads, rule) for rule in rules]
    if json:
        emit(
            [
                {"rule": rule, "given": n if rule.limit_times else None}
                for rule, n in zip(rules, counts, strict=True)
            ]
        )
        return
    if not rules:
        out.print(t("There are no gift rules.", "没有赠品规则。"))
        return
    words = t("gives", "赠品")
    asks = t("for", "条件")
    shown = table(
        t("rule", "规则"), t("name", "名称"), asks, words, t("period", "期间"), t("given", "已赠"), fold=(words, asks)
    )  # fmt: skip
    for rule, n in zip(rules, counts, strict=True):
        presents = ", ".join(f"{one.sku} × {one.units}" for one in rule.gifts)
        name = pick((rule.name_en, rule.name_zh), LANGUAGE)
        off = "" if rule.active else t(" (off)", "（停用）")
        limit = f"{n} / {rule.limit_times}" if rule.limit_times else ""
        add_row(shown, rule.name + off, name, _asks(rule), presents, _period(rule), limit)
    out.print(shown)


def _asks(rule: GiftRule) -> str:
    parts = []
    if rule.units_from:
        parts.append(t(f"{rule.units_from} units", f"满 {rule.units_from} 件"))
    if rule.amount_from_fen:
        yuan = yuan_from_fen(rule.amount_from_fen)
        parts.append(t(f"{yuan} yuan", f"满 {yuan} 元"))
    of = t(" of ", "，限 ") + ", ".join(rule.skus) if rule.skus else ""
    times = t(f", up to {rule.at_most_times}×", f"，最多 {rule.at_most_times} 次") if rule.repeats else ""
    return t(" and ", "且").join(parts) + of + times


def _period(rule: GiftRule) -> str:
    ends = [local_time(at) if at is not None else "…" for at in (rule.since, rule.until)]
    return "" if ends == ["…", "…"] else f"{ends[0]} – {ends[1]}"


@app.command(
    "preview",
    help=teach(
        """Show what gift rules would give to orders, and what is in force stays.

The rules are those of --rules, a file like conf/gifts.yml, or conf/gifts.yml itself. They are tried on the orders
named, or on those placed in the last days. Orders keep the gifts they have: (has) marks what they have been given.""",
        """预览赠品规则的效果；生效中的规则不变。

规则取自 --rules（格式同 conf/gifts.yml），默认为 conf/gifts.yml。对指定订单或最近几天的订单试算。
已有赠品的订单不受影响；（已赠）表示已按该规则赠送。""",
        "tongdan gifts preview --days 7",
        "tongdan gifts preview --rules new-gifts.yml --shop mp-main --days 3 --json",
        "tongdan gifts preview DY20260127000892",
    ),
)
def preview_rules(
    orders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ORDER...]", help=t("Order ids; none: recent ones.", "订单号；不写则为近期订单。")
        ),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help=t("A file of gift rules.", "赠品规则文件。"))
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=MAX_DAYS, help=t("How far back.", "回看天数。"))
    ] = 7,
    data: DataOption = DATA,
    conf: ConfOption = None,
    shop: ShopOption = "",
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        tried = _rules(rules, conf, reading.policy().shops)
        since = SystemClock().now() - timedelta(days=days)
        found = (
            [find_order(reading, id, shop) for id in orders]
            if orders
            else placed_since(reading.reads, since, shop)
        )
        result = preview(found, tried)
    if json:
        emit(result)
        return
    _print(result, tried)


def _rules(file: Path | None, conf: Path | None, shops: dict[str, Shop]) -> tuple[GiftRule, ...]:
    """Exits with 1 when a rule cannot be meant, with 2 when there is no such file."""
    if file is not None and not file.is_file():
        fail(t(f"There is no file {file} (--rules).", f"文件 {file} 不存在（--rules）。"))
    try:
        return load_gifts(file or conf_dir(conf) / GIFTS, shops)
    except ConfError as error:
        fail(str(error), DOES_NOT_HOLD)


def _print(result: Preview, rules: Sequence[GiftRule]) -> None:
    orders, units = t("orders", "订单"), t("units", "件")
    by_rule = table(t("rule", "规则"), orders, t("times", "次数"), right=(orders,))
    for rule in rules:
        times = [each.times for each in result.would if each.rule == rule.name]
        off = "" if rule.active else t(" (off)", "（停用）")
        add_row(by_rule, rule.name + off, len(times), sum(times))
    out.print(by_rule)
    if result.would:
        gifts = table(t("gift", "赠品"), units, right=(units,))
        for sku, n in result.units.items():
            add_row(gifts, sku, n)
        out.print(gifts)
        some = table("id", t("rule", "规则"), t("gets", "获赠"))
        for each in result.would[:SHOWN]:
            has = t(" (has)", "（已赠）") if each.has else ""
            add_row(some, each.order, each.rule, ", ".join(f"{g.sku} × {g.units}" for g in each.gifts) + has)
        out.print(some)
        if (more := len(result.would) - SHOWN) > 0:
            out.print(t(f"… and {more} more; --json lists all.", f"……另有 {more} 项；--json 列出全部。"))
    said = t(f"{result.orders} orders were tried", f"已试算 {result.orders} 张订单")
    untold = (
        t(f", {result.untold} are not matched yet", f"，{result.untold} 张尚未匹配") if result.untold else ""
    )
    err.print(said + untold + t(f"; at most {MAX_READ} are looked through.", f"；最多查看 {MAX_READ} 张。"))
