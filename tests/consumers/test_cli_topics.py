"""`retention topics`: what is missing is made as replay needs it, what is there stays."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from consumers.kafka import DEAD_LETTERS, REVISIONS
from stream.events.schema import TOPICS
from tests.consumers.cli import Command, command
from tests.servers import ApacheKafka

ALL = {*TOPICS, DEAD_LETTERS, REVISIONS}


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


def test_topics_are_created_once_and_left_alone_afterwards(retention: Command, kafka: ApacheKafka) -> None:
    prefix = kafka.prefix()
    for partitions, word in ((3, "created"), (5, "was there")):
        ran = retention("topics", KAFKA=kafka.bootstrap, TOPIC_PREFIX=prefix, PARTITIONS=partitions)
        assert ran.code == 0, ran.err
        assert set(ran.out.splitlines()) == {f"{prefix}{topic}: 3 partitions, {word}" for topic in ALL}


async def test_events_are_kept_for_ever_and_carry_the_time_of_the_broker(
    retention: Command, kafka: ApacheKafka
) -> None:
    prefix = kafka.prefix()
    assert (
        await asyncio.to_thread(retention, "topics", KAFKA=kafka.bootstrap, TOPIC_PREFIX=prefix)
    ).code == 0
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        said = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, prefix + "sessions")])
    finally:
        await admin.close()
    found = {entry[0]: entry[1] for entry in said[0].resources[0][4]}
    assert found["retention.ms"] == found["retention.bytes"] == "-1"
    assert found["message.timestamp.type"] == "LogAppendTime"


def test_without_a_broker_it_says_where_it_looked(retention: Command) -> None:
    ran = retention("topics", KAFKA="127.0.0.1:1")
    assert ran.code == 1
    assert "127.0.0.1:1" in ran.err
