"""Which erasures are known before anything else is counted? All that stand in Kafka when a worker starts.

A record keeps of an event id the content that counts, and of a dimension the value that was said first. What an erasure makes void
must therefore not come before it: in a replay from zero it would have hidden what the user did later, and gone with it.
"""

import logging
from typing import Any

from consumers.erasing import ERASURES
from consumers.kafka import Kafka, stored_records
from consumers.settings import Settings
from stream.engine import Engine

log = logging.getLogger(__name__)

RECORDS_AT_ONCE = 1_000


async def foresee_erasures(settings: Settings, engine: Engine) -> None:
    """Make the erasures count that no position stands behind; they are counted again in their turn, which changes nothing.

    Raises KafkaUnavailable; outages of the store are waited out.
    """
    async with Kafka(settings) as kafka:
        ends = await kafka.end_offsets([ERASURES])
    starts = await engine.assigned(ends, ends)
    engine.revoked(ends)
    if all(starts[partition] >= end for partition, end in ends.items()):
        return
    found = 0
    waiting: list[Any] = []
    async for record in stored_records(settings, ERASURES):
        if record.offset < starts.get((ERASURES, record.partition), 0):
            continue
        waiting.append(record)
        found += 1
        if len(waiting) >= RECORDS_AT_ONCE:
            await engine.foresee(ERASURES, waiting)
            waiting = []
    await engine.foresee(ERASURES, waiting)
    log.info("%d erasures are known before their turn", found)
