"""When is everything that stands in Kafka now counted?"""

import asyncio
from collections.abc import Mapping

from consumers.cli.console import err, out
from consumers.settings import Settings
from stream.store.protocol import Partition, Position

POLL_SECONDS = 0.1


async def caught_up(settings: Settings) -> None:
    """Returns when the store holds everything that stood in the topics at the call, however long that takes."""
    from consumers.kafka import Kafka
    from stream.events.schema import TOPICS
    from stream.store.redis import RedisStore

    async with Kafka(settings) as kafka:
        ends, log_id = await kafka.end_offsets(TOPICS), await kafka.log_id()
    store = RedisStore.connect(settings.redis_url.get_secret_value(), settings.shards)
    try:
        with err.status("waiting for the workers") as status:
            while left := behind(ends, await store.positions(), log_id):
                status.update(f"waiting for the workers: {left:,} records to go")
                await asyncio.sleep(POLL_SECONDS)
    finally:
        await store.aclose()
    out.print("all of it is counted")


def behind(ends: Mapping[Partition, int], positions: Mapping[Partition, Position], log_id: str) -> int:
    """How many records of this log are not counted yet; positions of another log count for nothing."""
    counted = {
        partition: position.next for partition, position in positions.items() if position.log_id == log_id
    }
    return sum(max(0, end - counted.get(partition, 0)) for partition, end in ends.items())
