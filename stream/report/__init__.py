"""Which numbers does somebody see? The read model: from stored counters, sets and records to answers."""

from stream.report.active import active
from stream.report.choices import apps, values
from stream.report.compare import compare
from stream.report.crr import crr
from stream.report.feedback import feedback
from stream.report.parameters import QueryError
from stream.report.revenue import revenue
from stream.report.triangle import retention

__all__ = ["QueryError", "active", "apps", "compare", "crr", "feedback", "retention", "revenue", "values"]
