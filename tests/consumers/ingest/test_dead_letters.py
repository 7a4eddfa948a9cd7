"""What cannot be counted is in Kafka, whole, before its offset moves."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord

from consumers.ingest.dead_letters import DeadLetters
from consumers.ingest.worker import build_engine
from consumers.kafka import DEAD_LETTER_BYTES_MAX, DEAD_LETTERS, producer, reader
from consumers.letters import CUT_BYTES
from consumers.settings import Settings
from stream.engine import DeadLetter
from stream.events.reasons import Reason
from stream.store.memory import MemoryStore
from tests.consumers.ingest.rig import Recorder, eventually, produce, running
from tests.servers import ApacheKafka

pytestmark = pytest.mark.timeout(90)


def dead(
    value: bytes | None, *, key: bytes | None = b"k", headers: Any = (), offset: int = 7, field: str = ""
) -> DeadLetter:
    record = ConsumerRecord("sessions", 2, offset, 0, 0, key, value, None, 0, 0, tuple(headers))
    return DeadLetter(record, "sessions", 2, Reason.NOT_JSON, field)


async def letters(settings: Settings, count: int) -> list[Any]:
    """The first so many dead letters."""
    client = reader(settings)
    client.subscribe([settings.topic(DEAD_LETTERS)])
    await client.start()
    found: list[Any] = []
    try:
        async with asyncio.timeout(40):
            while len(found) < count:
                for records in (await client.getmany(timeout_ms=200)).values():
                    found += records
    finally:
        await client.stop()
    return found


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    client = producer(settings)
    await client.start()
    yield client
    await client.stop()


@pytest.fixture
def mail(settings: Settings, client: AIOKafkaProducer) -> DeadLetters:
    return DeadLetters(client, settings.topic(DEAD_LETTERS))


async def test_a_letter_is_the_record_and_says_why_and_which(settings: Settings, mail: DeadLetters) -> None:
    await mail.deliver([dead(b"\xff not json", headers=[("trace", b"1")]), dead(b"{}", field="amount")])
    found, other = await letters(settings, 2)
    assert (found.key, found.value) == (b"k", b"\xff not json")
    about = [("reason", b"not_json"), ("topic", b"sessions"), ("partition", b"2"), ("offset", b"7")]
    assert list(found.headers) == [("trace", b"1"), *about, ("field", b"")]
    assert list(other.headers) == [*about, ("field", b"amount")]


async def test_a_record_without_value_or_key_is_a_letter(settings: Settings, mail: DeadLetters) -> None:
    await mail.deliver([dead(None, key=None)])
    [found] = await letters(settings, 1)
    assert (found.key or b"", found.value) == (b"", b"")
    assert dict(found.headers)["reason"] == b"not_json"


async def test_many_letters_take_few_requests(settings: Settings, mail: DeadLetters) -> None:
    began = time.monotonic()
    await mail.deliver([dead(b"%d" % n, offset=n) for n in range(5_000)])
    assert time.monotonic() - began < 10, "one request each would take a minute"
    assert {int(one.value) for one in await letters(settings, 5_000)} == set(range(5_000))


async def test_what_the_topic_refuses_is_cut_and_its_neighbours_are_not(
    settings: Settings, mail: DeadLetters
) -> None:
    value = b"x" * (DEAD_LETTER_BYTES_MAX + 1)
    await mail.deliver([dead(b"before"), dead(value, headers=[("h", b"y" * 70_000)]), dead(b"after")])
    found = {one.value[:6]: one for one in await letters(settings, 3)}
    assert found.keys() == {b"before", b"after", value[:6]}
    assert not any("size" in dict(found[whole].headers) for whole in (b"before", b"after"))
    cut = dict(found[b"xxxxxx"].headers)
    assert found[b"xxxxxx"].value == value[:CUT_BYTES]
    assert (cut["size"], cut["sha256"]) == (
        str(len(value)).encode(),
        hashlib.sha256(value).hexdigest().encode(),
    )
    assert (cut["reason"], cut["offset"], "h" in cut) == (b"not_json", b"7", False)
    assert (cut["key_size"], cut["headers_size"]) == (b"1", b"70001")


async def test_of_a_key_that_is_too_large_the_beginning_is_kept_and_of_the_value_all(
    settings: Settings, mail: DeadLetters
) -> None:
    key = b"k" * DEAD_LETTER_BYTES_MAX
    await mail.deliver([dead(b"v", key=key, headers=[("trace", b"1")])])
    [found] = await letters(settings, 1)
    said = dict(found.headers)
    assert (found.key, found.value, said["trace"]) == (key[:CUT_BYTES], b"v", b"1")
    assert (said["key_size"], said["size"]) == (str(len(key)).encode(), b"1")


class Refusing:
    """A producer whose first batch, of so many messages, is refused as a whole."""

    def __init__(self, first: int) -> None:
        self._first, self.taken = first, list[tuple[bytes, dict[str, bytes]]]()

    async def send(
        self, topic: str, value: bytes, *, key: bytes | None, headers: Any
    ) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        self._first -= 1
        if self._first >= 0:
            future.set_exception(MessageSizeTooLargeError())
        else:
            self.taken.append((value, dict(headers)))
            future.set_result(None)
        return future


async def test_a_small_letter_that_is_refused_beside_a_large_one_comes_again_whole() -> None:
    kafka: Any = Refusing(first=2)
    await DeadLetters(kafka, DEAD_LETTERS).deliver([dead(b"small"), dead(b"x" * (CUT_BYTES + 1))])
    found = dict(kafka.taken)
    assert found.keys() == {b"small", b"x" * CUT_BYTES}
    assert "size" not in found[b"small"]
    assert found[b"x" * CUT_BYTES]["size"] == b"%d" % (CUT_BYTES + 1)


async def test_ten_megabytes_go_whole(settings: Settings, mail: DeadLetters) -> None:
    value = b"x" * 10_000_000
    await mail.deliver([dead(value)])
    [found] = await letters(settings, 1)
    assert found.value == value


async def test_delivery_outlasts_a_broker_that_is_away(kafka: ApacheKafka, kafka_settings: Settings) -> None:
    client = producer(kafka_settings, request_timeout_ms=2_000)
    await client.start()
    kafka.stop()
    try:
        going = asyncio.create_task(
            DeadLetters(client, kafka_settings.topic(DEAD_LETTERS)).deliver([dead(b"patient")])
        )
        await asyncio.wait([going], timeout=4)
        assert not going.done()
    finally:
        kafka.start()
    await asyncio.wait_for(going, 40)
    await client.stop()
    assert (await letters(kafka_settings, 1))[0].value == b"patient"


async def test_no_offset_moves_before_the_letters_are_delivered(settings: Settings) -> None:
    await produce(settings, "sessions", [b"garbage"], partition=0)
    store = MemoryStore()
    held, delivered = asyncio.Event(), []

    async def deliver(letters: list[DeadLetter]) -> None:
        delivered.append([letter.record.value for letter in letters])
        await held.wait()

    async with running(settings, build_engine(settings, store, "log"), deliver=deliver):
        await eventually(lambda: delivered)
        assert (await store.positions()).get(("sessions", 0)) is None
        held.set()

        async def moved() -> bool:
            position = (await store.positions()).get(("sessions", 0))
            return position is not None and position.next == 1

        await eventually(moved)
    assert delivered == [[b"garbage"]]
    assert (await store.totals())["dead_letters"] == 1


async def test_garbage_of_every_kind_comes_to_the_agent_as_it_is(settings: Settings) -> None:
    values: list[bytes | None] = [
        None,
        b"",
        b"\x00\xff",
        b"[" * 10_000,
        b"x" * 2_000_000,
        b'{"__faust": {"ns": "x"}}',
    ]
    await produce(settings, "sessions", values, partition=0)
    engine = Recorder()
    async with running(settings, engine):
        await eventually(lambda: len(engine.values) == len(values))
    assert engine.values == values
