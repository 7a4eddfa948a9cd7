"""How do the events of apps get to Kafka? The role `collector`."""

from consumers.collector.main import run_collector

__all__ = ["run_collector"]
