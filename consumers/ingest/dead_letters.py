"""Where does a record go that cannot be counted? To the dead-letters topic, acknowledged before its offset moves."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed

from consumers.letters import Message
from stream.engine import DeadLetter

log = logging.getLogger(__name__)

RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 5.0


class DeadLetters:
    """Delivers to one topic, and does not come back before Kafka has all of it. A letter may stand there twice."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def deliver(self, letters: list[DeadLetter]) -> None:
        """Sends all, together, again and again while Kafka is away. Raises only what trying again does not mend."""
        waiting = [Message.of(letter) for letter in letters]
        pause = RETRY_SECONDS_MIN
        while waiting:
            waiting, error = await self._send(waiting)
            if error is not None:
                log.warning("%d dead letters were not taken by Kafka, trying again: %r", len(waiting), error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, RETRY_SECONDS_MAX)

    async def _send(self, letters: Iterable[Message]) -> tuple[list[Message], KafkaError | None]:
        sent = [(letter, await self._start(letter)) for letter in letters]
        results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
        again: list[Message] = []
        trouble: KafkaError | None = None
        for (letter, _), result in zip(sent, results, strict=True):
            # A small one that was refused only shared a request with a large one.
            if isinstance(result, MessageSizeTooLargeError) and letter.is_large:
                again.append(letter.cut())
            elif isinstance(result, KafkaError) and not isinstance(result, ProducerClosed):
                again.append(letter)
                trouble = result
            elif isinstance(result, BaseException):
                raise result
        return again, trouble

    async def _start(self, letter: Message) -> "asyncio.Future[Any]":
        try:
            future: asyncio.Future[Any] = await self._producer.send(
                self._topic, letter.value, key=letter.key, headers=letter.headers
            )
        except KafkaError as error:  # refused before it went out: too large, or no metadata
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
        return future
