"""Which stores is the suite run against?

The in-memory one; Valkey with one shard and with three, also remembering; a cluster of it; and over TLS, as a user with a password,
Debian's Redis.
"""

from collections.abc import AsyncIterator

import pytest

from stream.store.memory import MemoryStore
from stream.store.protocol import Store
from stream.store.redis import RedisStore
from stream.store.remembering import Remembers
from tests.redis_server import OWNER

SERVERS = {"cluster": "masters", "secure": "secure_redis"}


@pytest.fixture(
    params=[
        "memory",
        "memory-3",
        "redis",
        "redis-3",
        "remembering",
        "remembering-3",
        "cluster-16",
        "secure-3",
    ]
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    kind, _, shards = request.param.partition("-")
    opened: Store
    if kind == "memory":
        opened = MemoryStore(int(shards or 1))
    else:
        remembers = Remembers(1 << 20, lambda: 0.0) if kind in ("remembering", "secure") else None
        server = request.getfixturevalue(SERVERS.get(kind, "valkey"))
        url, trust = (server.url_of(OWNER), server.trust) if kind.startswith("secure") else (server.url, {})
        opened = RedisStore.connect(url, int(shards or 1), remembers=remembers, **trust)
    yield opened
    await opened.aclose()
