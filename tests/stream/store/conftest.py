"""Which stores is the suite run against? Both: the in-memory one, and Redis with one shard and with three."""

from collections.abc import AsyncIterator

import pytest

from stream.store.memory import MemoryStore
from stream.store.protocol import Store
from stream.store.redis import RedisStore


@pytest.fixture(params=["memory", "memory-3", "redis", "redis-3"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    kind, _, shards = request.param.partition("-")
    opened: Store
    if kind == "memory":
        opened = MemoryStore(int(shards or 1))
    else:
        opened = RedisStore.connect(request.getfixturevalue("valkey").url, int(shards or 1))
    yield opened
    await opened.aclose()
