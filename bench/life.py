"""The whole life of orders at a steady rate: ordered, paid, released, shipped, signed for, settled.

First a window of lives is kept going, and widened as long as that brings more, which tells what the centre carries at
most; then lives begin at a steady rate below that, and lower until one is sustained: as many end as begin, and the
relay keeps up. Every message from outside is a real push and every effect a real call (`outside.py`), so a life cannot
go on before its reactions are done. At the end each life is looked for in the journal, step by step, and `tongdan
verify` has to find nothing.
"""

import json
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from bench.centre import Centre, reading, shards
from bench.conf import write_conf
from bench.intake import Settings, scratch, summary
from bench.outside import Plan
from bench.processes import ROOT, Failed, Process, busy_cpu_s, machine, python
from bench.services import AppendFile, PlainLife, Service
from bench.verify import verified
from bench.wire import WORKLOADS
from tongdan.adapters.clock import SystemEntropy
from tongdan.adapters.policy_files import load_conf
from tongdan.labs.world.provision import provision

WINDOWS: Final = (64, 256, 1_024)  # lives kept going to find what is carried at most
WIDER_PAYS: Final = 1.1  # what a wider window has to bring, else it only makes lives longer
FIRST_SHARE: Final = 0.9  # of that, the first rate that is tried
NEXT_SHARE: Final = 0.85  # of a rate that was not sustained, the next
MOST_TRIES: Final = 4
KEPT_UP: Final = 0.97  # of the lives that began in the second half of a run, as many have to end in it
LAST_S: Final = 120.0  # how long the last lives are waited for
BASKETS: Final = 20_000
# A fact for each step of a life; each is told once of an order.
STEPS: Final = ("OrderCreated", "OrderPaid", "OrderReleased", "LinesShipped", "LinesSigned", "OrderSettled")


class LifeCentre(Centre):
    """The centre with every partner at one address, and credentials for all of them."""

    name = "centre"

    def __init__(self, partners_url: str, processes: int) -> None:
        super().__init__(WORKLOADS["intake-own"], 0, 0, processes)
        self._partners_url = partners_url

    def prepare(self, place: Path) -> None:
        write_conf(place, self._partners_url)
        self._count_stock(place, wanted=True)

    def lived(self, place: Path, acknowledged: Sequence[str]) -> dict[str, int]:
        """How many of the lives that ended are whole in the journal; `doubled`: orders or steps told twice."""
        decode = msgspec.msgpack.Decoder().decode
        order_of: dict[str, list[str]] = {}
        told: Counter[tuple[str, str]] = Counter()
        rows = 0
        for path in shards(place):
            with reading(path) as db:
                rows += db.execute("SELECT count(*) FROM journal WHERE fact <> 'StockCounted'").fetchone()[0]
                for order, body in db.execute("SELECT agg, body FROM journal WHERE fact = 'OrderCreated'"):
                    order_of.setdefault(decode(body)["native"], []).append(order)
                chosen = ", ".join(f"'{step}'" for step in STEPS)
                told.update(map(tuple, db.execute(f"SELECT agg, fact FROM journal WHERE fact IN ({chosen})")))
        whole = sum(
            all(told[order, step] for step in STEPS)
            for native in acknowledged
            for order in order_of.get(native, ())[:1]
        )
        doubled = sum(n > 1 for n in told.values()) + sum(len(orders) > 1 for orders in order_of.values())
        return {
            "committed": len(order_of),
            "read_back": whole,
            "missing": len(acknowledged) - whole,
            "doubled": doubled,
            "rows": rows,
        }


class Run(NamedTuple):
    """What a service is to carry, and for how long; `per_s` 0: as many lives as go in a window."""

    per_s: float
    seconds: float
    warm_s: float
    window: int = 0


