"""What we ask of Kafka, on the embedded broker and on Apache Kafka: topics, end offsets, the log's identity, fast writes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)

from consumers.kafka import DEAD_LETTERS, REVISIONS, Kafka, Sender, producer, stored_records
from consumers.kafka_access import KafkaUnavailable, no_start, unavailable
from consumers.settings import Settings
from stream.events.schema import TOPICS
from tests.servers import Broker, KafkaLike, Valkey

ALL = {*TOPICS, DEAD_LETTERS, REVISIONS}


@pytest.fixture(params=["broker", "kafka"])
def server(request: pytest.FixtureRequest) -> KafkaLike:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.fixture
def settings(server: KafkaLike) -> Settings:
    idempotent = not isinstance(server, Broker)
    return Settings(
        kafka=server.bootstrap, topic_prefix=server.prefix(), kafka_idempotence=idempotent, partitions=3
    )


async def test_topics_are_made_once_and_left_as_they_are(settings: Settings) -> None:
    async with Kafka(settings) as kafka:
        assert set(await kafka.ensure_topics()) == ALL
        assert await kafka.ensure_topics() == []
        assert await kafka.partitions([*ALL, "nothing"]) == dict.fromkeys(ALL, 3)
    async with Kafka(settings.model_copy(update={"partitions": 5})) as kafka:
        assert await kafka.ensure_topics() == []
        assert await kafka.partitions(["installs"]) == {"installs": 3}


async def test_a_log_says_who_it_is(settings: Settings, server: KafkaLike) -> None:
    async with Kafka(settings) as kafka:
        said = await kafka.log_id()
        assert said
        if isinstance(server, Broker):
            assert said == server.log_id


async def test_end_offsets_cover_every_acknowledged_record_batches_of_many_included(
    settings: Settings,
) -> None:
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
        assert set((await kafka.end_offsets(TOPICS)).values()) == {0}
        for total in (1_000, 1_500):
            async with Sender(settings) as sender:
                for number in range(500 if total == 1_500 else 1_000):
                    await sender.put("sessions", b"%d" % number, b"x" * 100)
                await sender.flush()
            ends = await kafka.end_offsets(TOPICS)
            assert sum(ends.values()) == total
            assert len(ends) == 3 * len(TOPICS)
        assert set((await kafka.begin_offsets(TOPICS)).values()) == {0}


async def test_a_topic_that_does_not_exist_has_no_offsets_and_is_not_made_by_asking(
    settings: Settings,
) -> None:
    async with Kafka(settings) as kafka:
        assert await kafka.end_offsets(["installs"]) == {}
        assert await kafka.partitions(["installs"]) == {}


async def test_what_is_sent_is_stored_with_keys_headers_and_order(settings: Settings) -> None:
    told: list[int] = []
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
    async with Sender(settings, on_acknowledged=told.append) as sender:
        for number in range(300):
            await sender.put("installs", b"user%d" % (number % 7), b"%d" % number, [("h", b"%d" % number)])
        await sender.put("installs", None, b"no key")
        await sender.put("installs", b"big", b"x" * 500_000)
        await sender.flush()
        assert sender.acknowledged == sum(told) == 302
    records = [record async for record in stored_records(settings, "installs")]
    assert len(records) == 302
    assert all(sender.written.holds("installs", record.partition, record.offset) for record in records)
    assert sender.written.stretches == len({record.partition for record in records}), "and no others"
    by_key: dict[bytes, list[int]] = {}
    for record in records:
        if record.headers:
            assert tuple(record.headers) == (("h", record.value),)
            by_key.setdefault(record.key, []).append(int(record.value))
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    places = {(record.key, record.partition) for record in records if record.headers}
    assert len(places) == 7, "a user stays in one partition"


async def test_the_partition_of_a_key_is_the_one_that_other_clients_choose(settings: Settings) -> None:
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
    async with Sender(settings) as sender:
        for number in range(20):
            await sender.put("installs", b"user%d" % number, b"ours")
        await sender.flush()
    theirs = producer(settings)
    await theirs.start()
    for number in range(20):
        await theirs.send_and_wait(settings.topic("installs"), b"theirs", key=b"user%d" % number)
    await theirs.stop()
    places = Counter(
        [(record.key, record.partition) async for record in stored_records(settings, "installs")]
    )
    assert set(places.values()) == {2}


async def test_a_dead_letter_of_12_mib_fits(settings: Settings) -> None:
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
    async with Sender(settings) as sender:
        await sender.put(DEAD_LETTERS, b"k", b"x" * 12 * 1024 * 1024)
        await sender.flush()
    assert [len(record.value) async for record in stored_records(settings, DEAD_LETTERS)] == [
        12 * 1024 * 1024
    ]


async def test_a_connection_ends_at_once_whatever_was_asked(settings: Settings) -> None:
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
    async with asyncio.timeout(10):
        for _ in range(5):
            async with Kafka(settings) as kafka:
                await kafka.end_offsets([DEAD_LETTERS])


async def test_a_cancel_that_the_client_lets_out_at_its_end_is_none_of_ours(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does so now and then when the broker has just gone, before it has closed its connections."""
    for ours in (False, True):
        kafka = Kafka(Settings(kafka=broker.bootstrap, kafka_idempotence=False))
        await kafka.start()
        close = kafka._reader._fetcher.close

        async def closed(close: Callable[[], Awaitable[None]] = close) -> None:
            await close()
            raise asyncio.CancelledError

        monkeypatch.setattr(kafka._reader._fetcher, "close", closed)
        stopping = asyncio.create_task(kafka.stop())
        if ours:
            await asyncio.sleep(0)
            stopping.cancel()
        await asyncio.wait([stopping])
        assert stopping.cancelled() == ours
        assert kafka._reader._client._conns == {} or ours
        await kafka._reader._client.close()
        await kafka._admin.close()


