"""`python -m bench [MEASURES] [--quick]`: run benchmarks, print their figures, write build/bench/NAME.json.

Exits with 1 when something acknowledged is missing or doubled, 2 on a wrong name.
"""

import argparse
import json
import sys
from typing import Any, Final

from bench import intake, life, verify
from bench.processes import ROOT, Failed
from bench.wire import WORKLOADS

MEASURES: Final = {**dict.fromkeys(WORKLOADS, intake.measure), "life": life.measure, "verify": verify.measure}
_OUT: Final = ROOT / "build" / "bench"


def main() -> int:
    options = _options()
    settings = intake.Settings()
    if options.quick:
        settings = settings._replace(rounds=1, seconds=3.0)
    settings = settings._replace(
        **{
            key: value
            for key in ("rounds", "seconds", "connections", "processes")
            if (value := getattr(options, key)) is not None
        }
    )
    lost = False
    for name in options.names or MEASURES:
        try:
            found = MEASURES[name](name, settings)
        except Failed as failure:
            print(f"{name}: {failure}", file=sys.stderr)
            return 1
        _OUT.mkdir(parents=True, exist_ok=True)
        (_OUT / f"{name}.json").write_text(json.dumps(_rounded(found), indent=2, ensure_ascii=False) + "\n")
        print(_report(found))
        lost = lost or bool(found["missing"] or found["doubled"])
    return int(lost)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MEASURES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="one short round: a look, not a figure")
    parser.add_argument("--rounds", type=int, help="rounds whose median counts (default 3)")
    parser.add_argument("--seconds", type=float, help="length of one load (default 6)")
    parser.add_argument("--connections", type=int, help="requests in flight (default 512)")
    parser.add_argument("--processes", type=int, help="of the centre (default: what `tongdan serve` takes)")
    options = parser.parse_args()
    if wrong := set(options.names) - set(MEASURES):
        parser.error(f"no benchmark {', '.join(sorted(wrong))}; there are {', '.join(MEASURES)}")
    return options


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


def _report(found: dict[str, Any]) -> str:
    what = "rows" if found["name"] == "verify" else "orders" if found["name"] == "intake-own" else "notices"
    lines = [
        "",
        f"{found['name']}: {found['per_s']:,.0f} {what}/s",
        (
            f"  offered {found['offered']:,.0f}  acknowledged {found['acknowledged']:,.0f}"
            f" = committed {found['committed']:,.0f} = read back {found['read_back']:,.0f}"
            f"  missing {found['missing']} doubled {found['doubled']}"
        ),
        (
            f"  p50 {found['p50_ms']:.1f} ms  p99 {found['p99_ms']:.1f} ms  p99.9 {found['p999_ms']:.1f} ms"
            f"  memory {found['rss_mb']:,.0f} MB  reactions done after {found['drain_s']:.1f} s"
        ),
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
        lines += [f"    {stage:22} {us:7.2f}" for stage, us in stages.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
