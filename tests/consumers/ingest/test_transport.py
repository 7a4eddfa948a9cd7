"""The transport hands out slices from where the store says, once, whatever Kafka's commits say."""

import asyncio
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from consumers.ingest import fetching
from consumers.ingest.agents import SLICES_AT_ONCE
from consumers.ingest.slices import SLICES_PER_TOPIC_MAX
from consumers.ingest.transport import SliceConsumer
from consumers.kafka import Kafka
from consumers.settings import Settings
from tests.consumers.ingest.rig import Recorder, eventually, produce, running

pytestmark = pytest.mark.timeout(90)


async def ends(settings: Settings, topic: str = "sessions") -> dict[tuple[str, int], int]:
    async with Kafka(settings) as kafka:
        return await kafka.end_offsets([topic])


def waiting(app: Any) -> int:
    """Slices of sessions that were handed out and not yet counted."""
    budget = app.consumer.intake.budget
    return int(sum(count for topic, count in budget._slices.items() if topic.endswith("sessions")))


async def commit(settings: Settings, partition: int, offset: int) -> None:
    """Commits in the name of the worker's group."""
    client = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, group_id=settings.group, enable_auto_commit=False
    )
    await client.start()
    tp = TopicPartition(settings.topic("sessions"), partition)
    client.assign([tp])
    await client.commit({tp: offset})
    await client.stop()


async def test_every_record_comes_once_in_slices_that_join(settings: Settings) -> None:
    await produce(settings, "sessions", (b"%d" % n for n in range(8_000)))
    engine = Recorder()
    async with running(settings, engine):
        await eventually(lambda: len(engine.values) == 8_000)
    assert max(engine.offsets.values()) == 1
    assert len(engine.batches) <= 40, "records come in slices, not one by one"
    reached: dict[int, int] = {}
    for batch in engine.batches:
        assert batch.topic == "sessions"
        assert batch.first == reached.get(batch.partition, 0)
        reached[batch.partition] = batch.next
    assert engine.stored == await ends(settings)
    assert engine.ends == {("sessions", p): 2_000 for p in range(4)}


async def test_reading_begins_where_the_store_says(settings: Settings) -> None:
    await produce(settings, "sessions", (b"%d" % n for n in range(400)))
    engine = Recorder({("sessions", 0): 40, ("sessions", 1): 100, ("sessions", 2): 99})
    async with running(settings, engine):
        await eventually(lambda: len(engine.values) == 60 + 0 + 1 + 100)
    assert {where for where in engine.offsets if where[1] == 2} == {("sessions", 2, 99)}


async def test_a_commit_ahead_of_the_store_is_not_believed(settings: Settings) -> None:
    await produce(settings, "sessions", (b"%d" % n for n in range(400)))
    await commit(settings, 0, 90)
    engine = Recorder()
    async with running(settings, engine):
        await eventually(lambda: len(engine.values) == 400)


async def test_what_is_counted_is_committed_as_a_hint(settings: Settings) -> None:
    await produce(settings, "sessions", (b"%d" % n for n in range(400)))
    engine = Recorder()
    async with running(settings, engine):
        await eventually(lambda: len(engine.values) == 400)
    client = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, group_id=settings.group, enable_auto_commit=False
    )
    await client.start()
    found = [await client.committed(TopicPartition(settings.topic("sessions"), p)) for p in range(4)]
    await client.stop()
    assert found == [100, 100, 100, 100]


async def test_a_slice_after_the_stored_position_is_read_again_from_there(settings: Settings) -> None:
    await produce(settings, "sessions", (b"%d" % n for n in range(400)))
    engine = Recorder({("sessions", 0): 30})
    engine.starts[("sessions", 0)] = 60
    async with running(settings, engine):
        await eventually(lambda: len(engine.values) == 370)
    assert max(engine.offsets.values()) == 1
    assert engine.holes == []


