"""Which metrics exist, what does each one mean, and which role exports it?

The one catalogue: consumers/telemetry.py binds it to Prometheus, docs/metrics.md is made from it, dashboards and rules may use
nothing else. Base units; a sum over all labels of a metric always means something. Here is what every role exports; what one role
exports stands in a file of its own.
"""

from typing import get_args

from consumers.metrics.answering import ANSWERING
from consumers.metrics.collector import COLLECTOR
from consumers.metrics.exporting import EXPORTING
from consumers.metrics.metric import Metric, Role
from consumers.metrics.numbers import NUMBERS
from consumers.metrics.pipeline import PIPELINE
from consumers.metrics.watching import WATCHING

__all__ = ["BUILD_INFO", "CATALOGUE", "ROLES", "Metric", "Role", "of_role"]

ROLES: tuple[Role, ...] = get_args(Role)

BUILD_INFO = Metric(
    "retention_build_info",
    "gauge",
    "1",
    "Always 1; the labels say which version runs.",
    labels=("version", "python"),
)

CATALOGUE: tuple[Metric, ...] = (
    BUILD_INFO,
    *PIPELINE,
    *NUMBERS,
    *EXPORTING,
    *ANSWERING,
    *COLLECTOR,
    *WATCHING,
)


def of_role(role: Role) -> tuple[Metric, ...]:
    """What a role exports; the `process_...` metrics of its process stand beside them."""
    return tuple(metric for metric in CATALOGUE if metric.role in (role, None))
