"""`python -m bench [NAMES] [--quick]`: run benchmarks, print their figures, write build/bench/NAME.json.

A table of all stands at the end, with a line for each figure that falls short of its aim. Exits with 1 when something
acknowledged is missing or doubled or a benchmark failed, 2 on a wrong name.
"""

import argparse
import json
import sys
from typing import Any, Final

from bench import burst, growth, intake, life, report, verify
from bench.processes import ROOT, Failed
from bench.wire import WORKLOADS

MEASURES: Final = {
    **dict.fromkeys(WORKLOADS, intake.measure),
    "burst": burst.measure,
    "life": life.measure,
    "verify": verify.measure,
    "growth": growth.measure,
}
_OUT: Final = ROOT / "build" / "bench"


def main() -> int:
    options = _options()
    settings = intake.Settings()
    if options.quick:
        settings = settings._replace(rounds=1, seconds=3.0)
    settings = settings._replace(
        **{
            key: value
            for key in ("rounds", "seconds", "connections", "processes", "facts")
            if (value := getattr(options, key)) is not None
        }
    )
    all_found, failed = [], []
    for name in options.names or MEASURES:
        try:
            found = _rounded(MEASURES[name](name, settings))
        except Failed as failure:
            failed.append(f"FAILED {name}: {failure}")
            print(failed[-1], file=sys.stderr)
            continue
        _OUT.mkdir(parents=True, exist_ok=True)
        (_OUT / f"{name}.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        print(report.figures(found), flush=True)
        all_found.append(found)
    print(report.table(all_found))
    print(*failed, sep="\n")
    return int(bool(failed) or any(found["missing"] or found["doubled"] for found in all_found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MEASURES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="one short round: a look, not a figure")
    parser.add_argument("--rounds", type=int, help="rounds whose median counts (default 3)")
    parser.add_argument("--seconds", type=float, help="length of one load (default 6)")
    parser.add_argument("--connections", type=int, help="requests in flight (default 512)")
    parser.add_argument("--processes", type=int, help="of the centre (default: what `tongdan serve` takes)")
    parser.add_argument("--facts", type=int, help="that growth writes (default 1000000)")
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


if __name__ == "__main__":
    raise SystemExit(main())