async def test_an_agent_of_another_topic_runs_beside(settings: Settings) -> None:
    await produce(settings, "sessions", (b"%d" % n for n in range(400)))
    await produce(settings, "dead-letters", (b"%d" % n for n in range(50)))
    seen: list[tuple[int, bytes]] = []

    def extend(app: faust.App) -> None:
        @app.agent(app.topic(settings.topic("dead-letters"), value_serializer="raw", key_serializer="raw"))
        async def plain(stream: Any) -> None:
            async for event in stream.events():
                seen.append((event.message.offset, event.value))

    engine = Recorder()
    async with running(settings, engine, extend=extend):
        await eventually(lambda: len(engine.values) == 400 and len(seen) == 50)
        await produce(settings, "dead-letters", (b"late%d" % n for n in range(8)))
        await eventually(lambda: len(seen) == 58)
    async with running(settings, engine, extend=extend):  # Faust's own commits hold for it
        await produce(settings, "dead-letters", [b"last"])
        await eventually(lambda: len(seen) >= 59)
    assert [value for _, value in seen].count(b"last") == 1
    assert len(seen) == 59


async def test_three_topics_are_read_side_by_side(settings: Settings) -> None:
    topics = ("installs", "sessions", "purchases")
    for topic in topics:
        await produce(settings, topic, (b"%d" % n for n in range(100)))
    engine = Recorder()
    async with running(settings, engine, topics=topics):
        await eventually(lambda: len(engine.values) == 300)
    assert {batch.topic for batch in engine.batches} == set(topics)


async def test_two_partitions_of_a_topic_are_counted_at_once_but_no_partition_twice(
    settings: Settings,
) -> None:
    """One slice is decoded while the last calls of another are on their way; the recorder refuses two of one partition."""
    engine = Recorder()
    engine.gate.clear()
    values = [b"%d" % at for at in range(400)]
    await produce(settings, "sessions", values)
    async with running(settings, engine):
        await eventually(lambda: engine.in_work.total() == SLICES_AT_ONCE)
        engine.gate.set()
        await eventually(lambda: len(engine.values) == len(values))
    assert sorted(engine.values) == sorted(values)


async def test_waiting_bytes_stay_in_the_budget(settings: Settings) -> None:
    value = b"x" * 10_000
    await produce(settings, "sessions", (value for _ in range(3_000)))
    engine = Recorder()
    engine.gate.clear()
    most = 0
    async with running(settings, engine, budget_bytes=3_000_000) as app:
        budget = app.consumer.intake.budget
        await eventually(lambda: budget.bytes_waiting > 1_000_000)
        engine.gate.set()
        while len(engine.values) < 3_000:
            most = max(most, budget.bytes_waiting)
            await asyncio.sleep(0)
        await eventually(lambda: budget.bytes_waiting == 0)
    assert most <= 3_000_000 + 1_200_000, "the budget and the one slice that may go over it"


async def test_no_more_slices_wait_than_allowed(settings: Settings) -> None:
    engine = Recorder()
    engine.gate.clear()
    async with running(settings, engine) as app:
        await eventually(lambda: engine.assignments and app.counter.positions)
        for n in range(12):
            await produce(settings, "sessions", [b"%d" % n], partition=n % 4)
        await eventually(lambda: waiting(app) == SLICES_PER_TOPIC_MAX)
        engine.gate.set()
        await eventually(lambda: len(engine.values) == 12)


async def test_two_workers_share_and_hand_over(settings: Settings) -> None:
    stored: dict[tuple[str, int], int] = {}
    first, second = Recorder(stored), Recorder(stored)
    await produce(settings, "sessions", (b"%d" % n for n in range(400)))
    async with running(settings, first):
        await eventually(lambda: len(first.values) == 400)
        async with running(settings, second):
            await eventually(lambda: second.assignments and len(second.assignments[-1]) == 2)
            await eventually(lambda: len(first.assignments[-1]) == 2)
            await produce(settings, "sessions", (b"%d" % n for n in range(400)))
            await eventually(lambda: sum(stored.values()) == 800)
        await eventually(lambda: len(first.assignments[-1]) == 4)
        await produce(settings, "sessions", (b"%d" % n for n in range(400)))
        await eventually(lambda: sum(stored.values()) == 1_200)
    assert second.values
    assert first.gone
    # What was not counted yet when the partitions were given out again is read once more: the records make that a no-op.
    times = len(first.assignments) + len(second.assignments)
    assert max((first.offsets + second.offsets).values()) <= times
    assert len(first.offsets + second.offsets) == 1_200


