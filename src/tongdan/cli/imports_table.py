"""What came of a file, as a person reads it: mistakes by line and column, what its orders are, what was written."""

from typing import Final

import msgspec

from tongdan.adapters.csv_table import Fault
from tongdan.cli.language import LANGUAGE, t
from tongdan.cli.output import add_row, err, out, table
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.surfaces.imports import STATES, Group, Refused
from tongdan.surfaces.words import pick

SHOWN: Final = 50  # mistakes on the screen; --json and --errors have all


class Outcome(msgspec.Struct, frozen=True):
    """What came of a file. `over`: rows of what is no longer open, by status; `applied` False: nothing was written."""

    rows: int
    messages: int
    faults: list[Fault]
    preview: list[Group]
    over: dict[str, int]
    applied: bool
    accepted: int = 0
    duplicates: int = 0
    refused: list[Refused] = []


def print_outcome(outcome: Outcome, *, asked: bool) -> None:
    """`asked`: it was to be written."""
    if outcome.faults:
        line = t("line", "行")
        shown = table(line, t("column", "列"), t("what is wrong", "问题"), right=(line,))
        for fault in outcome.faults[:SHOWN]:
            add_row(shown, fault.line or "", fault.column, pick((fault.en, fault.zh), LANGUAGE))
        out.print(shown)
        if (more := len(outcome.faults) - SHOWN) > 0:
            out.print(t(f"… and {more} more; --json has all.", f"……另有 {more} 处，--json 可看全部。"))
    if outcome.preview:
        _print_preview(outcome.preview)
    for refused in outcome.refused[:SHOWN]:
        out.print(f"{refused.what}: {pick((refused.en, refused.zh), LANGUAGE)}", markup=False)
    err.print(" ".join([_sum(outcome), *_over(outcome), _done(outcome, asked=asked)]))


def _print_preview(groups: list[Group]) -> None:
    titles = t("orders", "订单"), t("lines", "行"), t("yuan", "金额（元）")
    shown = table(t("shop", "店铺"), t("state", "状态"), *titles, right=titles)
    for group in groups:
        state = pick((group.state, STATES.get(group.state, group.state)), LANGUAGE)
        add_row(shown, group.shop, state, group.orders, group.lines, yuan_from_fen(group.amount_fen))
    out.print(shown)


def _sum(outcome: Outcome) -> str:
    return t(
        f"{outcome.rows} rows, {outcome.messages} good, {len(outcome.faults)} mistakes.",
        f"共 {outcome.rows} 行，可导入 {outcome.messages} 条，错误 {len(outcome.faults)} 处。",
    )


def _over(outcome: Outcome) -> list[str]:
    if not outcome.over:
        return []
    told = ", ".join([f"{status} {rows}" for status, rows in outcome.over.items()])
    return [t(f"Left out as no longer open: {told} rows.", f"已不在处理中、略过的行：{told}。")]


def _done(outcome: Outcome, *, asked: bool) -> str:
    if outcome.applied:
        return t(
            f"Written: {outcome.accepted}, known before: {outcome.duplicates}, refused: {len(outcome.refused)}.",
            f"已写入 {outcome.accepted}，此前已有 {outcome.duplicates}，拒绝 {len(outcome.refused)}。",
        )
    if asked:
        return t(
            "Nothing was written: mend the file, or say --good-rows.",
            "未写入任何内容：请修正文件，或加 --good-rows。",
        )
    return t("Nothing was written: --apply does.", "未写入任何内容：加 --apply 写入。")
