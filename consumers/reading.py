"""How are the rows of a file or a pipe read while others wait for them? In a thread, which hands over what it has read whenever no
more is there just now, and can be told to stop in the middle of waiting."""

import asyncio
import io
import os
import select
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

CHUNK_ROWS_MAX = 2_000
CHUNKS_MAX = 4
_BUFFER_BYTES = 256 * 1024

Rows = Callable[[io.BufferedReader], Iterator[Any]]


class Chunk(NamedTuple):
    """Rows in the order of the file; `is_all` says that no more are there just now, so that nobody should wait for a fuller one."""

    rows: list[Any]
    is_all: bool


class _Stopped(Exception):
    pass


class _End(NamedTuple):
    error: Exception | None


class _Source(io.RawIOBase):
    """The file, which tells before it waits, and waits no longer than until it is stopped."""

    def __init__(self, file: io.FileIO, on_wait: Callable[[], None]) -> None:
        self._file, self._on_wait = file, on_wait
        self._stopped, self._stopping = os.pipe()
        self.taken_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        ready = self._ready(0)
        if not ready:
            self._on_wait()
            ready = self._ready(None)
        if self._stopped in ready:
            raise _Stopped  # no end of the file: the row that was begun would look like a whole one
        count: int | None = self._file.readinto(buffer)
        self.taken_bytes += count or 0
        return count

    def _ready(self, seconds: int | None) -> list[Any]:
        files: list[Any] = [self._file, self._stopped]
        return select.select(files, [], [], seconds)[0]

    def stop(self) -> None:
        """Ends the reading, also where it waits."""
        if self._stopping >= 0:
            os.close(self._stopping)
            self._stopping = -1

    def dispose(self) -> None:
        """Gives back what it holds; the file belongs to whoever opened it."""
        self.stop()
        os.close(self._stopped)


class Reading:
    """Reads rows in a thread: `async with Reading(file, rows) as reading`, then `async for chunk in reading.chunks()`.

    file   an unbuffered file, pipe or terminal
    rows   makes the rows out of it; what that raises, `chunks` raises behind the rows that came before

    At most CHUNKS_MAX chunks of CHUNK_ROWS_MAX rows wait to be taken.
    """

    def __init__(self, file: io.FileIO, rows: Rows) -> None:
        self._rows = rows
        self._source = _Source(file, on_wait=self._told_to_wait)
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Chunk | _End] = asyncio.Queue(CHUNKS_MAX)
        self._thread = threading.Thread(target=self._read, name="reading", daemon=True)
        self._gathered: list[Any] = []
        self._is_all_told = True
        self._is_over = False

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        while not self._is_over:
            await self._next()
        await asyncio.to_thread(self._thread.join)  # its last word is still being handed over by this loop
        self._source.dispose()

    @property
    def taken_bytes(self) -> int:
        """How much of the file was read."""
        return self._source.taken_bytes

    def stop(self) -> None:
        """No more is read; what was read until now is still handed over, without a row that was only begun."""
        self._source.stop()

    async def chunks(self) -> AsyncIterator[Chunk]:
        """The rows, until the file ends or the reading is stopped."""
        while isinstance(found := await self._next(), Chunk):
            yield found
        if found.error is not None:
            raise found.error

    async def _next(self) -> Chunk | _End:
        found = await self._queue.get()
        self._is_over = isinstance(found, _End)
        return found

    def _read(self) -> None:
        error: Exception | None = None
        try:
            for row in self._rows(io.BufferedReader(self._source, _BUFFER_BYTES)):
                self._gathered.append(row)
                if len(self._gathered) == CHUNK_ROWS_MAX:
                    self._hand_over(is_all=False)
        except _Stopped:
            pass
        except Exception as broken:
            error = broken  # raised where the rows are taken
        self._told_to_wait()  # the end, too, is a place where no more is there
        self._put(_End(error))

    def _told_to_wait(self) -> None:
        if self._gathered or not self._is_all_told:
            self._hand_over(is_all=True)

    def _hand_over(self, *, is_all: bool) -> None:
        rows, self._gathered, self._is_all_told = self._gathered, [], is_all
        self._put(Chunk(rows, is_all))

    def _put(self, found: Chunk | _End) -> None:
        asyncio.run_coroutine_threadsafe(self._queue.put(found), self._loop).result()
