"""Meters and counts in the Prometheus text format. Labels name sources, refusals and partners, never a person."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tongdan.domain.kernel.status import Status
from tongdan.flow.meters import Histogram, Meters

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PER_STATUS: Final = "orders_status_"

# (attribute of Meters, what it counts, labels)
_TALLIES: Final = (
    ("pushes", "Requests answered on the push port", ("source", "status")),
    ("accepted", "Messages committed for the first time", ("source",)),
    ("duplicates", "Messages that had been committed before", ("source",)),
    ("quarantined", "Authentic messages that were not understood", ("source",)),
    ("unauthentic", "Pushes that could not be authenticated", ("source", "reason")),
    ("turned_away", "Pushes refused before anything was taken", ("source", "refusal")),
    ("broken", "Pushes that made a door fail", ("source", "error")),
    ("refused", "Commands refused by name", ("refusal",)),
    ("effects", "Attempts at effects by outcome", ("partner", "verb", "outcome")),
)


class _Snapshot(Collector):
    def __init__(self, meters: Meters, counts: Mapping[str, int]) -> None:
        self._meters: Final = meters
        self._counts: Final = counts

    def collect(self) -> Iterable[Metric]:
        for name, text, labels in _TALLIES:
            family = CounterMetricFamily(f"tongdan_{name}", text, labels=labels)
            for label, n in getattr(self._meters, name):
                family.add_metric(label, n)
            yield family
        yield _histogram("tongdan_commit_seconds", "A batch's transaction", self._meters.commit_s)
        yield _histogram("tongdan_batch_messages", "Commands of one batch", self._meters.batch_messages)
        breakers = GaugeMetricFamily("tongdan_breaker_open", "Partners whose lanes wait", labels=("partner",))
        for partner in sorted(self._meters.breakers_open):
            breakers.add_metric((partner,), 1)
        yield breakers
        yield from self._gauges()

    def _gauges(self) -> Iterator[Metric]:
        orders = GaugeMetricFamily("tongdan_orders", "Orders by canonical status", labels=("code", "status"))
        for name, n in sorted(self._counts.items()):
            if name.startswith(_PER_STATUS):
                code = int(name.removeprefix(_PER_STATUS))
                orders.add_metric((str(code), Status(code).name.lower()), n)
            elif name != "orders":
                yield GaugeMetricFamily(f"tongdan_{name}", name.replace("_", " "), value=n)
        yield orders


def _histogram(name: str, text: str, histogram: Histogram) -> HistogramMetricFamily:
    buckets, total = [], 0
    for bound, n in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        total += n
        buckets.append((bound, float(total)))
    family = HistogramMetricFamily(name, text)
    family.add_metric([], buckets, sum_value=histogram.sum)
    return family


def exposition(meters: Meters, counts: Mapping[str, int]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(meters, counts))
    return generate_latest(registry)
