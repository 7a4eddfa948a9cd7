"""Is everything counted that stands in Kafka? The answer of GET /api/v1/status."""

from collections.abc import Mapping
from typing import Any

from stream.events.schema import TOPICS
from stream.store.protocol import TOTALS, Partition, Position


def status(
    ends: Mapping[Partition, int],
    log_id: str,
    positions: Mapping[Partition, Position],
    totals: Mapping[str, int],
) -> dict[str, Any]:
    """The answer.

    Args:
        ends: stable end offsets of all input partitions, read before the positions.
        log_id: the log that they are of; a position of another log says nothing about this one.
        positions: how far every partition is counted.
        totals: the counts of records.
    """
    partitions = [
        _partition(where, end, _next(positions.get(where), log_id)) for where, end in sorted(ends.items())
    ]
    lag = sum(partition["lag"] for partition in partitions)
    missing = [topic for topic in TOPICS if not any(topic == its for its, _ in ends)]
    return {
        # Of a topic that Kafka does not show nobody knows what stands in it.
        "caught_up": lag == 0 and not missing,
        "lag": lag,
        **{name: totals.get(name, 0) for name in TOTALS},
        "missing_topics": missing,
        "partitions": partitions,
    }


def _next(position: Position | None, log_id: str) -> int:
    return position.next if position is not None and position.log_id == log_id else 0


def _partition(where: Partition, end: int, reached: int) -> dict[str, Any]:
    topic, partition = where
    return {"topic": topic, "partition": partition, "next": reached, "end": end, "lag": max(0, end - reached)}
