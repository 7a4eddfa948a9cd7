"""Where does a record go that cannot be counted? To the dead-letters topic, acknowledged before its offset moves."""

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed

from stream.engine import DeadLetter

log = logging.getLogger(__name__)

CUT_BYTES = 64 * 1024
RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 5.0

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for the dead-letters topic."""

    key: bytes | None
    value: bytes
    headers: Headers

    @classmethod
    def of(cls, dead: DeadLetter) -> Self:
        """The record as it came, with headers that say why it is here and which record it is."""
        about = {
            "reason": dead.reason.value,
            "topic": dead.topic,
            "partition": str(dead.partition),
            "offset": str(dead.record.offset),
        }
        ours = [(name, text.encode()) for name, text in about.items()]
        # aiokafka sends no message without key and value; a value that is not there and an empty one are both
        # `not_json`.
        return cls(dead.record.key, dead.record.value or b"", [*dead.record.headers, *ours])

    @property
    def is_large(self) -> bool:
        """Whether there is anything to cut off."""
        return (
            len(self.value) > CUT_BYTES
            or len(self.key or b"") > CUT_BYTES
            or _size(self.headers[:-4]) > CUT_BYTES
        )

    def cut(self) -> Self:
        """What is sent when Kafka refuses the whole: the beginning of the value, its size and digest.

        A key or foreign headers larger than that go as well, since they may be what is too large.
        """
        ours, foreign = self.headers[-4:], self.headers[:-4]
        extra = [
            ("size", str(len(self.value)).encode()),
            ("sha256", hashlib.sha256(self.value).hexdigest().encode()),
        ]
        key = self.key if len(self.key or b"") <= CUT_BYTES else None
        kept = foreign if _size(foreign) <= CUT_BYTES else []
        return type(self)(key, self.value[:CUT_BYTES], [*kept, *extra, *ours])


class DeadLetters:
    """Delivers to one topic, and does not come back before Kafka has all of it. A letter may stand there twice."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def deliver(self, letters: list[DeadLetter]) -> None:
        """Sends all, together, again and again while Kafka is away. Raises only what trying again does not mend."""
        waiting = [Letter.of(letter) for letter in letters]
        pause = RETRY_SECONDS_MIN
        while waiting:
            waiting, error = await self._send(waiting)
            if error is not None:
                log.warning("%d dead letters were not taken by Kafka, trying again: %r", len(waiting), error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, RETRY_SECONDS_MAX)

    async def _send(self, letters: Iterable[Letter]) -> tuple[list[Letter], KafkaError | None]:
        sent = [(letter, await self._start(letter)) for letter in letters]
        results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
        again: list[Letter] = []
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

    async def _start(self, letter: Letter) -> "asyncio.Future[Any]":
        try:
            future: asyncio.Future[Any] = await self._producer.send(
                self._topic, letter.value, key=letter.key, headers=letter.headers
            )
        except KafkaError as error:  # refused before it went out: too large, or no metadata
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
        return future


def _size(headers: Headers) -> int:
    return sum(len(name) + len(data or b"") for name, data in headers)
