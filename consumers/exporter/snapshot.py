"""What does the exporter show until the next refresh? Samples of one moment that nobody changes any more."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from consumers.metrics import Metric

_One = TypeVar("_One")
Samples = Mapping[str, tuple["Sample", ...]]


class Sample(NamedTuple):
    """One number and the values of its labels, in the order of its metric's."""

    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Samples by the name of their metric."""

    samples: Samples = field(default_factory=dict)

    def of(self, metric: Metric) -> tuple[Sample, ...]:
        """The samples of a metric; none where there is no number."""
        return self.samples.get(metric.name, ())


class Draft:
    """A snapshot that is being written."""

    def __init__(self) -> None:
        self._samples: dict[str, dict[tuple[str, ...], float]] = {}
        self.left_out: Counter[str] = Counter()

    def add(self, metric: Metric, value: float | None, *labels: str) -> None:
        """One sample; None is no number and gives no series. ValueError where a series comes twice or lacks a label."""
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.labels}, not {labels}")
        if value is None:
            return
        series = self._samples.setdefault(metric.name, {})
        if labels in series:
            raise ValueError(f"{metric.name}{labels} comes twice")
        series[labels] = value

    def least(self, metric: Metric, value: float) -> None:
        """The one sample of a metric without labels: the smallest value that is given."""
        series = self._samples.setdefault(metric.name, {})
        series[()] = min(value, series.get((), value))

    def kept(self, kind: str, found: Iterable[_One], most: int) -> list[_One]:
        """The first so many of them; how many are left out is told."""
        listed = list(found)
        self.left_out[kind] += max(0, len(listed) - most)
        return listed[:most]

    def frozen(self) -> Snapshot:
        """The snapshot as it is now."""
        return Snapshot(
            {
                name: tuple(Sample(labels, value) for labels, value in series.items())
                for name, series in self._samples.items()
            }
        )
