"""When are the exported numbers asked for anew, and what is shown when that fails?

    numbers   of the read model: a failure leaves the old ones and their old moment
    lag       of Kafka and Redis: a failure takes it away, since an old lag would say that all is well
    memory    of Redis: likewise, and retention_redis_connected says 0

Each has a loop of its own, so that a Kafka that does not answer holds nothing up. A scrape only looks at what stands there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from consumers.erasing import Log
from consumers.exporter.collecting import numbers_of
from consumers.exporter.snapshot import Draft, Snapshot
from consumers.kafka_access import KafkaUnavailable
from consumers.metrics import exporting
from consumers.settings import Settings
from consumers.status import status
from consumers.telemetry import Telemetry
from stream.events.schema import TOPICS
from stream.store.protocol import Store, StoreUnavailable

REFRESH_SECONDS_MAX = 120.0

Refresh = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


class Refresher:
    """What is shown now, and how it is renewed.

    Args:
        kafka: gives the open connection, or raises KafkaUnavailable.
        now_ms: the wall clock.
        clock, sleep: seconds that only go forward, and how some of them are waited for.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        kafka: Callable[[], Awaitable[Log]],
        telemetry: Telemetry,
        *,
        now_ms: Callable[[], int],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings, self._store, self._kafka = settings, store, kafka
        self._now_ms, self._clock, self._sleep = now_ms, clock, sleep
        self._numbers: Snapshot | None = None
        self._lag = self._memory = Snapshot()
        self._errors = telemetry.child(exporting.REFRESH_ERRORS)
        self._connected = telemetry.child(exporting.REDIS_CONNECTED)

    @property
    def waiting(self) -> str | None:
        """Why there are no numbers yet; None once there are."""
        return "no refresh of the numbers has succeeded yet" if self._numbers is None else None

    def shown(self) -> list[Snapshot]:
        """What a scrape gets."""
        return [*([] if self._numbers is None else [self._numbers]), self._lag, self._memory]

    async def run(self) -> None:
        """Renews everything for ever."""
        await asyncio.gather(*(self._ever(one) for one in (self.numbers, self.lag, self.memory)))

    async def numbers(self) -> None:
        """Asks the read model for the numbers of now."""
        began = self._clock()
        draft = await self._tried("the numbers", numbers_of(self._settings, self._store, self._now_ms()))
        if draft is not None:
            draft.add(exporting.REFRESH_DURATION, self._clock() - began)
            self._numbers = draft.frozen()

    async def lag(self) -> None:
        """Asks Kafka for its ends, and then Redis for what is counted."""
        draft = await self._tried("the lag", self._lag_now())
        self._lag = Snapshot() if draft is None else draft.frozen()

    async def memory(self) -> None:
        """Asks Redis how full it is."""
        draft = await self._tried("Redis' memory", self._memory_now())
        self._connected.set(0 if draft is None else 1)
        self._memory = Snapshot() if draft is None else draft.frozen()

    async def _lag_now(self) -> Draft:
        kafka, draft = await self._kafka(), Draft()
        log_id, ends = await asyncio.gather(kafka.log_id(), kafka.end_offsets(TOPICS))
        for one in status(ends, log_id, await self._store.positions(), {})["partitions"]:
            draft.add(exporting.LAG, one["lag"], one["topic"], str(one["partition"]))
        return draft

    async def _memory_now(self) -> Draft:
        memory, draft = await self._store.memory(), Draft()
        draft.add(exporting.REDIS_USED_MEMORY, memory.used_bytes)
        draft.add(exporting.REDIS_MAXMEMORY, memory.max_bytes)
        return draft

    async def _tried(self, what: str, work: Awaitable[Draft]) -> Draft | None:
        """What the work gives; None, counted and said, where it fails."""
        try:
            async with asyncio.timeout(REFRESH_SECONDS_MAX):
                return await work
        except (StoreUnavailable, KafkaUnavailable, TimeoutError) as error:
            log.warning("%s could not be refreshed: %s", what, str(error) or "no answer came")
        except Exception:
            log.exception("%s could not be refreshed", what)
        self._errors.inc()
        return None

    async def _ever(self, refresh: Refresh) -> None:
        while True:
            began = self._clock()
            await refresh()
            took = self._clock() - began
            # It rests at least as long as it works: numbers that take long to ask for take no more than half a processor.
            await self._sleep(max(self._settings.exporter_refresh_seconds - took, took))
