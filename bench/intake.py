"""The three intake benchmarks: a service under load, then everything it acknowledged read back.

A round starts the centre and both references one after another under the same generator and the same bytes,
so that the noise of the machine hits all alike; figures are medians over rounds, ratios are taken within a
round. One more run of the centre, under the sampler, tells where its CPU goes.
"""

import json
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.centre import Centre
from bench.processes import ROOT, Failed, Process, busy_cpu_s, machine, python
from bench.sampler import INTAKE
from bench.services import HOST, AppendFile, PlainService, Service
from bench.wire import WORKLOADS, Keys, Workload

_PREPARE_S: Final = 120.0
_MOST_PER_S: Final = 26_000  # requests prepared for each second of a run; a run that uses them up ends early


class Settings(NamedTuple):
    """How long and how hard. Each connection carries one request at a time."""

    rounds: int = 3
    seconds: float = 6.0
    warm_s: float = 1.0
    connections: int = 512
    batch_connections: int = 32
    processes: int = 0  # of the centre; 0: as many as it takes by itself
    facts: int = 0  # of growth; 0: a million, or with one round fifty thousand


class Generator:
    """The generator's process: prepared once, it loads one service after another with the same requests."""

    def __init__(self, work: Workload, count: int, keys: Keys, run: str, place: Path) -> None:
        plan = {"workload": work.name, "count": count, "keys": keys._asdict(), "run": run}
        (place / "plan.json").write_text(json.dumps(plan))
        self._work, self._run = work, run
        self._answered = place / "answered"
        self._process = Process(python("bench.generator", place / "plan.json"), place / "generator.txt")
        self.about: dict[str, Any] = json.loads(self._process.line("ready", _PREPARE_S))

    def load(self, service: Service, port: int, settings: Settings) -> dict[str, Any]:
        target = {
            "host": HOST,
            "port": port,
            "connections": service.connections,
            "seconds": settings.seconds,
            "warm_s": settings.warm_s,
            "most": service.most_requests,
            "answered": str(self._answered),
        }
        self._process.say(json.dumps(target))
        found: dict[str, Any] = json.loads(self._process.line("report", settings.seconds + _PREPARE_S))
        return found

    def acknowledged(self) -> list[str]:
        """The native numbers of all that was acknowledged in the last load."""
        items = self._work.items
        firsts = (n * items for n, flag in enumerate(self._answered.read_bytes()) if flag == 1)
        return [self._work.native(i, self._run) for first in firsts for i in range(first, first + items)]

    def stop(self) -> None:
        self._process.stop()


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A directory on the disk of the checkout (never in memory), gone afterwards."""
    (ROOT / "build").mkdir(exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f"bench-{name}-", dir=ROOT / "build"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def run_once(service: Service, generator: Generator, settings: Settings) -> dict[str, Any]:
    """`run_at` in a scratch place."""
    with scratch(service.name) as place:
        return run_at(place, service, generator, settings)


def run_at(place: Path, service: Service, generator: Generator, settings: Settings) -> dict[str, Any]:
    """Start `service`, load it, let it drain, end it, read back what it keeps. Raises Failed."""
    process, port = service.start(place)
    try:
        before, busy, began = process.usage(), busy_cpu_s(), time.monotonic()
        found = generator.load(service, port, settings)
        used = process.usage().since(before)
        ours = used.cpu_s + found["generator_cpu_us"] * found["offered"] / 1e6
        found["others_cores"] = max(0.0, busy_cpu_s() - busy - ours) / (time.monotonic() - began)
        found["drain_s"] = service.drain(process)
        found["rss_mb"] = process.peak_mb()
    finally:
        process.stop()
    if found["refused"]:
        raise Failed(
            f"{service.name} refused {found['refused']} for good, the first with:\n{found['refusals'][0]}"
        )
    count = max(1, found["acknowledged"])
    found |= {"cpu_us": used.cpu_s / count * 1e6, "kernel_us": used.kernel_s / count * 1e6}
    acknowledged = generator.acknowledged()
    if len(acknowledged) != found["acknowledged"]:
        raise Failed(f"counted {found['acknowledged']} acknowledgements, kept {len(acknowledged)}")
    kept = service.kept(place, acknowledged)
    found |= kept._asdict() | {"missing": len(acknowledged) - kept.read_back}
    return found | service.more(place)


def measure(name: str, settings: Settings) -> dict[str, Any]:
    """One intake benchmark in full; see README.md for the keys. Raises Failed."""
    work = WORKLOADS[name]
    window = settings.connections if work.items == 1 else settings.batch_connections
    most = int(settings.seconds * _MOST_PER_S) // max(1, work.items // 4)
    centre = Centre(work, window, most, settings.processes)
    services: list[Service] = [centre, AppendFile(window, work.items), PlainService(centre.keys, work.items)]
    runs: dict[str, list[dict[str, Any]]] = {service.name: [] for service in services}
    with scratch("prepared") as prepared:
        centre.prepare(prepared)
        for number in range(settings.rounds):
            with preparing(work, services, centre.keys, f"r{number}") as generator:
                for service in services:
                    runs[service.name].append(run_once(service, generator, settings))
                    print(
                        f"  {name} round {number + 1} {_line(service.name, runs[service.name][-1])}",
                        flush=True,
                    )
        with preparing(work, [centre], centre.keys, "s0") as generator:
            sampled = run_once(centre.sampled(), generator, settings)
            about = generator.about
    found = summary(runs)
    found |= {"name": name, "settings": settings._asdict() | {"window": window} | about, "machine": machine()}
    return found | _stages(sampled, found)


@contextmanager
def preparing(work: Workload, services: Sequence[Service], keys: Keys, run: str) -> Iterator[Generator]:
    with scratch("generator") as place:
        generator = Generator(work, max(service.most_requests for service in services), keys, run, place)
        try:
            yield generator
        finally:
            generator.stop()


def _line(name: str, run: dict[str, Any]) -> str:
    return (
        f"{name:13} {run['per_s']:9,.0f}/s  p50 {run['p50_ms']:7.2f}  p99 {run['p99_ms']:7.2f} ms  "
        f"cpu {run['cpu_us']:7.1f} µs  acknowledged {run['acknowledged']:,}  "
        f"missing {run['missing']} doubled {run['doubled']}"
    )


def summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians over rounds of the centre and its references, and ratios taken within a round."""
    medians = {name: _medians(rounds) for name, rounds in runs.items()}
    ours = runs["centre"]
    found = medians["centre"]
    # A loss in any round is a loss: these are sums, never medians.
    found |= {key: sum(run[key] for run in ours) for key in ("missing", "doubled")}
    found["rounds"] = [
        {key: run[key] for key in ("per_s", "p99_ms", "acknowledged", "committed", "cpu_us", "others_cores")}
        for run in ours
    ]
    found["references"] = {name: medians[name] for name in runs if name != "centre"}
    found["ratios"] = {
        name: statistics.median(mine["per_s"] / its["per_s"] for mine, its in zip(ours, rounds, strict=True))
        for name, rounds in runs.items()
        if name != "centre"
    }
    return found


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = [key for key, value in rounds[0].items() if isinstance(value, int | float)]
    return {key: statistics.median(run[key] for run in rounds) for key in numbers}


def _stages(sampled: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Where the CPU of the undisturbed runs went, by the sampler's shares, and the generator beside it.

    `cpu_us_by_stage` is an order's own way in; what reactions took meanwhile is one figure.
    `reactions_us_by_stage` is all that its reactions cost, during the load and after it.
    """
    load, drain = sampled["stages"], sampled["drain_stages"]
    scale = found["cpu_us"] / (sum(load.values()) or 1.0)
    stages, meanwhile, later = {"generator": found["generator_cpu_us"]}, 0.0, Counter[str]()
    for name, spent in sorted(load.items(), key=lambda pair: -pair[1]):
        who, _, stage = name.partition("/")
        if who == INTAKE:
            stages[stage] = spent * scale
        else:
            meanwhile += spent * scale
    for name, spent in [
        *drain.items(),
        *((name, us) for name, us in load.items() if not name.startswith(INTAKE)),
    ]:
        later[name.partition("/")[2]] += spent / sampled["acknowledged"] * 1e6
    stages["reactions meanwhile"] = meanwhile
    return {"cpu_us_by_stage": stages, "reactions_us_by_stage": dict(later.most_common())}
