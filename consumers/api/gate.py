"""How many heavy questions are answered at once? A gate with a limit on who is inside and on who waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Crowded(Exception):
    """Too many wait already."""


class Gate:
    """At most `inside` at once, at most `waiting` before it, first come first served."""

    def __init__(self, inside: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(inside)
        self._room = inside + waiting
        self._present = 0

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """A place inside, when there is one. Raises Crowded at once when the queue is full."""
        if self._present >= self._room:
            raise Crowded
        self._present += 1
        try:
            async with self._places:
                yield
        finally:
            self._present -= 1
