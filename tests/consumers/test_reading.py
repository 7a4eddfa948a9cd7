"""Rows of a pipe are handed over when no more is there just now, and a reading can be stopped in the middle of waiting."""

import asyncio
import contextlib
import io
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.cli.interrupting import SIGNALS, interruptible
from consumers.reading import CHUNK_ROWS_MAX, CHUNKS_MAX, Chunk, Reading
from tests.waiting import wait_until


def lines(file: io.BufferedReader) -> Iterator[str]:
    for line in file:
        yield line.decode().rstrip()


class Pipe:
    """Two ends: `file` is read, `say` writes."""

    def __init__(self) -> None:
        there, self._here = os.pipe()
        self.file = open(there, "rb", buffering=0)  # noqa: SIM115 closed by the fixture

    def say(self, data: bytes) -> None:
        os.write(self._here, data)

    def end(self) -> None:
        if self._here >= 0:
            os.close(self._here)
        self._here = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    found = Pipe()
    yield found
    found.end()
    found.file.close()


async def test_rows_of_a_pipe_are_handed_over_while_it_stays_open(pipe: Pipe) -> None:
    async with Reading(pipe.file, lines) as reading:
        chunks = reading.chunks()
        pipe.say(b"one\ntwo\nthr")
        assert await anext(chunks) == Chunk(["one", "two"], is_all=True)
        pipe.say(b"ee\n")
        assert await anext(chunks) == Chunk(["three"], is_all=True)
        pipe.end()
        assert [chunk async for chunk in chunks] == []
        assert reading.taken_bytes == len(b"one\ntwo\nthree\n")


async def test_who_is_stopped_hands_over_whole_rows_only(pipe: Pipe) -> None:
    async with Reading(pipe.file, lines) as reading:
        pipe.say(b"1.25\n12.")
        chunks = reading.chunks()
        assert await anext(chunks) == Chunk(["1.25"], is_all=True)
        reading.stop()
        reading.stop()
        assert [chunk async for chunk in chunks] == []


async def all_rows(chunks: AsyncIterator[Chunk]) -> list[Any]:
    return [row async for chunk in chunks for row in chunk.rows]


@pytest.mark.parametrize("number", [0, 1, CHUNK_ROWS_MAX, CHUNK_ROWS_MAX + 1, 3 * CHUNK_ROWS_MAX])
async def test_a_file_is_read_to_its_end_and_the_last_chunk_says_so(tmp_path: Path, number: int) -> None:
    path = tmp_path / "rows"
    path.write_text("".join(f"{at}\n" for at in range(number)))
    with path.open("rb", buffering=0) as file:
        async with Reading(file, lines) as reading:
            chunks = [chunk async for chunk in reading.chunks()]
    assert [row for chunk in chunks for row in chunk.rows] == [str(at) for at in range(number)]
    assert all(len(chunk.rows) <= CHUNK_ROWS_MAX for chunk in chunks)
    assert [chunk.is_all for chunk in chunks][-1:] == [True] * bool(number)


async def test_what_is_wrong_with_a_file_is_raised_behind_the_rows_that_came_before(pipe: Pipe) -> None:
    def broken(file: io.BufferedReader) -> Iterator[str]:
        yield "good"
        raise EOFError("cut")

    async with Reading(pipe.file, broken) as reading:
        chunks = reading.chunks()
        assert (await anext(chunks)).rows == ["good"]
        with pytest.raises(EOFError, match="cut"):
            await anext(chunks)


async def test_no_more_is_read_than_has_room(pipe: Pipe) -> None:
    made = 0

    def many(file: io.BufferedReader) -> Iterator[int]:
        nonlocal made
        while made < 20 * CHUNK_ROWS_MAX:
            made += 1
            yield made

    async with Reading(pipe.file, many) as reading:
        await wait_until(lambda: made == (CHUNKS_MAX + 1) * CHUNK_ROWS_MAX, what="one more than has room")
        await wait_until(reading._queue.full, what="the queue is full")
        assert made == (CHUNKS_MAX + 1) * CHUNK_ROWS_MAX
        assert len(await all_rows(reading.chunks())) == 20 * CHUNK_ROWS_MAX


async def test_whoever_leaves_in_the_middle_leaves_no_thread_behind(pipe: Pipe) -> None:
    pipe.say(b"row\n" * 10_000)
    with contextlib.suppress(KeyError):
        async with Reading(pipe.file, lines) as reading:
            await anext(reading.chunks())
            raise KeyError
    assert "reading" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_first_signal_is_told_and_the_next_one_is_as_before(number: signal.Signals) -> None:
    before = [signal.getsignal(one) for one in SIGNALS]
    told = asyncio.Event()
    with interruptible(told.set) as codes:
        assert [signal.getsignal(one) for one in SIGNALS] != before
        os.kill(os.getpid(), number)
        await told.wait()
        assert codes == [128 + number]
        assert [signal.getsignal(one) for one in SIGNALS] == before
    with interruptible(told.set) as codes:
        pass
    assert codes == []
    assert [signal.getsignal(one) for one in SIGNALS] == before
