"""The role `exporter`: the numbers for Prometheus."""

from consumers.exporter.main import run_exporter

__all__ = ["run_exporter"]
