"""A burst of 83 seconds at twice what the centre sustains, from clients that obey it, and what comes after.

What intake sustains is measured first, in the same run and with the same orders. The burst's length is that of the
promotion after which the first orders were lost. Counted are: how long until everything that was offered is
acknowledged, how long until every fact has had its reactions, what was refused and how often, and, by the clients'
own order numbers in the journal, whether anything is missing or there twice. `tongdan verify` has to find nothing.
"""

import json
from pathlib import Path
from typing import Any, Final

from bench.centre import Centre
from bench.crowd import Burst
from bench.intake import Settings, preparing, run_once, scratch
from bench.processes import Failed, Process, busy_cpu_s, machine, python
from bench.services import AppendFile, PlainService, Service
from bench.verify import verified
from bench.wire import WORKLOADS, own_native

BURST_S: Final = 83.0
QUICK_S: Final = 10.0
REFERENCE_S: Final = 10.0  # references have nothing to show in more
TWICE: Final = 2.0
LAST_S: Final = 900.0  # how long the last acknowledgement is waited for
CONNECTIONS: Final = 900
DEPTH: Final = 128  # requests in flight on a connection: together more than the centre's queues take
_MOST_PER_S: Final = 26_000  # requests prepared to find out what is sustained


def measure(name: str, settings: Settings) -> dict[str, Any]:
    """The benchmark in full, once; see README.md for the keys. Raises Failed."""
    work = WORKLOADS["intake-own"]
    most = int(settings.seconds * _MOST_PER_S)
    centre = Centre(work, settings.connections, most, settings.processes)
    plain = PlainService(centre.keys, 1)
    with scratch("prepared") as prepared, scratch("crowd") as place:
        centre.prepare(prepared)
        with preparing(work, [centre, plain], centre.keys, "b0") as generator:
            sustained = {each.name: run_once(each, generator, settings)["per_s"] for each in (centre, plain)}
        print(f"  {name}: {sustained['centre']:,.0f}/s are sustained", flush=True)
        path = f"/own/{centre.keys.id}/orders"
        crowd = Process(python("bench.crowd", path, centre.keys.secret), place / "crowd.txt")
        try:
            crowd.line("ready", 60)
            per_s = TWICE * sustained["centre"]
            seconds = BURST_S if settings.rounds > 1 else QUICK_S
            found = _burst(crowd, place, centre, per_s, seconds, DEPTH)
            references = {
                "append_file": _burst(crowd, place, AppendFile(CONNECTIONS, 1), per_s, REFERENCE_S, DEPTH),
                "plain_service": _burst(
                    crowd, place, plain, TWICE * sustained["plain_service"], REFERENCE_S, 1
                ),
            }
        finally:
            crowd.stop()
    kept = ("per_s", "offered_per_s", "p50_ms", "p99_ms", "acknowledged_after_s", "cpu_us")
    found["references"] = {key: {each: value[each] for each in kept} for key, value in references.items()}
    found["ratios"] = {key: found["per_s"] / value["per_s"] for key, value in references.items()}
    found |= {"name": name, "sustained_per_s": sustained["centre"], "cpu_us_by_stage": {}}
    more = {"burst_s": seconds, "connections": CONNECTIONS, "depth": DEPTH}
    return found | {"settings": settings._asdict() | more, "machine": machine()}


def _burst(
    crowd: Process, place: Path, service: Service, per_s: float, seconds: float, depth: int
) -> dict[str, Any]:
    """Start a service, let the burst happen, let it drain, end it, read back what it keeps. Raises Failed."""
    answered = place / "answered"
    with scratch(service.name) as home:
        process, port = service.start(home)
        try:
            before, busy = process.usage(), busy_cpu_s()
            lines = CONNECTIONS if depth > 1 else service.connections
            burst = Burst(port, "b1", per_s, seconds, LAST_S, lines, depth, str(answered))
            crowd.say(json.dumps(burst._asdict()))
            found = _followed(crowd, service, seconds + LAST_S + 60)
            used = process.usage().since(before).cpu_s
            others = (busy_cpu_s() - busy - used) / found["took_s"] - found["generator_cores"]
            found |= {"others_cores": max(0.0, others), "drain_s": service.drain(process)}
            found |= {"rss_mb": process.peak_mb(), "processes": process.processes()}
            whole = process.usage().since(before)
        finally:
            process.stop()
        count = max(1, found["acknowledged"])
        found |= {"cpu_us": whole.cpu_s / count * 1e6, "kernel_us": whole.kernel_s / count * 1e6}
        if found["refused"] or found["acknowledged"] < found["offered"]:
            raise Failed(
                f"{service.name}: of {found['offered']} orders {found['acknowledged']} were acknowledged "
                f"{LAST_S:.0f} s after the burst; refused for good: {found['refusals'][:1]}"
            )
        natives = [own_native(n, "b1") for n, flag in enumerate(answered.read_bytes()) if flag == 1]
        kept = service.kept(home, natives)
        found |= kept._asdict() | {"missing": len(natives) - kept.read_back}
        if isinstance(service, Centre):
            verified(home)
    return found


def _followed(crowd: Process, service: Service, within_s: float) -> dict[str, Any]:
    """The crowd's report; meanwhile a line a second. Raises Failed."""
    lags: list[dict[str, int]] = []
    for line in crowd.lines(within_s):
        kind, _, rest = line.partition(" ")
        if kind == "report":
            found: dict[str, Any] = json.loads(rest)
            return found | {"lag_by_second": lags}
        if kind == "second":
            stand: dict[str, int] = json.loads(rest)
            if isinstance(service, Centre):
                stand["lag"] = service.lag()
            lags.append(stand)
            print("    " + "  ".join(f"{name} {value:,}" for name, value in stand.items()), flush=True)
    raise Failed("the crowd did not report")
