"""What a demo shows: how the day goes, and at its end the two equations with everyone who breaks them."""

from collections.abc import Mapping
from typing import Final

from rich.live import Live
from rich.text import Text

from tongdan.cli.language import LANGUAGE, t
from tongdan.cli.output import add_row, err, out, table
from tongdan.cli.words import status_word
from tongdan.labs.world.report import Ledger
from tongdan.labs.world.world import World
from tongdan.profile import Centre
from tongdan.surfaces.words import pick

EVERY_S: Final = 0.5
LINE_EVERY_S: Final = 10.0  # where no terminal is watching
OFFENDERS: Final = 20


class Watch:
    """The day while it goes: a line that stays up to date, or on no terminal a line now and then."""

    def __init__(self, world: World, centre: Centre, speed: float) -> None:
        self._world: Final = world
        self._centre: Final = centre
        self._speed: Final = speed
        self._began_s: Final = centre.clock.monotonic()

    def busy(self) -> bool:
        """Whether the centre still has something to do at once."""
        counts = self._centre.reads.counts()
        return bool(
            counts["backlog"] or counts["relay_lag"] or counts["effects_outstanding"] > counts["dead_letters"]
        )

    async def show(self) -> None:
        if not err.is_terminal:
            while True:
                await self._centre.clock.sleep(LINE_EVERY_S)
                err.print(self._line(), soft_wrap=True)
        with Live(self._line(), console=err, transient=True, auto_refresh=False) as live:
            while True:
                await self._centre.clock.sleep(EVERY_S)
                live.update(self._line(), refresh=True)

    def _line(self) -> Text:
        counts, passed_s = self._centre.reads.counts(), self._centre.clock.monotonic() - self._began_s
        days, hours = divmod(passed_s * self._speed / 3_600, 24)
        parts = [
            t(f"day {int(days) + 1}, {int(hours):02d} h", f"第 {int(days) + 1} 天 {int(hours):02d} 时"),
            f"{counts['orders']} " + t("orders", "张订单"),
            *(f"{status_word(code)} {n}" for code, n in _by_status(counts)),
            f"{len(self._world.faults.injected)} " + t("faults", "个故障"),
            f"{counts['tickets_open']} " + t("open tickets", "张工单"),
        ]
        return Text("  ·  ".join(parts))


def _by_status(counts: Mapping[str, int]) -> list[tuple[int, int]]:
    name = "orders_status_"
    return sorted((int(key.removeprefix(name)), n) for key, n in counts.items() if key.startswith(name) and n)


def print_ledger(ledger: Ledger) -> None:
    """The equations, what the faults were, and whoever is left over."""
    _print_channels(ledger)
    out.print()
    _print_faults(ledger)
    out.print()
    _print_equation(
        t("orders born = in the centre + refused by name", "产生的订单 = 在中心 + 指名拒绝"),
        ledger.born,
        ledger.in_centre,
        sum(ledger.refused.values()),
    )
    for name, times in ledger.refused.items():
        out.print(f"    {name} {times}", markup=False)
    _print_equation(
        t("faults injected = healed + open tickets", "注入的故障 = 自愈 + 未关闭工单"),
        ledger.injected, ledger.healed, ledger.open_tickets,
    )  # fmt: skip
    for offender in ledger.offenders[:OFFENDERS]:
        what = t(offender.what, offender.zh)
        err.print(Text(f"  {offender.order} {offender.id}: {what} {offender.detail}", style="red"))
    if (more := len(ledger.offenders) - OFFENDERS) > 0:
        err.print(Text(t(f"  ... and {more} more", f"  ……另有 {more} 处"), style="red"))
    if not ledger.quiet:
        err.print(Text(t("The day did not come to rest in time.", "这一天未能按时结束。"), style="red"))
    out.print(
        Text(t("Both hold.", "两式成立。"), style="green")
        if ledger.holds
        else Text(t("It does NOT hold.", "不成立。"), style="red")
    )


def _print_equation(name: str, whole: int, one: int, other: int) -> None:
    out.print(f"{name}:  {whole} {'=' if whole == one + other else '≠'} {one} + {other}", markup=False)


def _print_channels(ledger: Ledger) -> None:
    columns = (
        t("born", "产生"),
        t("in the centre", "在中心"),
        t("refused", "拒绝"),
        t("with a fault", "遇故障"),
        t("messages", "消息"),
        t("parcels told", "已回传包裹"),
    )
    shown = table(t("channel", "渠道"), *columns, right=columns)
    for one in ledger.channels:
        name = f"{one.code} {pick((one.en, one.zh), LANGUAGE)}"
        add_row(shown, name, one.born, one.in_centre, one.refused, one.faults, one.pushed, one.told)
    out.print(shown)


def _print_faults(ledger: Ledger) -> None:
    columns = (t("injected", "注入"), t("healed", "自愈"), t("tickets", "工单"))
    shown = table(t("fault", "故障"), *columns, right=columns)
    for count in ledger.faults:
        add_row(shown, pick((count.en, count.zh), LANGUAGE), count.injected, count.healed, count.open_tickets)
    out.print(shown)
