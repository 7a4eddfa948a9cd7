"""How does a role that can do without Kafka for a while hold its one connection?"""

import asyncio

from consumers.kafka import Kafka
from consumers.settings import Settings


class Connection:
    """One connection to Kafka, opened when it is first needed: the numbers are shown without it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kafka: Kafka | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> Kafka:
        """The open connection. Raises KafkaUnavailable."""
        async with self._opening:
            if self._kafka is None:
                kafka = Kafka(self._settings)
                await kafka.start()
                self._kafka = kafka
            return self._kafka

    async def close(self) -> None:
        """Closes what was opened."""
        if self._kafka is not None:
            await self._kafka.stop()
