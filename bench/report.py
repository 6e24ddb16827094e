"""What a reader is shown of a benchmark: its figures when it is done, and one table of all at the end.

An aim stands here beside its name and nowhere in what measures; whatever falls short of it gets a line of its own, so
that nobody has to look for it.
"""

from collections.abc import Iterable
from typing import Any, Final

UNITS: Final = {
    "intake-own": "orders",
    "burst": "orders",
    "life": "lives",
    "verify": "rows",
    "growth": "facts",
}
AIMS_PER_S: Final = {"intake-own": 12_800.0, "life": 3_000.0}
_COLUMNS: Final = ("", "per second", "aim", "p50 ms", "p99 ms", "CPU µs each", "missing", "doubled")


def figures(found: dict[str, Any]) -> str:
    """Everything about one benchmark, in lines."""
    lines = [
        "",
        f"{found['name']}: {found['per_s']:,.0f} {_unit(found)}/s",
        (
            f"  offered {found['offered']:,.0f}  acknowledged {found['acknowledged']:,.0f}"
            f" = committed {found['committed']:,.0f} = read back {found['read_back']:,.0f}"
            f"  missing {found['missing']} doubled {found['doubled']}"
        ),
        (
            f"  p50 {found['p50_ms']:.1f} ms  p99 {found['p99_ms']:.1f} ms  p99.9 {found['p999_ms']:.1f} ms"
            f"  memory {found['rss_mb']:,.0f} MB  reactions done after {found['drain_s']:.1f} s"
        ),
        *_more(found),
    ]
    if found.get("others_cores", 0.0) > 0.2:
        lines.append(
            f"  other programs took {found['others_cores']:.1f} cores: rates and latencies are theirs too"
        )
    for name, ratio in found["ratios"].items():
        lines.append(f"  {ratio:.3g} × {name} ({found['references'][name]['per_s']:,.0f}/s)")
    if stages := found["cpu_us_by_stage"]:
        lines.append(
            f"  CPU, µs each: {found['cpu_us']:.1f} in the centre, {found['kernel_us']:.1f} in the kernel"
        )
        lines += [f"    {stage:22} {us:9.2f}" for stage, us in stages.items()]
    return "\n".join(lines)


def _more(found: dict[str, Any]) -> Iterable[str]:
    """What only some benchmarks have to tell."""
    if "acknowledged_after_s" in found:
        yield (
            f"  {found['offered_per_s']:,.0f}/s were offered, {found['sustained_per_s']:,.0f}/s are sustained;"
            f" all acknowledged {found['acknowledged_after_s']:.1f} s after the burst"
        )
    if "carried_per_s" in found:
        yield f"  with a window of lives kept going: {found['carried_per_s']:,.0f}/s"
        yield f"  {found['rows'] / found['committed']:.1f} journal rows a life; largest: {', '.join(found['largest'])}"
    if turned_away := found.get("turned_away"):
        yield "  turned away: " + ", ".join(f"{kind} ×{times:,.0f}" for kind, times in turned_away.items())
    if "generator_cores" in found:
        yield f"  the load itself took {found['generator_cores']:.2f} cores"


def table(all_found: list[dict[str, Any]]) -> str:
    """One row a benchmark; below it a line for each aim that was not reached."""
    rows = [_COLUMNS, *map(_row, all_found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(["", *lines, "", *shortfalls(all_found)])


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    aim = AIMS_PER_S.get(found["name"])
    return (
        found["name"],
        f"{found['per_s']:,.0f} {_unit(found)}",
        f"{aim:,.0f}" if aim else "",
        *(f"{found[key]:,.1f}" if found[key] else "" for key in ("p50_ms", "p99_ms", "cpu_us")),
        f"{found['missing']}",
        f"{found['doubled']}",
    )


def shortfalls(all_found: list[dict[str, Any]]) -> list[str]:
    lines = []
    for found in all_found:
        name, aim = found["name"], AIMS_PER_S.get(found["name"], 0.0)
        if found["per_s"] < aim:
            lines.append(
                f"SHORT  {name}: {found['per_s']:,.0f}/s of {aim:,.0f}/s, {found['per_s'] / aim:.2f} of the aim"
            )
        if found["missing"] or found["doubled"]:
            lines.append(f"LOST   {name}: {found['missing']} missing, {found['doubled']} doubled")
    return lines


def _unit(found: dict[str, Any]) -> str:
    return UNITS.get(found["name"], "notices")