class Everybody:
    """The process of `outside.py`, which stands as long as the benchmark."""

    def __init__(self, place: Path, data: Path) -> None:
        self._answered = place / "acknowledged"
        self._process = Process(python("bench.outside", data, BASKETS), place / "outside.txt")
        self.url = f"http://127.0.0.1:{self._process.line('port')}"
        self._runs = 0
        self._name = ""

    def load(self, service: Service, port: int, run: Run) -> dict[str, Any]:
        """Let `run` happen; a line a second tells how it stands. Raises Failed."""
        self._runs += 1
        self._name = f"L{self._runs}"
        plan = Plan(
            port,
            self._name,
            run.per_s,
            run.window,
            run.seconds,
            run.warm_s,
            LAST_S,
            direct=not isinstance(service, LifeCentre),
            acknowledged=str(self._answered),
        )
        self._process.say(json.dumps(plan._asdict()))
        lags: list[dict[str, int]] = []
        for line in self._process.lines(run.seconds + LAST_S + 60):
            kind, _, rest = line.partition(" ")
            if kind == "report":
                found: dict[str, Any] = json.loads(rest)
                return found | {"lag_by_second": lags}
            if kind == "second":
                lags.append(_stand(service, json.loads(rest)))
        raise Failed("the process outside did not report")

    def acknowledged(self) -> list[str]:
        """The numbers of the orders whose lives came to their end."""
        flags = self._answered.read_bytes()
        return [f"{self._name}-{n:07d}" for n, flag in enumerate(flags) if flag == 2]

    def stop(self) -> None:
        self._process.stop()


def _stand(service: Service, progress: dict[str, int]) -> dict[str, int]:
    if isinstance(service, LifeCentre):
        progress |= {"lag": service.lag(), "effects": service.outstanding()}
    print("    " + "  ".join(f"{name} {value:,}" for name, value in progress.items()), flush=True)
    return progress


def measure(name: str, settings: Settings) -> dict[str, Any]:
    """The benchmark in full; see README.md for the keys. Raises Failed."""
    closed = Run(0, settings.seconds * 3, settings.seconds)
    runs: dict[str, list[dict[str, Any]]] = {"centre": [], "append_file": [], "plain_life": []}
    most: list[float] = []
    with _laid_out(settings.processes) as (outside, centre, data):
        for number in range(settings.rounds):
            found, window = _widest(outside, centre, closed)
            most.append(found["per_s"])
            print(f"  {name} round {number + 1}: {most[-1]:,.0f}/s with {window} going", flush=True)
            runs["centre"].append(_sustained(outside, centre, most[-1], settings))
            for service in (AppendFile(0, len(STEPS)), PlainLife(data)):
                runs[service.name].append(_carried(outside, service, closed._replace(window=WINDOWS[0])))
                print(f"  {name} {service.name}: {runs[service.name][-1]['per_s']:,.0f}/s", flush=True)
        # The sampler takes a share of the time for itself, so this run is a slower one.
        slower = statistics.median(run["per_s"] for run in runs["centre"]) * 0.7
        sampled = _carried(outside, centre.sampled(), closed._replace(per_s=slower))
    found = summary(runs)
    found |= {"name": name, "carried_per_s": statistics.median(most)}
    found |= {"settings": settings._asdict() | {"windows": WINDOWS}, "machine": machine()}
    return found | _stages(sampled, found)


@contextmanager
def _laid_out(processes: int) -> Iterator[tuple[Everybody, LifeCentre, Path]]:
    with scratch("life") as prepared, scratch("outside") as place:
        conf = load_conf(ROOT / "conf")
        provision(prepared / "data", conf.policy, conf.partners, SystemEntropy())
        outside = Everybody(place, prepared / "data")
        try:
            centre = LifeCentre(outside.url, processes)
            centre.prepare(prepared)
            yield outside, centre, prepared / "data"
        finally:
            outside.stop()


