"""How fast are the same bytes read and decoded, and nothing else? aiokafka's getmany and the product's own typed decode.

One process, run by bench/throughput.py; prints one line of JSON. The fetch settings are those of the worker. Records that do not
decode cost the exception and are counted apart.
"""

import asyncio
import json
import sys
import time
from typing import Any

import msgspec
from aiokafka import TopicPartition

from consumers.ingest.fetching import FETCH_BYTES_MAX, FETCH_WAIT_MS
from consumers.kafka import Kafka, reader
from consumers.settings import load
from stream.events.decode import Decoder
from stream.events.schema import EVENT_TOPICS
from stream.retention.days import zone


async def main() -> None:
    """Reads all topics of the settings once, from the beginning to where they end now."""
    settings = load(use_up=False)
    decoder = Decoder(zones=zone, secret=b"unused", earliest_ms=0)
    async with Kafka(settings) as kafka:
        ends = await kafka.end_offsets(EVENT_TOPICS)
    typed = {settings.topic(topic): decoder._decoders[topic].decode for topic in EVENT_TOPICS}
    options = {"fetch_max_wait_ms": FETCH_WAIT_MS, "max_partition_fetch_bytes": FETCH_BYTES_MAX}
    consumer = reader(settings, **options, fetch_max_bytes=32 * 1024 * 1024)
    await consumer.start()
    tps = [TopicPartition(settings.topic(topic), partition) for topic, partition in ends]
    consumer.assign(tps)
    await consumer.seek_to_beginning(*tps)
    print(json.dumps(await _read(consumer, typed, sum(ends.values()))))
    await consumer.stop()


async def _read(consumer: Any, typed: dict[str, Any], total: int) -> dict[str, float]:
    read = bad = at_first = 0
    first = cpu = 0.0
    while read < total:
        for tp, records in (await consumer.getmany(timeout_ms=200)).items():
            decode = typed[tp.topic]
            for record in records:
                try:
                    decode(record.value)
                except msgspec.DecodeError:
                    bad += 1
            read += len(records)
        if not first and read:
            first, cpu, at_first = time.monotonic(), time.process_time(), read
    seconds, cpu_seconds = time.monotonic() - first, time.process_time() - cpu
    return {
        "events": read - at_first,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "bad": bad,
        "all": read,
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("takes no arguments; the settings say where Kafka is")
    asyncio.run(main())
