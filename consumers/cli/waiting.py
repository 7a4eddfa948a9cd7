"""When is everything that stands in Kafka now counted, and what of it could not be?"""

import asyncio
from collections import Counter
from collections.abc import Mapping

from consumers.cli.console import counted, err, out
from consumers.settings import Settings
from consumers.written import Written
from stream.progress import behind

POLL_SECONDS = 0.1


async def caught_up(settings: Settings) -> None:
    """Returns when the store holds everything that stood in the topics at the call, however long that takes."""
    await _wait(settings)
    out.print("all of it is counted")


async def caught_up_with(
    settings: Settings, written: Written, records: int, since: Mapping[tuple[str, int], int]
) -> int:
    """As `caught_up`, and says what of these records became dead letters. Gives the exit code: 1 where any did.

    `records` is how many were written, `since` the ends of the dead letters before that.
    """
    await _wait(settings)
    refused = await _refused(settings, written, since)
    if not refused:
        out.print("all of it is counted")
        return 0
    reasons = ", ".join(name if len(refused) == 1 else f"{n:,} {name}" for name, n in refused.most_common())
    out.print(
        f"{counted(records - refused.total(), 'events')} counted, [red]{refused.total():,} refused[/] ({reasons}); "
        "`retention dead-letters` shows them",
        soft_wrap=True,
    )
    return 1


async def _refused(
    settings: Settings, written: Written, since: Mapping[tuple[str, int], int]
) -> Counter[str]:
    """How many of the records became dead letters, by reason. These stand in Kafka before the workers are past the records."""
    from consumers.cli.dead_letters import read

    return Counter(
        [
            letter.reason
            async for letter in read(settings, since)
            if written.holds(letter.topic, letter.partition, letter.offset)
        ]
    )


async def _wait(settings: Settings) -> None:
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
