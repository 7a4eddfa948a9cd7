"""How far is each topic-partition counted, and does the store still hold it? Positions live in the store, beside the numbers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from stream.store.protocol import Partition, Position, Progress, Store

log = logging.getLogger(__name__)

Insist = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
# Totals that move with a position, given from which offset on the batch is not counted yet.
TotalsFrom = Callable[[int], Mapping[str, int]]


class Hole(Exception):
    """A batch begins after the stored position, which was not sought yet. Seek to `position`, once."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the batch begins after the stored position {position}")
        self.position = position


class WentBack(Exception):
    """The store lost progress (failover, restore, flush): the process must end and start over from what the store holds."""


class _Shard(Struct):
    """One partition in one shard: what the store holds, and up to where this log is counted by it."""

    stored: Position | None
    counted: int


class Positions:
    """The positions of the partitions that this process reads."""

    def __init__(self, store: Store, log_id: str, insist: Insist) -> None:
        self._store = store
        self._log_id = log_id
        self._insist = insist
        self._known: dict[Partition, list[_Shard]] = {}
        self._sought: set[Partition] = set()

    async def assigned(
        self, partitions: Iterable[Partition], ends: Mapping[Partition, int] | None = None
    ) -> dict[Partition, int]:
        """Where each partition is to be read from: what every shard holds of this log, else 0.

        ends   end offsets where known; a position beyond the end is one of another log (the topic was made anew)
        """
        starts: dict[Partition, int] = {}
        shards = await self._insist(self._store.shard_positions)
        for partition in partitions:
            known = [
                _Shard(stored, self._counted(stored)) for stored in (shard.get(partition) for shard in shards)
            ]
            starts[partition] = min(shard.counted for shard in known)
            end = (ends or {}).get(partition)
            if end is not None and starts[partition] > end:
                log.warning(
                    "%s:%d ends before its stored position %d: another log, read from 0",
                    *partition,
                    starts[partition],
                )
                known = [_Shard(shard.stored, 0) for shard in known]
                starts[partition] = 0
            self._known[partition] = known
            self._sought.discard(partition)
        return starts

    def _counted(self, stored: Position | None) -> int:
        return stored.next if stored is not None and stored.log_id == self._log_id else 0

    def revoked(self, partitions: Iterable[Partition]) -> None:
        """Forget partitions that another worker reads from now on."""
        for partition in partitions:
            self._known.pop(partition, None)
            self._sought.discard(partition)

    def hole(self, partition: Partition, first: int) -> int:
        """How many offsets are missing before `first`; raises Hole the first time there are any."""
        counted = min(shard.counted for shard in self._known[partition])
        if first <= counted:
            return 0
        if partition not in self._sought:
            self._sought.add(partition)
            raise Hole(counted)
        return first - counted

    async def advance(self, partition: Partition, position: int, totals_from: TotalsFrom) -> None:
        """Move the position in every shard; what another worker has moved already stays. Raises WentBack."""

        async def move(number: int, shard: _Shard) -> None:
            while shard.counted < position:
                totals = totals_from(shard.counted) if number == 0 else {}
                wanted = Progress(partition, shard.stored, Position(position, self._log_id), totals)
                stored = await self._insist(partial(self._store.advance, number, wanted))
                if self._is_behind(stored, shard):
                    raise WentBack(
                        f"{partition[0]}:{partition[1]} was counted up to {shard.counted}, the store has {stored}"
                    )
                shard.stored, shard.counted = stored, stored.next

        await all_of(move(number, shard) for number, shard in enumerate(self._known[partition]))

    async def check(self) -> None:
        """Raise WentBack when the store holds less than this process has counted; StoreUnavailable when it cannot tell."""
        before = {
            partition: [(shard, shard.stored, shard.counted) for shard in known]
            for partition, known in self._known.items()
        }
        shards = await self._store.shard_positions()
        for partition, known in before.items():
            for stored, (_, held, counted) in zip(
                (shard.get(partition) for shard in shards), known, strict=True
            ):
                if held is not None and (
                    stored is None or (stored.log_id == held.log_id and stored.next < held.next)
                ):
                    raise WentBack(
                        f"{partition[0]}:{partition[1]} was counted up to {counted}, the store has {stored}"
                    )

    def _is_behind(self, stored: Position | None, shard: _Shard) -> bool:
        return stored is None or stored.log_id != self._log_id or (stored.next <= shard.counted)


async def all_of(calls: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at the same time; the first that fails ends the others, which may be waiting for a shard that is away."""
    tasks = [asyncio.ensure_future(one) for one in calls]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def behind(ends: Mapping[Partition, int], positions: Mapping[Partition, Position], log_id: str) -> int:
    """How many records of this log are not counted yet; positions of another log count for nothing."""
    counted = {
        partition: position.next for partition, position in positions.items() if position.log_id == log_id
    }
    return sum(max(0, end - counted.get(partition, 0)) for partition, end in ends.items())