async def test_markers_and_aborted_records_move_the_position_and_count_nowhere(
    kafka_settings: Settings,
) -> None:
    settings = kafka_settings
    client = AIOKafkaProducer(bootstrap_servers=settings.kafka, transactional_id=settings.group)
    await client.start()
    for round_ in range(6):
        await client.begin_transaction()
        for n in range(10):
            await client.send(settings.topic("sessions"), b"%d-%d" % (round_, n), partition=0)
        await client.flush()
        await (client.abort_transaction() if round_ % 2 else client.commit_transaction())
    await client.stop()
    engine = Recorder()
    async with running(settings, engine):
        await eventually(lambda: engine.stored.get(("sessions", 0)) == 66)  # 60 records and 6 markers
        assert sorted(engine.values) == sorted(b"%d-%d" % (r, n) for r in (0, 2, 4) for n in range(10))
    assert engine.stored[("sessions", 0)] == (await ends(settings))[("sessions", 0)]


async def test_a_slice_without_records_moves_the_position(kafka_settings: Settings) -> None:
    settings = kafka_settings
    engine = Recorder()
    async with running(settings, engine):
        await eventually(lambda: engine.assignments)
        client = AIOKafkaProducer(bootstrap_servers=settings.kafka, transactional_id=settings.group)
        await client.start()
        await client.begin_transaction()
        await client.send_and_wait(settings.topic("sessions"), b"never", partition=1)
        await client.abort_transaction()
        await client.stop()
        await eventually(lambda: engine.stored.get(("sessions", 1)) == 2)
    assert engine.values == []
    assert [batch.records for batch in engine.batches if batch.partition == 1] == [[]]


async def test_a_log_cut_by_its_retention_is_a_hole_once(kafka_settings: Settings) -> None:
    settings = kafka_settings
    await produce(settings, "sessions", (b"%d" % n for n in range(400)))
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    await admin.delete_records(
        {TopicPartition(settings.topic("sessions"), 0): RecordsToDelete(before_offset=70)}
    )
    await admin.close()
    engine = Recorder({("sessions", 0): 20})
    async with running(settings, engine):
        await eventually(lambda: len(engine.values) == 330)
    assert engine.holes == [50]
    assert max(engine.offsets.values()) == 1


async def test_without_the_seek_a_commit_ahead_of_the_store_loses_records(
    kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = kafka_settings
    await produce(settings, "sessions", (b"%d" % n for n in range(400)))
    await commit(settings, 0, 90)
    monkeypatch.setattr(AIOKafkaConsumer, "seek", lambda self, partition, offset: None)
    engine = Recorder()
    async with running(settings, engine):
        await eventually(lambda: len(engine.values) == 300)
        await produce(settings, "sessions", [b"later"], partition=0)
        await eventually(lambda: len(engine.values) == 301)
    assert engine.holes == [100]


@pytest.mark.parametrize("mutated", [False, True])
async def test_without_epochs_slices_from_before_a_seek_would_count(
    kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch, mutated: bool
) -> None:
    settings = kafka_settings
    await produce(settings, "sessions", (b"%d" % n for n in range(4_000)), partition=0)
    monkeypatch.setattr(fetching, "SLICE_RECORDS_MAX", 100)
    if mutated:
        monkeypatch.setattr(SliceConsumer, "is_current", lambda self, piece: True)
    engine = Recorder()
    engine.starts[("sessions", 0)] = 1_000
    engine.gate.clear()
    async with running(settings, engine) as app:
        await eventually(lambda: waiting(app) == SLICES_PER_TOPIC_MAX)
        engine.gate.set()
        await eventually(lambda: engine.stored.get(("sessions", 0)) == 4_000)
    assert bool(engine.holes) is mutated
    assert (max(engine.offsets.values()) == 1) is not mutated
