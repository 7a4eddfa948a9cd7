"""When is an event accepted? When Kafka has acknowledged it; here records are written, and their acknowledgement is waited for.

    deliver ──> room? ──> producer ──> acknowledged: return
                  │           └──────> refused, or no word in time: KafkaUnavailable
                  └─ full: Refused (429)

An idempotent producer never gives a record up, so records outlive the requests that brought them; they keep their place in the room
until Kafka has them. A sender that was told 503 sends again, and repeats change nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from consumers.intake.refused import Refused
from consumers.intake.room import Room
from consumers.kafka import Kafka, by_key, producer
from consumers.kafka_access import KafkaUnavailable, unavailable
from consumers.settings import Settings
from stream.events.posted import Posted

ACKNOWLEDGE_SECONDS_MAX = 10.0
DRAIN_SECONDS_MAX = 4.0  # less than web.STOP_SECONDS, so that whoever waits gets an answer
CLOSE_SECONDS_MAX = 2.0
RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class Delivery:
    """One producer that is kept open while `open` runs. `trouble` says why nothing is acknowledged now, None when all is well."""

    def __init__(
        self, settings: Settings, room: Room, *, acknowledge_seconds: float = ACKNOWLEDGE_SECONDS_MAX
    ) -> None:
        self._settings, self._room, self._acknowledge_seconds = settings, room, acknowledge_seconds
        self._topics: dict[str, str] = {}
        self._producer: AIOKafkaProducer | None = None
        self._opening: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()
        self.trouble: str | None = "Kafka has not answered yet"

    def start(self) -> None:
        """Connects as soon as Kafka is there."""
        self._opening = asyncio.create_task(self._open())

    def hurry(self) -> None:
        """The process ends: what Kafka has not acknowledged in a few seconds is told to come again."""
        asyncio.get_running_loop().call_later(DRAIN_SECONDS_MAX, self._hurry.set)

    async def close(self) -> None:
        """Closes the connection. To be called when nobody waits for an acknowledgement any more."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._writing:
            log.warning("%d events were not acknowledged; their senders know", self._room.events)
        for task in self._writing:
            task.cancel()
        if self._producer is not None:
            self._retire(self._producer)
        await asyncio.gather(*self._writing, *self._closing, return_exceptions=True)

    async def deliver(self, records: Sequence[Posted]) -> None:
        """Returns when Kafka has acknowledged all records. Raises KafkaUnavailable, or Refused when too many are under way."""
        # While nothing is acknowledged no more is taken; what is still being written finds out when Kafka is back.
        if self._producer is None or (self.trouble and self._writing):
            raise KafkaUnavailable(self.trouble or "Kafka is being connected to")
        size_bytes = sum(len(record.value) + len(record.key) for record in records)
        if not self._room.take(events=len(records), size_bytes=size_bytes):
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many events wait for Kafka; send these again later",
                retry_seconds=RETRY_SECONDS,
            )
        writing = asyncio.create_task(self._write(self._producer, records, size_bytes))
        self._writing.add(writing)
        writing.add_done_callback(self._written)
        await self._until(writing)
        if not writing.done():
            self.trouble = f"Kafka at {self._settings.kafka} acknowledges nothing"
            raise KafkaUnavailable(self.trouble)
        writing.result()

    async def _until(self, writing: asyncio.Task[None]) -> None:
        hurry = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait(
                (writing, hurry), timeout=self._acknowledge_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            hurry.cancel()

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled():
            task.exception()  # it stands in `trouble`, and nobody may be waiting for it any more

    async def _write(self, to: AIOKafkaProducer, records: Sequence[Posted], size_bytes: int) -> None:
        """Holds the place of the records until nothing can happen to them any more. Raises KafkaUnavailable."""
        waiting: list[asyncio.Future[Any]] = []
        errors: list[BaseException] = []
        try:
            try:
                for topic, key, value in records:
                    waiting.append(await to.send(self._topic(topic), value, key=key))
            except (KafkaError, OSError) as error:
                errors.append(error)
            results = await asyncio.gather(*waiting, return_exceptions=True)
            errors += [one for one in results if isinstance(one, BaseException)]
        finally:
            self._room.give_back(events=len(records), size_bytes=size_bytes)
        if errors:
            self.trouble = str(unavailable(self._settings, errors[0]))
            self._renew(to)
            raise KafkaUnavailable(self.trouble)
        self.trouble = None

    def _topic(self, name: str) -> str:
        found = self._topics.get(name)
        if found is None:
            found = self._topics[name] = self._settings.topic(name)
        return found

    async def _open(self) -> None:
        while True:
            try:
                async with Kafka(self._settings) as kafka:
                    await kafka.ensure_topics()
                self._producer = await self._opened()
            except (KafkaUnavailable, OSError) as error:  # OSError: a time-out, or a file of the TLS settings
                self.trouble = str(error) or type(error).__name__
                log.warning("%s", self.trouble)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.trouble = None
                return

    async def _opened(self) -> AIOKafkaProducer:
        opened = producer(self._settings, partitioner=by_key)
        try:
            await opened.start()
        except BaseException as error:
            await _stop(opened)
            if isinstance(error, KafkaError | OSError):
                raise unavailable(self._settings, error) from None
            raise
        return opened

    def _renew(self, broken: AIOKafkaProducer) -> None:
        """Another producer: one that numbers its records gets no other through after some were refused for good."""
        if self._producer is broken:
            self._producer = None
            self._retire(broken)
            self.start()

    def _retire(self, old: AIOKafkaProducer) -> None:
        task = asyncio.create_task(_stop(old))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _stop(old: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError, OSError):
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await old.stop()
        except TimeoutError:
            # It waits for what it still holds, for ever where Kafka is gone. Its own way to end would wait for that again.
            if (sending := old._sender.sender_task) is not None:
                sending.cancel()
            await old.client.close()
