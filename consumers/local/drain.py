"""Is everything counted that was sent? Asked of Kafka and the store themselves, when no role takes events any more."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from consumers.connection import Connection
from consumers.kafka_access import KafkaUnavailable
from consumers.settings import Settings
from stream.events.schema import TOPICS
from stream.store.protocol import StoreUnavailable

Left = Callable[[], Awaitable[int | None]]


@asynccontextmanager
async def uncounted(settings: Settings) -> AsyncIterator[Left]:
    """How many records stand in Kafka now and are not counted; None while Kafka or the store gives no answer."""
    # The client of the store is needed when `up` ends, not when it begins.
    from consumers.stores import connect
    from stream.progress import behind

    store, kafka = connect(settings), Connection(settings)

    async def left() -> int | None:
        try:
            opened = await kafka.open()
            ends, log_id = await opened.end_offsets(TOPICS), await opened.log_id()
            return behind(ends, await store.positions(), log_id)
        except (KafkaUnavailable, StoreUnavailable, TimeoutError):
            return None

    try:
        yield left
    finally:
        await kafka.close()
        await store.aclose()