def _widest(outside: Everybody, centre: LifeCentre, closed: Run) -> tuple[dict[str, Any], int]:
    """The run with the most lives a second, and the window that it took."""
    best: tuple[dict[str, Any], int] = ({"per_s": 0.0}, 0)
    for window in WINDOWS:
        found = _carried(outside, centre, closed._replace(window=window))
        if found["per_s"] < best[0]["per_s"] * WIDER_PAYS:
            break
        best = (found, window)
    return best


def _sustained(
    outside: Everybody, centre: LifeCentre, most_per_s: float, settings: Settings
) -> dict[str, Any]:
    """The run at the highest of the rates tried that the centre keeps up with. Raises Failed when it keeps none."""
    per_s = most_per_s * FIRST_SHARE
    for _ in range(MOST_TRIES):
        found = _carried(outside, centre, Run(per_s, settings.seconds * 4, settings.seconds))
        kept = "sustained" if _is_sustained(found) else "not sustained"
        print(f"  {per_s:,.0f}/s offered, {found['per_s']:,.0f}/s ended: {kept}", flush=True)
        if _is_sustained(found):
            return found | {"offered_per_s": per_s}
        per_s *= NEXT_SHARE
    raise Failed(f"not even {per_s / NEXT_SHARE:,.0f} lives/s are sustained")


def _is_sustained(found: dict[str, Any]) -> bool:
    """In the run's second half as many lives ended as began, and the lag at its end is no more than at its middle.

    A second's worth of facts either way is the breath of a batch, not a lag that grows.
    """
    seconds, lags = found["by_second"], found["lag_by_second"]
    whole = sum(1 for each in seconds if each["begun"])
    half = seconds[whole // 2 : whole]
    begun, ended = (sum(each[key] for each in half) for key in ("begun", "ended"))
    at_half, at_end = (lags[min(at, len(lags)) - 1]["lag"] for at in (whole // 2, whole))
    breath = found["rows"] / max(1, found["acknowledged"]) * found["per_s"]
    return bool(ended >= KEPT_UP * begun and at_end <= at_half + breath)


def _carried(outside: Everybody, service: Service, run: Run) -> dict[str, Any]:
    """Start a service, let lives happen, let it drain, end it, look for every life in what it kept. Raises Failed."""
    with scratch(service.name) as place:
        process, port = service.start(place)
        try:
            before, busy = process.usage(), busy_cpu_s()
            found = outside.load(service, port, run)
            others = busy_cpu_s() - busy - process.usage().since(before).cpu_s
            found["others_cores"] = max(0.0, others / found["took_s"] - found["generator_cores"])
            found["drain_s"] = service.drain(process)
            used = process.usage().since(before)
            found |= {"rss_mb": process.peak_mb(), "processes": process.processes()}
        finally:
            process.stop()
        if found["refused"] or found["acknowledged"] < found["offered"]:
            raise Failed(
                f"{service.name}: of {found['offered']} lives {found['acknowledged']} came to their end; "
                f"refused: {found['refusals'][:1]}, turned away: {found['turned_away']}"
            )
        count = max(1, found["acknowledged"])
        found |= {"cpu_us": used.cpu_s / count * 1e6, "kernel_us": used.kernel_s / count * 1e6}
        found |= {"missing": 0, "doubled": 0, "rows": 0, "committed": count, "read_back": count}
        if isinstance(service, LifeCentre):
            found |= service.lived(place, outside.acknowledged())
            verified(place)
        return found | service.more(place)


def _stages(sampled: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Where the CPU of a life goes, whoever it was spent for, by the sampler's shares; the largest first."""
    spent = Counter[str]()
    for phase in ("stages", "drain_stages"):
        for name, cpu_s in sampled[phase].items():
            spent[name.partition("/")[2]] += cpu_s
    scale = found["cpu_us"] / (spent.total() or 1.0)
    stages = {stage: cpu_s * scale for stage, cpu_s in spent.most_common()}
    return {"cpu_us_by_stage": stages, "largest": list(stages)[:3]}
