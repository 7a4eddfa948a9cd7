"""What we override or rely on in Faust and aiokafka is no public interface: here it is pinned, so that an upgrade fails loudly."""

import inspect
from collections.abc import AsyncIterator
from typing import Any

import aiokafka
import pytest
from aiokafka.consumer import fetcher
from aiokafka.consumer.subscription_state import TopicPartitionState
from faust import streams
from faust.app.base import App
from faust.tables import recovery
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.threads import ServiceThread

from consumers.ingest.agents import Counter
from consumers.ingest.app import build_app
from consumers.ingest.fetching import SliceThread
from consumers.ingest.slices import RecordSlice
from consumers.ingest.transport import SliceConsumer, SliceTransport
from consumers.settings import Settings
from tests.consumers.ingest.rig import Recorder, no_letters

# What a class of ours overrides, and with which parameters its base class has it.
OVERRIDDEN: list[tuple[type, type, str, list[str]]] = [
    (SliceThread, driver.AIOKafkaConsumerThread, "__post_init__", ["self"]),
    (SliceThread, driver.AIOKafkaConsumerThread, "_create_worker_consumer", ["self", "transport"]),
    (SliceThread, driver.AIOKafkaConsumerThread, "_commit", ["self", "offsets"]),
    (
        SliceThread,
        driver.AIOKafkaConsumerThread,
        "_fetch_records",
        ["self", "consumer", "active_partitions", "timeout", "max_records"],
    ),
    (SliceThread, driver.AIOKafkaConsumerThread, "on_start", ["self"]),
    (SliceThread, driver.AIOKafkaConsumerThread, "on_thread_stop", ["self"]),
    (SliceThread, driver.AIOKafkaConsumerThread, "on_partitions_revoked", ["self", "revoked"]),
    (SliceThread, ServiceThread, "on_crash", ["self", "msg", "fmt", "kwargs"]),
    (SliceConsumer, driver.Consumer, "_new_consumer_thread", ["self"]),
    (SliceConsumer, driver.Consumer, "_to_message", ["self", "tp", "record"]),
    (SliceConsumer, Consumer, "seek_to_committed", ["self"]),
    (SliceConsumer, Consumer, "on_partitions_revoked", ["self", "revoked"]),
    (SliceConsumer, Consumer, "_new_offset", ["self", "tp"]),
    (SliceConsumer, Consumer, "_add_gap", ["self", "tp", "offset_from", "offset_to"]),
    (SliceConsumer, Consumer, "on_buffer_full", ["self", "tp"]),
    (SliceConsumer, Consumer, "on_buffer_drop", ["self", "tp"]),
]


@pytest.mark.parametrize(
    ("ours", "base", "name", "parameters"),
    OVERRIDDEN,
    ids=lambda value: str(getattr(value, "__name__", value)),
)
def test_what_we_override_is_still_there(ours: type, base: type, name: str, parameters: list[str]) -> None:
    assert issubclass(ours, base)
    assert list(inspect.signature(getattr(base, name)).parameters) == parameters
    assert name in vars(ours)


def test_we_override_nothing_else() -> None:
    listed = {(ours, name) for ours, _, name, _ in OVERRIDDEN} | {
        (SliceConsumer, "__init__"),
        (SliceTransport, "__init__"),
    }
    for ours in (SliceThread, SliceConsumer, SliceTransport):
        inherited = {
            name
            for base in ours.__mro__[1:]
            for name, value in vars(base).items()
            if inspect.isfunction(value)
        }
        found = {
            name for name, value in vars(ours).items() if inspect.isfunction(value) and name in inherited
        }
        assert {(ours, name) for name in found} <= listed


def source(thing: Any) -> str:
    return inspect.getsource(thing)


def test_the_client_takes_what_we_set_between_making_and_starting_it() -> None:
    made, started = source(aiokafka.AIOKafkaConsumer.__init__), source(aiokafka.AIOKafkaConsumer.start)
    for attribute in ("_isolation_level", "_fetch_max_wait_ms", "_fetch_max_bytes"):
        assert f"self.{attribute} =" in made
        assert f"=self.{attribute}" in started