async def test_questions_may_be_asked_at_the_same_time(settings: Settings) -> None:
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
        found = await asyncio.gather(*(kafka.end_offsets(TOPICS) for _ in range(5)))
        assert all(ends == found[0] for ends in found)


async def said(settings: Settings) -> str:
    """What is said of a Kafka that no client can be started at."""
    lines = set()
    for client in (Kafka(settings), Sender(settings)):
        with pytest.raises(KafkaUnavailable) as caught:
            async with client:
                pass
        lines.add(str(caught.value))
    (line,) = lines
    return line


@pytest.mark.parametrize(
    ("servers", "why"),
    [
        ("127.0.0.1:1", "nothing listens at 127.0.0.1:1"),
        ("127.0.0.1:1,[::1]:1", "nothing listens at 127.0.0.1:1, nothing listens at [::1]:1"),
        ("no.such.host.invalid:9092", "there is no host no.such.host.invalid"),
    ],
)
async def test_nobody_there_is_one_line_that_says_why(servers: str, why: str) -> None:
    line = await said(Settings(kafka=servers))
    assert (
        line == f"Kafka at {servers} cannot be reached or refused ({why}); RETENTION_KAFKA says where it is"
    )


async def test_a_server_that_is_no_kafka_is_told_from_one_that_is_away(valkey: Valkey) -> None:
    line = str(await no_start(Settings(kafka=f"127.0.0.1:{valkey.port}"), KafkaConnectionError()))
    assert f"what listens at 127.0.0.1:{valkey.port} does not answer as Kafka does with " in line
    assert "RETENTION_KAFKA_SECURITY_PROTOCOL=PLAINTEXT" in line


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RequestTimedOutError(), "no answer in time"),
        (KafkaTimeoutError(), "no answer in time"),
        (KafkaConnectionError("Connection at 127.0.0.1:1 closed"), "no connection"),
        (TopicAuthorizationFailedError({"sessions"}), "it answers TOPIC_AUTHORIZATION_FAILED: {'sessions'}"),
        (OSError(113, "No route to host"), "No route to host"),
    ],
)
def test_what_a_call_came_to_is_said_in_words(error: Exception, words: str) -> None:
    assert f"cannot be reached or refused ({words}); RETENTION_KAFKA" in str(unavailable(Settings(), error))


async def test_a_broker_without_idempotent_producers_names_the_setting(broker: Broker) -> None:
    with pytest.raises(KafkaUnavailable, match="wants RETENTION_KAFKA_IDEMPOTENCE=false"):
        async with Sender(Settings(kafka=broker.bootstrap)):
            pass
