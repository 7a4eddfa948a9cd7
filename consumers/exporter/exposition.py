"""How does a snapshot reach Prometheus? A collector that makes fresh families at each scrape, without times of its own."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from consumers.exporter.snapshot import Snapshot
from consumers.metrics import Metric


class SnapshotCollector(Collector):
    """Shows what `shown` gives at the moment of the scrape, in the families of `metrics`."""

    def __init__(self, metrics: Iterable[Metric], shown: Callable[[], Iterable[Snapshot]]) -> None:
        self._metrics, self._shown = tuple(metrics), shown

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Reads snapshots that nobody changes: no lock, no wait, no question to anybody."""
        shown = list(self._shown())
        for metric in self._metrics:
            family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
            for snapshot in shown:
                for sample in snapshot.of(metric):
                    family.add_metric(sample.labels, sample.value)
            yield family
