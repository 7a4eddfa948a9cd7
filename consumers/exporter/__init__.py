"""What do the numbers say, to Prometheus? The role `exporter`."""

from consumers.exporter.main import run_exporter

__all__ = ["run_exporter"]
