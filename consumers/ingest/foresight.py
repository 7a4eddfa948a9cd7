"""Which erasures are known before something is counted? All that Kafka had before it got what is counted.

A record keeps of an event id the content that counts, of a dimension the value that was said first, and of sessions their hours. So
it cannot tell what an erasure makes void from what the user did later: an erasure must never come after something that Kafka got
later, in whatever order partitions are read and whoever reads them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumers.erasing import ERASURES
from consumers.kafka import Kafka, reader
from consumers.kafka_access import no_start, unavailable
from consumers.settings import Settings
from stream.engine import Engine, RecordBatch

log = logging.getLogger(__name__)

RECORDS_AT_ONCE = 1_000
RETRY_SECONDS = 1.0
# By how much the clocks of brokers and of this machine may differ.
CLOCKS_MS = 1_000


class Foresight:
    """Counts erasures before their turn, in which they are counted again, which changes nothing. `start` it, `stop` it at the end.

    now_ms   the wall clock, with which the times of Kafka's records are compared
    """

    def __init__(self, settings: Settings, engine: Engine, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._engine = engine
        self._now_ms = now_ms
        self._reader: AIOKafkaConsumer | None = None
        self._next: dict[TopicPartition, int] = {}
        self._turn = asyncio.Lock()
        self._begun = self._through = 0  # the last look that began, and the last that came to its end
        self._known_ms = 0  # what Kafka had by then is known

    async def start(self) -> None:
        """Make the erasures count that no position stands behind. Raises KafkaUnavailable; outages of the store are waited out."""
        async with Kafka(self._settings) as kafka:
            ends = await kafka.end_offsets([ERASURES])
        starts = await self._engine.assigned(ends, ends)
        self._engine.revoked(ends)
        tps = {where: TopicPartition(self._settings.topic(ERASURES), where[1]) for where in ends}
        self._next = {tp: starts[where] for where, tp in tps.items()}
        await self.stop()
        # Never more than asked for: a fetch that waits for records would let the question for the ends wait behind it.
        self._reader = reader(self._settings, fetch_max_wait_ms=10)
        try:
            await self._reader.start()
            found = await self._read(self._reader, {tp: ends[where] for where, tp in tps.items()})
        except (KafkaError, OSError) as error:
            raise await no_start(self._settings, error) from None
        log.info("%d erasures are known before their turn", found)

    async def stop(self) -> None:
        """Closes; harmless to repeat."""
        if self._reader is not None:
            await self._reader.stop()

    async def before(self, batch: RecordBatch) -> None:
        """Returns when all erasures are known that Kafka had before it got the batch. Waits for Kafka as long as it is away."""
        if batch.topic == ERASURES or not batch.records:
            return
        latest_ms = max(record.timestamp for record in batch.records)
        came = self._begun
        # An erasure that is not known by then is of a later moment than the batch: it will take all of it, whenever it is counted.
        while latest_ms > self._known_ms - CLOCKS_MS and self._through <= came:
            try:
                async with self._turn:
                    if self._through <= came:
                        await self._look()
            except (KafkaError, OSError) as error:
                log.warning(
                    "nobody says who was erased, asking again: %s", unavailable(self._settings, error)
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def _look(self) -> None:
        assert self._reader is not None, "start() comes first"
        self._begun += 1
        look, began_ms = self._begun, self._now_ms()
        ends = await self._reader.end_offsets(list(self._next))
        topic = self._settings.topic(ERASURES)
        there = {TopicPartition(topic, number) for number in self._reader.partitions_for_topic(topic) or ()}
        if added := there - self._next.keys():  # the client hears of them within five minutes
            self._next |= dict.fromkeys(added, 0)
            ends |= await self._reader.end_offsets(list(added))
        await self._read(self._reader, ends)
        self._through, self._known_ms = look, began_ms

    async def _read(self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> int:
        """Make everything count up to these ends; how many records that were."""
        left = {tp for tp, end in ends.items() if end > self._next[tp]}
        if not left:
            return 0
        consumer.assign(list(left))
        for tp in left:
            consumer.seek(tp, self._next[tp])
        found = 0
        while left:
            some = await consumer.getmany(*left, timeout_ms=200, max_records=RECORDS_AT_ONCE)
            for records in some.values():
                await self._engine.foresee(ERASURES, records)
                found += len(records)
            for tp in left:
                self._next[tp] = await consumer.position(tp)
            left = {tp for tp in left if self._next[tp] < ends[tp]}
        consumer.pause(*consumer.assignment())
        return found
