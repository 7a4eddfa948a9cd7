"""May the numbers be judged now? A pipeline that lags or is dead must not look like churn."""

from collections import deque
from collections.abc import Awaitable, Callable

from consumers.erasing import Log
from consumers.kafka_access import KafkaUnavailable
from consumers.status import status
from stream.events.schema import TOPICS
from stream.store.protocol import Store

LAG_RECORDS_MIN = 20  # of any pipeline some records are just on their way
LAG_SHARE_MAX = 0.02  # of what was applied in the last quarter of an hour
RECENT_MS = 15 * 60_000


class Health:
    """Compares Kafka's ends with what Redis holds.

    Args:
        kafka: gives the open connection, or raises KafkaUnavailable.
    """

    def __init__(self, store: Store, kafka: Callable[[], Awaitable[Log]]) -> None:
        self._store, self._kafka = store, kafka
        self._applied: deque[tuple[int, int]] = deque()

    async def trouble(self, now_ms: int) -> str:
        """Why there can be no verdict now; empty when there can. Raises StoreUnavailable."""
        try:
            kafka = await self._kafka()
            log_id, ends = await kafka.log_id(), await kafka.end_offsets(TOPICS)
        except KafkaUnavailable as error:
            return f"Kafka gives no answer: {error}"
        found = status(ends, log_id, await self._store.positions(), await self._store.totals())
        if found["missing_topics"]:
            return (
                f"Kafka shows no topic {', '.join(found['missing_topics'])}, so nobody knows what waits there"
            )
        recent = self._recent(now_ms, found["applied"])
        allowed = max(LAG_RECORDS_MIN, LAG_SHARE_MAX * recent)
        if found["lag"] > allowed:
            return f"{found['lag']:,} records are not counted yet, more than {allowed:,.0f}"
        return ""

    def _recent(self, now_ms: int, applied: int) -> int:
        """Records applied in the last quarter of an hour, or since the watch began."""
        seen = self._applied
        seen.append((now_ms, applied))
        while seen[0][0] < now_ms - RECENT_MS:
            seen.popleft()
        return applied - seen[0][1]
