"""When is everything that stands in Kafka now counted, and what of it could not be?"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from consumers.cli.console import counted, err, out
from consumers.settings import Settings
from consumers.written import Written
from stream.progress import behind
from stream.store.protocol import StoreRefused, StoreUnavailable

POLL_SECONDS = 0.1
# A restart or a fail-over of Redis is over by then.
AWAY_SECONDS_MAX = 60.0

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
_Answer = TypeVar("_Answer")


async def caught_up(
    settings: Settings, *, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep
) -> None:
    """Returns when the store holds everything that stood in the topics at the call, however long that takes.

    Raises StoreUnavailable once the store is away for AWAY_SECONDS_MAX, StoreRefused at once.
    """
    await _wait(settings, clock, sleep)
    out.print("all of it is counted")


async def caught_up_with(
    settings: Settings, written: Written, records: int, since: Mapping[tuple[str, int], int]
) -> int:
    """As `caught_up`, and says what of these records became dead letters. Gives the exit code: 1 where any did.

    `records` is how many were written, `since` the ends of the dead letters before that.
    """
    await _wait(settings, time.monotonic, asyncio.sleep)
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


async def answered(ask: Callable[[], Awaitable[_Answer]], clock: Clock, sleep: Sleep) -> _Answer:
    """What the store answers, asked again while it is away; StoreUnavailable once that lasts for AWAY_SECONDS_MAX."""
    began = clock()
    while True:
        try:
            return await ask()
        except StoreRefused:
            raise
        except StoreUnavailable:
            if clock() - began >= AWAY_SECONDS_MAX:
                raise
        await sleep(POLL_SECONDS)


async def _wait(settings: Settings, clock: Clock, sleep: Sleep) -> None:
    from consumers.kafka import Kafka
    from consumers.stores import opened
    from stream.events.schema import TOPICS

    async with Kafka(settings) as kafka:
        ends, log_id = await kafka.end_offsets(TOPICS), await kafka.log_id()
    try:
        async with opened(settings) as store:
            with err.status("waiting for the workers") as status:
                while left := behind(ends, await answered(store.positions, clock, sleep), log_id):
                    status.update(f"waiting for the workers: {left:,} records to go")
                    await sleep(POLL_SECONDS)
    except StoreUnavailable:
        err.print(
            "[yellow]no longer waiting:[/] all of it is safe in Kafka, and is counted without being sent again",
            soft_wrap=True,
        )
        raise
