"""Is the worker still getting on? What cannot be mended from inside ends the process; the next one starts over."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from faust.types import TP

from consumers.ingest.agents import Counter, Counting
from consumers.kafka_access import KafkaUnavailable

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 1.0
LOOK_SECONDS = 30.0
# Nothing is being counted although there is something to count: the fetch has died (faust #175, #523, #629).
IDLE_SECONDS_MAX = 300.0
# A record batch that takes that long is lost, or the store was away that long; starting over does no harm then.
WORK_SECONDS_MAX = 3600.0


class Stalled(Exception):
    """There is something to count and the worker does not get on."""


class StallWatch:
    """Looks again and again whether each partition moved while there was something behind its position."""

    def __init__(
        self,
        *,
        idle_seconds_max: float = IDLE_SECONDS_MAX,
        work_seconds_max: float = WORK_SECONDS_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle_seconds_max = idle_seconds_max
        self._work_seconds_max = work_seconds_max
        self._clock = clock
        self._stands: dict[TP, tuple[int, float]] = {}  # position, and since when it stands there

    def look(self, positions: Mapping[TP, int], behind: Mapping[TP, int], busy_topics: set[str]) -> None:
        """Raises Stalled when a partition has stood still too long.

        behind       offsets to go, per partition
        busy_topics  topics of which a slice is being counted: their other partitions wait for it
        """
        now = self._clock()
        stands: dict[TP, tuple[int, float]] = {}
        for tp, position in positions.items():
            before, since = self._stands.get(tp, (None, now))
            if position != before or behind.get(tp, 0) <= 0:
                since = now
            stands[tp] = position, since
            limit = self._work_seconds_max if tp.topic in busy_topics else self._idle_seconds_max
            if now - since > limit:
                where = f"{tp.topic}[{tp.partition}] stands at {position}"
                raise Stalled(f"{where} since {now - since:.0f} s with {behind[tp]} offsets to go")
        self._stands = stands


async def watch_progress(engine: Counting, *, seconds: float = PROGRESS_SECONDS) -> None:
    """Asks for ever whether the store still holds what was counted; ends with WentBack when it does not.

    Without this nobody would notice: Kafka has nothing new to say, and the numbers stay wrong.
    """
    while True:
        await engine.check_progress()
        await asyncio.sleep(seconds)


async def watch_stalls(counter: Counter, watch: StallWatch, *, seconds: float = LOOK_SECONDS) -> None:
    """Looks for ever; ends with Stalled. While Kafka is away there is nothing to compare with."""
    while True:
        await asyncio.sleep(seconds)
        try:
            behind = await counter.behind()
        except KafkaUnavailable as error:
            log.warning("cannot see whether the worker is behind: %s", error)
            continue
        watch.look(counter.positions, behind, {tp.topic for tp in counter.in_work})
