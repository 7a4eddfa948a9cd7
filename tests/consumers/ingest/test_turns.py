"""Of what waits the oldest goes first, never more than a few go at a time, and nobody takes a turn along who leaves."""

import asyncio
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from consumers.ingest.agents import FIRST, SLICES_AT_ONCE, Counter
from consumers.ingest.slices import RecordSlice
from consumers.ingest.turns import Turns
from stream.engine import RecordBatch
from tests.consumers.ingest.rig import Recorder, no_letters


class Walk:
    """Takes turns that end when they are told to, and notes who had one."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.began: list[int] = []
        self.ends: dict[int, asyncio.Event] = {}

    async def go(self, age: int) -> None:
        end = self.ends[age] = asyncio.Event()
        async with self.turns.turn(age):
            self.began.append(age)
            await end.wait()

    async def end(self, age: int) -> None:
        self.ends[age].set()
        await rest()


async def rest() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_oldest_of_those_who_wait_is_next_whoever_came_first() -> None:
    walk = Walk(Turns(2))
    async with asyncio.TaskGroup() as group:
        for age in (9, 8, 7, 3, 5):
            group.create_task(walk.go(age))
        await rest()
        assert walk.began == [9, 8]
        await walk.end(8)
        assert walk.began == [9, 8, 3]
        await walk.end(9)
        await walk.end(3)
        assert walk.began == [9, 8, 3, 5, 7]
        await walk.end(5)
        await walk.end(7)
        later = group.create_task(walk.go(1))
        await rest()
        assert walk.began[-1] == 1, "a turn that is free is taken at once"
        await walk.end(1)
        await later


async def test_who_is_cancelled_leaves_the_turn_to_the_next() -> None:
    walk = Walk(Turns(1))
    tasks = {age: asyncio.ensure_future(walk.go(age)) for age in (1, 2, 3, 4)}
    await rest()
    tasks[2].cancel()  # while it waits
    await rest()
    walk.ends[1].set()
    await asyncio.sleep(0)  # its turn is given to 3, which has not heard of it yet
    tasks[3].cancel()
    await rest()
    assert walk.began == [1, 4]
    tasks[4].cancel()  # while it has its turn
    await rest()
    last = asyncio.ensure_future(walk.go(5))
    await rest()
    assert walk.began == [1, 4, 5]
    await walk.end(5)
    await last
    await asyncio.gather(*tasks.values(), return_exceptions=True)


def piece(topic: str, partition: int, first: int, last: int) -> RecordSlice:
    records = [
        SimpleNamespace(offset=at, timestamp=ms, value=b"%d" % ms) for at, ms in enumerate((first, last))
    ]
    return RecordSlice(TP(topic, partition), 0, 2, records, 10, 0)


async def no_ends() -> dict[tuple[str, int], int]:
    return {}


def closed_gate() -> tuple[Recorder, Counter]:
    """A counter whose engine counts nothing until its gate is opened."""
    engine = Recorder()
    engine.gate.clear()
    return engine, Counter(engine, no_letters, lambda outcome, topic: None, no_ends)


async def test_slices_are_counted_as_kafka_got_them_and_installs_before_what_overlaps() -> None:
    engine, counter = closed_gate()
    some = [
        *(
            piece("purchases", at, 0, 0) for at in range(SLICES_AT_ONCE)
        ),  # these go first, since nobody else is there
        piece("sessions", 0, 10, 20),
        piece("sessions", 1, 30, 40),
        piece("purchases", 7, 11, 19),
        piece(FIRST, 0, 15, 90),
        piece(FIRST, 1, 25, 90),
        piece("sessions", 2, 12, 14),
    ]
    await counter.read_from({one.tp for one in some})
    consumer: Any = SimpleNamespace(is_current=lambda one: True, counted=lambda one: None)
    async with asyncio.TaskGroup() as group:
        for one in some:
            group.create_task(counter.settle(consumer, one))
        await rest()
        assert engine.in_work.total() == SLICES_AT_ONCE
        assert counter.in_work == {one.tp for one in some}, "who waits for a turn does not stand still"
        engine.gate.set()
    counted = [(batch.topic, batch.partition) for batch in engine.batches[SLICES_AT_ONCE:]]
    wanted = [("sessions", 2), (FIRST, 0), ("purchases", 7), ("sessions", 0), (FIRST, 1), ("sessions", 1)]
    assert counted == wanted


async def test_nothing_is_counted_before_what_is_to_be_over_before_it() -> None:
    engine, asked, over = Recorder(), [], asyncio.Event()

    async def before(batch: RecordBatch) -> None:
        asked.append((batch.topic, batch.partition, len(batch.records)))
        await over.wait()

    counter = Counter(engine, no_letters, lambda outcome, topic: None, no_ends, before=before)
    one = piece("sessions", 3, 1, 2)
    await counter.read_from({one.tp})
    consumer: Any = SimpleNamespace(is_current=lambda one: True, counted=lambda one: None)
    async with asyncio.TaskGroup() as group:
        group.create_task(counter.settle(consumer, one))
        await rest()
        assert (asked, engine.batches) == ([("sessions", 3, 2)], [])
        over.set()
    assert len(engine.batches) == 1


async def test_a_slice_that_was_taken_away_while_it_waited_is_not_counted() -> None:
    engine, counter = closed_gate()
    some = [piece("sessions", at, at, at) for at in range(SLICES_AT_ONCE + 1)]
    await counter.read_from({one.tp for one in some})
    current = {id(one) for one in some}
    consumer: Any = SimpleNamespace(is_current=lambda one: id(one) in current, counted=lambda one: None)
    async with asyncio.TaskGroup() as group:
        for one in some:
            group.create_task(counter.settle(consumer, one))
        await rest()
        current.remove(id(some[-1]))
        engine.gate.set()
    assert [batch.partition for batch in engine.batches] == list(range(SLICES_AT_ONCE))
