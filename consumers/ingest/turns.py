"""Whose turn is it? Work that may go on beside other work, a few at a time, and of what waits the oldest first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush


class Turns:
    """At most `at_once` turns are under way; of those who wait, the smallest `age` is next, and of equals who came first."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._came = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, age: int) -> AsyncIterator[None]:
        """Waits for a turn; it ends with the block."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(age)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, age: int) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._came += 1
        heappush(self._waiting, (age, self._came, called))
        try:
            await called
        except asyncio.CancelledError:
            if not called.cancelled():
                self._next()  # it was called just before, and somebody else may go
            raise

    def _next(self) -> None:
        while self._waiting:
            _, _, called = heappop(self._waiting)
            if not called.done():
                called.set_result(None)
                return
        self._free += 1