def test_the_fetcher_has_what_we_reach_into() -> None:
    made = source(fetcher.Fetcher.__init__)
    for attribute in (
        "_records",
        "_subscriptions",
        "_max_partition_fetch_bytes",
        "_wait_consume_future",
        "_closed",
    ):
        assert f"self.{attribute} =" in made
    assert "self._max_partition_fetch_bytes" in source(fetcher.Fetcher._get_actions_per_node)
    assert list(inspect.signature(fetcher.FetchResult.getall).parameters) == ["self", "max_records"]
    assert list(inspect.signature(fetcher.Fetcher._create_fetch_waiter).parameters) == ["self"]
    assert list(inspect.signature(fetcher.Fetcher._notify).parameters) == ["self", "future"]
    assert list(inspect.signature(fetcher.Fetcher.fetched_records).parameters) == [
        "self",
        "partitions",
        "timeout",
        "max_records",
    ]
    assert isinstance(TopicPartitionState.position, property)
    assert isinstance(TopicPartitionState.has_valid_position, property)
    assert "self.highwater = " in source(TopicPartitionState.__init__)


def test_a_seek_makes_what_was_fetched_before_void() -> None:
    assert "position != self._partition_records.next_fetch_offset" in source(
        fetcher.FetchResult.check_assignment
    )


def test_the_seek_must_not_wait_because_a_time_out_ends_the_recovery_task() -> None:
    assert "raise ServiceStopped()" in source(recovery.Recovery._wait)
    assert "consumer.perform_seek(), timeout=" in source(recovery.Recovery._resume_streams)


def test_the_drain_loop_keeps_read_offsets_as_a_mapping() -> None:
    drain = source(Consumer._drain_messages)
    assert "get_read_offset = self._read_offset.__getitem__" in drain
    assert "set_read_offset = self._read_offset.__setitem__" in drain
    assert "if r_offset is None or offset >= r_offset" in drain


def test_streams_are_the_compiled_ones() -> None:
    # The pure Python iterator acks messages of an old generation; the compiled one drops them.
    assert streams._CStreamIterator is not None


def test_the_app_can_be_kept_from_making_directories() -> None:
    assert list(inspect.signature(App._create_directories).parameters) == ["self"]


async def no_ends() -> dict[tuple[str, int], int]:
    return {}


@pytest.fixture
async def app() -> AsyncIterator[Any]:
    settings = Settings(
        kafka="localhost:1",
        redis_url="redis://localhost",
        user_id_secret="0123456789abcdef",
        topic_prefix="p.",
    )
    counter = Counter(Recorder(), no_letters, lambda outcome, topic: None, no_ends)
    app = build_app(settings, counter, ["installs", "sessions"])
    yield app
    app.consumer._thread.thread_loop.close()


async def test_a_slice_passes_through_the_raw_serializers_as_it_is(app: Any) -> None:
    piece = RecordSlice(TP("p.sessions", 1), 5, 9, [], 0, 1)
    message = app.consumer._to_message(piece.tp, piece)
    topic = app.topic("p.sessions", key_serializer="raw", value_serializer="raw")
    event = await topic.decode(message, propagate=True)
    assert event.value is piece
    assert (message.tp, message.offset) == (piece.tp, 8)


async def test_the_app_is_set_up_so_that_nothing_is_acked_that_failed(app: Any) -> None:
    conf = app.conf
    assert conf.agent_supervisor.__name__ == "CrashingSupervisor"
    assert (
        conf.stream_wait_empty,
        conf.web_enabled,
        conf.topic_disable_leader,
        conf.topic_allow_declare,
    ) == (True, False, True, False)
    assert conf.consumer_auto_offset_reset == "earliest"
    assert conf.processing_guarantee.value == "at_least_once"
    assert isinstance(app.consumer, SliceConsumer)
    assert sorted(app.agents) == ["count-p.installs", "count-p.sessions"]
    assert {agent.concurrency for agent in app.agents.values()} == {1}


async def test_only_what_is_counted_may_be_committed(app: Any) -> None:
    consumer, tp = app.consumer, TP("p.sessions", 0)
    dropped, counted = RecordSlice(tp, 0, 10, [], 0, 0), RecordSlice(tp, 10, 20, [], 0, 0)
    consumer._acked[tp] = [9]
    assert consumer._new_offset(tp) is None
    consumer.counted(counted)
    consumer._acked[tp] = [9, 19]
    assert consumer._new_offset(tp) == 20
    consumer._thread.epochs[tp] = 1
    consumer.counted(dropped)
    assert not consumer.is_current(dropped)
    assert consumer._new_offset(tp) == 20
