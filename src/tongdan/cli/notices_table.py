"""Notices as a person reads them, of one order or of many."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from tongdan.cli.language import LANGUAGE, t
from tongdan.cli.output import add_row, table
from tongdan.domain.notices.model import NoticeStage
from tongdan.surfaces import notices
from tongdan.surfaces.words import NOTICE_KINDS, NOTICE_STAGES, local_time, pick

MISSING: Final = ("missing: nobody was told", "缺失：从未通知")


def notices_table(rows: Sequence[notices.NoticeRow]) -> Table:
    why = t("why", "原因")
    columns = (
        t("notice", "通知"), t("of", "内容"), t("stage", "状态"), t("by", "方式"), t("tries", "次数"), why,
        t("event", "发生"),
    )  # fmt: skip
    shown = table(*columns, fold=(why,))
    for row in rows:
        at = local_time(row.happened_at) if row.happened_at is not None else ""
        kind = pick(NOTICE_KINDS[row.kind], LANGUAGE)
        add_row(shown, row.notice, kind, _stage(row.stage), row.means, row.sendings, row.reason, at)
    return shown


def _stage(name: str) -> str:
    return pick(MISSING if name == notices.MISSING else NOTICE_STAGES[NoticeStage[name.upper()]], LANGUAGE)
