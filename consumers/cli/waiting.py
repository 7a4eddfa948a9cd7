"""When is everything that stands in Kafka now counted?"""

import asyncio

from consumers.cli.console import err, out
from consumers.settings import Settings
from stream.progress import behind

POLL_SECONDS = 0.1


async def caught_up(settings: Settings) -> None:
    """Returns when the store holds everything that stood in the topics at the call, however long that takes."""
    from consumers.kafka import Kafka
    from consumers.stores import opened
    from stream.events.schema import TOPICS

    async with Kafka(settings) as kafka:
        ends, log_id = await kafka.end_offsets(TOPICS), await kafka.log_id()
    async with opened(settings) as store:
        with err.status("waiting for the workers") as status:
            while left := behind(ends, await store.positions(), log_id):
                status.update(f"waiting for the workers: {left:,} records to go")
                await asyncio.sleep(POLL_SECONDS)
    out.print("all of it is counted")
