"""How does a test wait for something, and how does it put trouble between a client and its server?"""

import asyncio
import contextlib
import inspect
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

POLL_SECONDS = 0.02


async def wait_until(
    condition: Callable[[], Any | Awaitable[Any]], deadline_seconds: float = 10.0, *, what: str = ""
) -> Any:
    """Polls until the condition, plain or async, is true, and gives what it gave; AssertionError after the deadline.

    An OSError in the condition counts as false: a server that is not there yet is what tests wait for.
    """
    give_up = time.monotonic() + deadline_seconds
    last: Any = None
    while True:
        try:
            last = condition()
            if inspect.isawaitable(last):
                last = await last
            if last:
                return last
        except OSError as error:
            last = error
        if time.monotonic() > give_up:
            raise AssertionError(
                f"not within {deadline_seconds:g} s: {what or inspect.getsource(condition).strip()} (last: {last!r})"
            )
        await asyncio.sleep(POLL_SECONDS)


def wait_until_now(condition: Callable[[], Any], deadline_seconds: float = 10.0, *, what: str = "") -> Any:
    """`wait_until` for tests that are not async."""
    return asyncio.run(wait_until(condition, deadline_seconds, what=what))


class Proxy:
    """A TCP proxy on this machine: `async with Proxy(server.port) as proxy`, then connect to `proxy.port`.

    latency_seconds   every chunk from the server comes so much later
    cut()             ends every connection at once
    refuse = True     new connections are closed at once; False lets them through again
    stall = True      nothing passes any more, connections stay; False lets it flow
    """

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self.latency_seconds = 0.0
        self.refuse = False
        self.connections = 0
        self._flow = asyncio.Event()
        self._flow.set()
        self._target = (target_host, target_port)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None, "use `async with`"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def stall(self) -> bool:
        return not self._flow.is_set()

    @stall.setter
    def stall(self, stalled: bool) -> None:
        if stalled:
            self._flow.clear()
        else:
            self._flow.set()

    def cut(self) -> None:
        """Ends every open connection."""
        for writer in list(self._open):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if not self.refuse:
                await self._connect(reader, writer)
        writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection(*self._target)
        self._open |= {writer, here}
        try:
            done, pending = await asyncio.wait(
                [
                    asyncio.create_task(self._pump(reader, here, 0)),
                    asyncio.create_task(self._pump(there, writer, 1)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in pending:
                task.cancel()
            await asyncio.gather(*done, *pending, return_exceptions=True)
        finally:
            here.transport.abort()
            self._open -= {writer, here}

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, delayed: int) -> None:
        while chunk := await source.read(65536):
            if delayed and self.latency_seconds:
                await asyncio.sleep(self.latency_seconds)
            await self._flow.wait()
            target.write(chunk)
            await target.drain()
