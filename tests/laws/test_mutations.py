"""Does each mechanism matter? It is switched off, and the same runs that were green turn red.

offset compare    a position moves only from where its mover believes it to be
record compare    a record is written only over the one that it was planned against
seek              a partition is read from where the store says, at the start and at a hole
watchdog          a store that went back while nothing came is noticed, and the process ends
lineage           a position moves only in a state that holds what its mover has written and read
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

import pytest

from stream.engine import Engine, RecordBatch
from stream.store.memory import MemoryStore
from stream.store.protocol import Position, Progress
from tests.laws.checks import check_world, oracle_of
from tests.laws.profiles import LIMIT
from tests.laws.world import Log, Nemesis, Partition, World
from tests.strategies import APP, GARBAGE, Record, Story

pytestmark = LIMIT
RUNS = 40
START_MS = 1_709_164_800_000  # 2024-02-29T00:00:00Z
LATER_MS = START_MS + 10 * 86_400_000


class NoOffsetCompare(MemoryStore):
    """Positions move whoever moves them."""

    async def advance(self, shard: int, progress: Progress) -> Position | None:
        now = (await self.shard_positions())[shard].get(progress.partition)
        return await super().advance(
            shard, Progress(progress.partition, now, progress.position, progress.totals)
        )


class NoRecordCompare(MemoryStore):
    """The last one to write a record wins."""

    @staticmethod
    def _same(*args: Any) -> bool:
        return True


class NoLineage(MemoryStore):
    """Nobody remembers what was seen."""

    def _mark(self, shard: int, *, new: bool = False) -> None:
        pass


class NoWatchdog(Engine):
    """Never asks the store whether it still holds what was counted."""

    async def check_progress(self) -> None:
        pass


class KafkaAhead(World):
    """Starts where Kafka's committed offset says, which may be ahead of the store; a hole is still sought.

    At least one record is left to come: a hole shows only when something comes after it.
    """

    async def _assigned(self, engine: Engine, partitions: Sequence[Partition]) -> dict[Partition, int]:
        stored = await engine.assigned(partitions)
        last = {where: records[-1].offset for where, records in self.log.partitions.items() if records}
        return {where: min(self.fetched.get(where, at), last.get(where, at)) for where, at in stored.items()}


class NoSeek(KafkaAhead):
    """And a hole is not sought either."""

    def _sought(self, batch: RecordBatch, position: int) -> int:
        return batch.first


def story(seed: int) -> Story:
    """Few users, many events, some garbage."""
    rng = random.Random(seed)
    records = []
    for number in range(30):
        fields = {
            "event_id": str(number),
            "app_id": APP,
            "user_id": rng.choice("abc"),
            "timestamp": START_MS + rng.randrange(6 * 86_400_000),
            "country": rng.choice(["US", "DE"]),
        }
        records.append(
            Record(rng.choice(["installs", "sessions", "sessions"]), json.dumps(fields).encode(), LATER_MS)
        )
    records += [Record(topic, value, LATER_MS) for topic, value, _ in rng.sample(GARBAGE[:8], 3)]
    return Story("UTC", date(2024, 2, 29), tuple(records))


def flush_when_all_is_counted(store: MemoryStore, log: Log) -> Nemesis:
    async def nemesis(turn: Callable[[], Any]) -> None:
        empty = store.snapshot()
        ends = {where: end for where, end in log.ends.items() if end}
        while {where: at.next for where, at in (await store.positions()).items()} != ends:
            await turn()
        store.restore(empty)

    return nemesis


def rollback_at_any_moment(store: MemoryStore, rng: random.Random) -> Nemesis:
    async def nemesis(turn: Callable[[], Any]) -> None:
        for _ in range(rng.randint(0, 40)):
            await turn()
        before = store.snapshot()
        for _ in range(rng.randint(0, 40)):
            await turn()
        store.restore(before)

    return nemesis


async def run(
    *,
    store: Callable[[], MemoryStore] = MemoryStore,
    world: Callable[..., World] = World,
    flush: bool = False,
    rollback: bool = False,
    **how: Any,
) -> None:
    """The checker: many seeded runs, each compared with the oracle."""
    for seed in range(RUNS):
        rng, its, told = random.Random(seed), store(), story(seed)
        log = Log(told.records, rng)
        nemesis = flush_when_all_is_counted(its, log) if flush else None
        nemesis = rollback_at_any_moment(its, rng) if rollback else nemesis
        one = world(log, its, rng, nemesis=nemesis, **how)
        await one.run()
        await check_world(one, oracle_of(told))


# Everything is counted, nobody is in the middle of a batch, and then the store is empty.
SILENCE: dict[str, Any] = {"flush": True, "zombies": False, "kill_rate": 0.0, "outage_rate": 0.0}
green = pytest.mark.parametrize(
    "runs",
    [
        pytest.param(partial(run), id="crashes and zombies"),
        pytest.param(partial(run, zombies=False, kill_rate=0.1), id="many crashes"),
        pytest.param(partial(run, world=KafkaAhead, kill_rate=0.1), id="Kafka ahead of the store"),
        pytest.param(partial(run, **SILENCE), id="flush in silence"),
        pytest.param(partial(run, rollback=True), id="rollback at any moment"),
    ],
)
red = pytest.mark.parametrize(
    "runs",
    [
        pytest.param(partial(run, store=NoOffsetCompare), id="no offset compare"),
        pytest.param(partial(run, store=NoRecordCompare), id="no record compare"),
        pytest.param(partial(run, world=NoSeek, kill_rate=0.1), id="no seek"),
        pytest.param(partial(run, **SILENCE, engine_class=NoWatchdog), id="no watchdog"),
        pytest.param(partial(run, rollback=True, store=NoLineage), id="no lineage"),
    ],
)


@green
async def test_with_all_mechanisms_every_run_is_right(runs: Callable[[], Any]) -> None:
    await runs()


@red
async def test_without_one_mechanism_some_run_is_wrong(runs: Callable[[], Any]) -> None:
    with pytest.raises(AssertionError):
        await runs()
