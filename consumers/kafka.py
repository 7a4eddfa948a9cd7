"""What do we ask of Kafka besides consuming? Topics, end offsets, the identity of the log, producers.

Topics are named without their prefix here; the prefix is put on at the client's edge and taken off again. Who else may know the
Kafka client stands in tests/test_floors.py.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from consumers.kafka_access import KafkaUnavailable, client_options, no_start, unavailable
from consumers.settings import Settings
from consumers.written import Written
from stream.events.schema import TOPICS

DEAD_LETTERS = "dead-letters"
REVISIONS = "revisions"
DEAD_LETTER_BYTES_MAX = 16 * 1024 * 1024
REPLICAS = 3
_UNACKNOWLEDGED_MAX = 32
_ANSWER_SECONDS_MAX = 15
_ALREADY_EXISTS = 36
# A broker says one of these of a setting it does not know or may not be told: then it gets the topic without settings.
_CONFIG_REFUSED = {40, 42, 44}

# Replay is how numbers are repaired, so events stay for ever; the broker's clock is what `future` is measured by.
_EVENT_CONFIG = {"retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "LogAppendTime"}
_DEAD_LETTER_CONFIG = _EVENT_CONFIG | {"max.message.bytes": str(DEAD_LETTER_BYTES_MAX)}


def producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """A producer, not yet started, whose writes count only when every replica has them.

    Large enough for a dead letter of 16 MiB. `options` go to aiokafka and win.
    """
    chosen: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": settings.kafka_idempotence,
        "max_request_size": DEAD_LETTER_BYTES_MAX,
        "max_batch_size": 256 * 1024,
        "linger_ms": 5,
    }
    return AIOKafkaProducer(**client_options(settings) | chosen | options)


def reader(settings: Settings, **options: Any) -> AIOKafkaConsumer:
    """A consumer without a group, not yet started, that sees committed records only."""
    chosen: dict[str, Any] = {
        "group_id": None,
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": DEAD_LETTER_BYTES_MAX,
    }
    return AIOKafkaConsumer(**client_options(settings) | chosen | options)


async def stored_records(
    settings: Settings, topic: str, since: Mapping[tuple[str, int], int] | None = None
) -> AsyncIterator[Any]:
    """Every record of a topic (without prefix) that stands there now, partition by partition in order; then it ends.

    `since` has the first offset wanted of partitions; of the others it is the first that they hold.
    """
    since = since or {}
    async with Kafka(settings) as kafka:
        ends_now = await kafka.end_offsets([topic])
    found = {key: end for key, end in ends_now.items() if end > since.get(key, 0)}
    ends = {TopicPartition(settings.topic(name), partition): end for (name, partition), end in found.items()}
    if not ends:
        return
    consumer = reader(settings)
    try:
        await consumer.start()
        consumer.assign(list(ends))
        for key in found.keys() & since.keys():
            consumer.seek(TopicPartition(settings.topic(topic), key[1]), since[key])
        left = set(ends)
        while left:
            for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    except (KafkaError, OSError) as error:
        raise unavailable(settings, error) from None
    finally:
        await consumer.stop()


class Kafka:
    """An open connection for questions about topics: `async with Kafka(settings) as kafka`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=15_000)
        # Only asked for offsets: small and short fetches.
        self._reader = reader(
            settings, request_timeout_ms=15_000, fetch_max_wait_ms=10, max_partition_fetch_bytes=1024
        )
        self._probing = asyncio.Lock()

    async def start(self) -> None:
        """Connects; KafkaUnavailable when nobody answers."""
        try:
            await self._admin.start()
            await self._reader.start()
        except BaseException as error:  # whoever is told to stop while connecting leaves nothing open either
            await self.stop()
            if isinstance(error, KafkaError | OSError):
                raise await no_start(self._settings, error) from None
            raise

    async def stop(self) -> None:
        """Closes; harmless to repeat."""
        try:
            await self._reader.stop()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # The client cancelled a fetch that waited for a broker that went, met that itself and left its connections open.
            await self._reader._client.close()
        await self._admin.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def log_id(self) -> str:
        """The identity of the log: offsets of one log mean nothing in another."""
        return str((await self._asked(self._admin.describe_cluster())).get("cluster_id") or "")

    async def partitions(self, topics: Iterable[str]) -> dict[str, int]:
        """How many partitions each of the topics has; a topic that does not exist is left out."""
        prefix = self._settings.topic_prefix
        wanted = {prefix + topic for topic in topics}
        # All topics are listed: asking for one by name may create it, with the broker's settings instead of ours.
        described = await self._asked(self._admin.describe_topics())
        return {
            topic["topic"].removeprefix(prefix): len(topic["partitions"])
            for topic in described
            if topic["topic"] in wanted and topic["error_code"] == 0
        }

    async def ensure_topics(self) -> list[str]:
        """Creates the topics that do not exist; gives the names of those created. Existing topics are left as they are."""
        present = await self.partitions((*TOPICS, DEAD_LETTERS, REVISIONS))
        missing = [topic for topic in (*TOPICS, DEAD_LETTERS, REVISIONS) if topic not in present]
        if missing:
            brokers = len((await self._asked(self._admin.describe_cluster()))["brokers"])
            copies = self._settings.replication_factor or min(REPLICAS, brokers)
            for topic in missing:
                await self._create(topic, copies)
            await self._asked(self._shown(missing))
        return missing

    async def _shown(self, topics: list[str]) -> None:
        """Returns when the broker shows the topics: Apache Kafka does so a little after it has made them."""
        async with asyncio.timeout(_ANSWER_SECONDS_MAX):
            while len(await self.partitions(topics)) < len(topics):  # noqa: ASYNC110 nobody sends an event for it
                await asyncio.sleep(0.05)

    async def end_offsets(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """The stable end of every partition: the offset after the last record that a read_committed consumer gets to."""
        async with self._probing:
            ends = await self._offsets(topics, self._reader.end_offsets)
            return await self._asked(self._probed(ends)) if ends else ends

    async def begin_offsets(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """The first offset that every partition still holds."""
        return await self._offsets(topics, self._reader.beginning_offsets)

    async def later(self, topics: Iterable[str], timestamp_ms: int) -> set[tuple[str, int]]:
        """The partitions that hold a record with this time, as the broker or a producer has it, or a later one."""

        async def first_offsets(tps: list[TopicPartition]) -> dict[TopicPartition, int]:
            found = await self._reader.offsets_for_times(dict.fromkeys(tps, timestamp_ms))
            return {tp: -1 if at is None else at.offset for tp, at in found.items()}

        return {
            where for where, offset in (await self._offsets(topics, first_offsets)).items() if offset >= 0
        }

    async def _offsets(self, topics: Iterable[str], ask: Any) -> dict[tuple[str, int], int]:
        counts = await self.partitions(topics)
        tps = {
            (topic, p): TopicPartition(self._settings.topic(topic), p)
            for topic, n in counts.items()
            for p in range(n)
        }
        offsets: Mapping[TopicPartition, int] = await self._asked(ask(list(tps.values()))) if tps else {}
        return {key: offsets[tp] for key, tp in tps.items()}

    async def _probed(self, ends: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """The ends as a fetch sees them.

        The embedded broker answers the question for its end offsets with the start of the last batch plus one; its fetch answers
        carry the truth. On Apache Kafka both say the same.
        """
        tps = {key: TopicPartition(self._settings.topic(key[0]), key[1]) for key in ends}
        self._reader.assign(list(tps.values()))  # a fresh assignment: what earlier fetches said is forgotten
        for key, tp in tps.items():
            self._reader.seek(tp, ends[key])
        async with asyncio.timeout(_ANSWER_SECONDS_MAX):
            while any(self._reader.last_stable_offset(tp) is None for tp in tps.values()):
                await self._reader.getmany(timeout_ms=20)
        stable = {key: self._reader.last_stable_offset(tp) or 0 for key, tp in tps.items()}
        # Not unassigned: a client that is closed just after an assignment never gets to its end (its fetcher eats the cancel).
        self._reader.pause(*tps.values())
        return {key: max(end, stable[key]) for key, end in ends.items()}

    async def _create(self, topic: str, copies: int) -> None:
        name, partitions = self._settings.topic(topic), self._settings.partitions
        config = _DEAD_LETTER_CONFIG if topic == DEAD_LETTERS else _EVENT_CONFIG
        code, message = await self._create_with(NewTopic(name, partitions, copies, topic_configs=config))
        if code in _CONFIG_REFUSED:
            code, message = await self._create_with(NewTopic(name, partitions, copies))
        if code not in (0, _ALREADY_EXISTS):
            raise KafkaUnavailable(f"Kafka did not create topic {name}: {message or for_code(code).__name__}")

    async def _create_with(self, topic: NewTopic) -> tuple[int, str]:
        response = await self._asked(self._admin.create_topics([topic]))
        _, code, *message = response.topic_errors[0]
        return code, str(message[0] or "") if message else ""

    async def _asked(self, question: Any) -> Any:
        try:
            return await question
        except (KafkaError, OSError, TimeoutError) as error:
            raise unavailable(self._settings, error) from None


class Sender:
    """Writes many records fast: `async with Sender(settings) as sender`, `put`, and at the end `flush`.

    Records are gathered into batches of 256 KiB per partition, at most 32 of them unacknowledged. A key goes to the partition
    that the Java client would choose, so that a user stays where other producers put them. `acknowledged` counts records, and
    `written` knows where they stand.
    """

    def __init__(
        self, settings: Settings, *, on_acknowledged: Callable[[int], None] = lambda records: None
    ) -> None:
        self._settings = settings
        self._producer = producer(settings)
        self._on_acknowledged = on_acknowledged
        self._open: dict[tuple[str, int], BatchBuilder] = {}
        self._sent: deque[tuple[asyncio.Future[Any], int, str, int]] = deque()
        self._counts: dict[str, int] = {}
        self._turn = 0
        self.acknowledged = 0
        self.written = Written()

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            raise await no_start(self._settings, error) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for future, *_ in self._sent:
            future.cancel()  # only what an error left behind: `flush` leaves nothing
        await self._producer.stop()

    async def put(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Takes one record for `topic` (without prefix); waits only while too much is unacknowledged."""
        count = self._counts.get(topic) or await self._count(topic)
        if key is None:
            self._turn += 1
        target = (topic, (_hash_of(key) if key is not None else self._turn) % count)
        builder = self._open.get(target)
        if builder is None:
            builder = self._open[target] = self._producer.create_batch()
        if builder.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
            await self._send(target)
            builder = self._open[target] = self._producer.create_batch()
            # The first record of a batch always fits.
            builder.append(timestamp=None, key=key, value=value, headers=list(headers))

    async def flush(self) -> None:
        """Returns when Kafka has acknowledged everything that was put; KafkaUnavailable when it does not."""
        for target in list(self._open):
            await self._send(target)
        while self._sent:
            await self._settle()

    async def _send(self, target: tuple[str, int]) -> None:
        builder = self._open.pop(target)
        topic, partition = target
        records = builder.record_count()
        builder.close()
        try:
            future = await self._producer.send_batch(
                builder, self._settings.topic(topic), partition=partition
            )
        except (KafkaError, OSError) as error:
            raise unavailable(self._settings, error) from None
        self._sent.append((future, records, topic, partition))
        while len(self._sent) > _UNACKNOWLEDGED_MAX or (self._sent and self._sent[0][0].done()):
            await self._settle()

    async def _settle(self) -> None:
        future, records, topic, partition = self._sent.popleft()
        try:
            first = (await future).offset
        except (KafkaError, OSError) as error:
            raise unavailable(self._settings, error) from None
        self.acknowledged += records
        self.written.add(topic, partition, first, records)
        self._on_acknowledged(records)

    async def _count(self, topic: str) -> int:
        name = self._settings.topic(topic)
        try:
            partitions = await self._producer.partitions_for(name)
        except (KafkaError, OSError) as error:
            raise unavailable(self._settings, error) from None
        self._counts[topic] = len(partitions)
        return len(partitions)


def by_key(key: bytes, partitions: Sequence[int], available: Sequence[int]) -> int:
    """The partition that the Java client would choose: a partitioner for `producer`, many times as fast as aiokafka's own."""
    return partitions[_hash_of(key) % len(partitions)]


@lru_cache(maxsize=65_536)
def _hash_of(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF
