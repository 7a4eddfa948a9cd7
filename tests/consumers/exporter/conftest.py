"""A store that holds two apps, and an empty one."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from consumers.local.servers import Missing
from stream.store.redis import RedisStore
from tests.consumers.exporter.filled import both, fill
from tests.servers import Valkey, missing


@pytest.fixture
async def empty(valkey: Valkey) -> AsyncIterator[RedisStore]:
    """Nothing is counted."""
    store = RedisStore.connect(valkey.url)
    yield store
    await store.aclose()


@pytest.fixture(scope="module")
def filled_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """Filled once, since nobody who asks changes anything."""
    try:
        server = Valkey(tmp_path_factory.mktemp("valkey"))
    except Missing as error:
        missing(str(error))
    server.start()

    async def fill_it() -> None:
        store = RedisStore.connect(server.url)
        await fill(store, server.url, *both())
        await store.aclose()

    asyncio.run(fill_it())
    yield server
    server.kill()


@pytest.fixture
async def store(filled_valkey: Valkey) -> AsyncIterator[RedisStore]:
    """The history of two apps is counted, and no worker runs."""
    store = RedisStore.connect(filled_valkey.url)
    yield store
    await store.aclose()
