"""How does a test that may not run a loop get an interface to ask? It is served from another thread, over a store in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from consumers.api.app import Api
from consumers.settings import Settings
from consumers.web import serve
from stream.store.memory import MemoryStore
from tests.consumers.api.test_api import NOW_MS, FakeKafka
from tests.strategies import Record
from tests.stream.report.counted import counted


@contextmanager
def served(
    records: Iterable[Record] = (), *, store: MemoryStore | None = None, now_ms: int = NOW_MS, **settings: Any
) -> Iterator[str]:
    """The URL of an API over a store, or one that has counted the records."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> Any:
        api = Api(Settings(**settings), store or await counted(*records), FakeKafka().open, lambda: now_ms)
        return await serve(api.application(lambda: b"up 1\n"), "127.0.0.1", 0)

    running = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    yield running.url
    asyncio.run_coroutine_threadsafe(running.stop(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
