"""Which stores is the suite run against? The in-memory one; Redis with one shard and with three, also remembering; a cluster."""

from collections.abc import AsyncIterator

import pytest

from stream.store.memory import MemoryStore
from stream.store.protocol import Store
from stream.store.redis import RedisStore


@pytest.fixture(
    params=["memory", "memory-3", "redis", "redis-3", "remembering", "remembering-3", "cluster-16"]
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    kind, _, shards = request.param.partition("-")
    opened: Store
    if kind == "memory":
        opened = MemoryStore(int(shards or 1))
    else:
        bytes_max = 1 << 20 if kind == "remembering" else 0
        url = request.getfixturevalue("masters" if kind == "cluster" else "valkey").url
        opened = RedisStore.connect(url, int(shards or 1), remembers_bytes_max=bytes_max)
    yield opened
    await opened.aclose()
