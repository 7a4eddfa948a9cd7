"""What is a metric, and which role exports it?"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "histogram", "gauge"]
Role = Literal["worker", "exporter", "api", "collector", "watch"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `unit` is that of its samples; `buckets` are upper bounds in that unit; no role is every role."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    role: Role | None = None


def gauge(role: Role, name: str, unit: str, meaning: str, *labels: str) -> Metric:
    """A gauge."""
    return Metric(name, "gauge", unit, meaning, labels, role=role)


def counter(role: Role, name: str, unit: str, meaning: str, *labels: str) -> Metric:
    """A counter."""
    return Metric(name, "counter", unit, meaning, labels, role=role)


def histogram(
    role: Role, name: str, unit: str, meaning: str, *labels: str, buckets: tuple[float, ...]
) -> Metric:
    """A histogram."""
    return Metric(name, "histogram", unit, meaning, labels, buckets, role)
