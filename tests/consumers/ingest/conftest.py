"""Topics and a group of its own for every test, on the embedded broker, on Apache Kafka, or on both in turn."""

import asyncio
from typing import Any

import pytest

from consumers.kafka import Kafka
from consumers.settings import Settings
from tests.servers import KafkaLike


async def own(server: KafkaLike, **more: Any) -> Settings:
    """Settings that no other test has, and their topics."""
    name = server.prefix()
    settings = Settings(
        kafka=server.bootstrap,
        redis_url="redis://unused",
        user_id_secret="0123456789abcdef",
        topic_prefix=name,
        group=name,
        session_timeout_seconds=2,
        kafka_idempotence=False,
        partitions=4,
        worker_port=0,
        **more,
    )
    topics = ("installs", "sessions", "purchases", "dead-letters")
    async with Kafka(settings) as kafka, asyncio.timeout(15):
        await kafka.ensure_topics()
        while len(await kafka.partitions(topics)) < len(topics):
            await asyncio.sleep(0.05)
    return settings


@pytest.fixture(params=["broker", "kafka"])
def server(request: pytest.FixtureRequest) -> KafkaLike:
    """The embedded broker, then Apache Kafka."""
    return request.getfixturevalue(request.param)


@pytest.fixture
async def settings(server: KafkaLike) -> Settings:
    """On both servers."""
    return await own(server)


@pytest.fixture
async def kafka_settings(kafka: KafkaLike) -> Settings:
    """On Apache Kafka alone."""
    return await own(kafka)
