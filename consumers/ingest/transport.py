"""How does Faust come to hand out record batches, and from where does it read after a rebalance?

Faust moves one message at a time, with two tasks for each. Here one message is one slice of a partition as it was fetched, and a
partition is read from where the store says, not from where Kafka's commit says. Topics that are not ours go through unchanged.
Everything overridden is named in tests/consumers/ingest/test_faust_contract.py, which fails when Faust changes under it.
"""

import asyncio
import inspect
import logging
from collections import defaultdict
from collections.abc import Collection, Coroutine, Mapping
from typing import Any, ClassVar, cast

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, ConsumerMessage
from faust.types.transports import ConsumerT
from yarl import URL

from consumers.ingest.fetching import Intake, SliceThread
from consumers.ingest.slices import RecordSlice

log = logging.getLogger(__name__)

_SHOWN_MAX = 12


class ReadOffsets(defaultdict[TP, int | None]):
    """How far Faust has read each partition; of ours it never knows.

    Faust drops messages below the read offset (`_drain_messages`), and sets it after each message, also after one that was on
    its way while the partition was sought back. Of ours a slice is dropped by its epoch, and by nothing else.
    """

    def __init__(self, topics: Collection[str]) -> None:
        super().__init__(lambda: None)
        self._topics = topics

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        if tp.topic not in self._topics:
            super().__setitem__(tp, offset)


class SliceConsumer(driver.Consumer):  # type: ignore[misc]  # Faust has no types that hold
    """Faust's consumer, with the store as the one who knows how far each partition was counted."""

    _thread: SliceThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.intake: Intake = self.transport.intake
        self._read_offset = ReadOffsets(self.intake.topics)
        self._counted: dict[TP, int] = {}
        self._seeker: asyncio.Future[Any] | None = None

    def _new_consumer_thread(self) -> SliceThread:
        return SliceThread(self, loop=self.loop, beacon=self.beacon)

    def is_current(self, piece: RecordSlice) -> bool:
        """Whether the partition was neither sought nor revoked since the slice was read."""
        return self._thread.epochs.get(piece.tp, 0) == piece.epoch

    def counted(self, piece: RecordSlice) -> None:
        """The store has the slice: its end may be committed as a hint for lag tools."""
        if self.is_current(piece):
            self._counted[piece.tp] = piece.next

    async def seek_back(self, tp: TP, position: int) -> None:
        """Reads a partition again from there; slices read before are stale."""
        await self._in_thread(self._thread.seek_slices({tp: position}, self._thread.revocations))

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Plain topics go to Kafka's commit; ours go to the store's position, in the background.

        Faust calls this with the request time-out, and on a time-out its recovery task ends silently and for ever
        (faust/tables/recovery.py: `_wait` takes it for a stopped service). So waiting for a store that is away happens in a task
        of its own; nothing of a partition is handed out before it was sought.
        """
        assigned = self.assignment()
        ours = {tp for tp in assigned if tp.topic in self.intake.topics}
        for tp in ours:
            self._committed_offset[tp] = None
        if self._seeker is not None:
            self._seeker.cancel()
        self._seeker = self.add_future(self._seek_to_stored(ours)) if ours else None
        plain = assigned - ours
        return await self._in_thread(self._thread.seek_to_committed_of(plain)) if plain else {}

    async def _seek_to_stored(self, tps: set[TP]) -> None:
        revocations = self._thread.revocations
        positions = await self.intake.positions(tps)
        await self._in_thread(self._thread.seek_slices(positions, revocations))
        where = [f"{tp.topic}[{tp.partition}] from {positions[tp]}" for tp in sorted(positions)]
        more = f" and {len(where) - _SHOWN_MAX} more" if len(where) > _SHOWN_MAX else ""
        log.info("reading %s%s", ", ".join(where[:_SHOWN_MAX]), more)

    async def _in_thread(self, call: Coroutine[Any, Any, Any]) -> Any:
        # Not `call_thread`: its queue has two workers, and a commit to a broker that is away keeps one busy.
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._thread.thread_loop))
        finally:
            if (
                not self._thread.thread_loop.is_running()
                and inspect.getcoroutinestate(call) == inspect.CORO_CREATED
            ):
                call.close()  # the thread's loop ended before it came to it

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Lets what is being counted end, then forgets the partitions."""
        if self._seeker is not None:
            self._seeker.cancel()
        await super().on_partitions_revoked(revoked)
        ours = {tp for tp in revoked if tp.topic in self.intake.topics}
        for tp in ours:
            self._counted.pop(tp, None)
        self.intake.revoked(ours)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, RecordSlice):
            return super()._to_message(tp, record)
        return ConsumerMessage(
            tp.topic, tp.partition, record.next - 1, 0.0, 0, [], None, cast(Any, record), None, 0, record.size_bytes, record.tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def _new_offset(self, tp: TP) -> int | None:
        # Faust takes the end of the first run of acked offsets, and commits over a gap of one (faust #606). A
        # slice that was dropped is acked too; what may be committed is known here.
        if tp.topic not in self.intake.topics:
            return cast(int | None, super()._new_offset(tp))
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self._counted.get(tp)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Faust lists every offset between two messages; between two of ours are all records of a slice.
        if tp.topic not in self.intake.topics:
            await super()._add_gap(tp, offset_from, offset_to)

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing for our topics: the budget stops the fetch. Faust would sleep a whole second once every queue is full."""
        if tp.topic not in self.intake.topics:
            super().on_buffer_full(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        """The other half of `on_buffer_full`."""
        if tp.topic not in self.intake.topics:
            super().on_buffer_drop(tp)


class SliceTransport(driver.Transport):  # type: ignore[misc]  # Faust has no types that hold
    """The aiokafka transport with slices; `app.transport = SliceTransport(...)` before anything uses the app's consumer."""

    Consumer: ClassVar[type[ConsumerT]] = SliceConsumer

    def __init__(self, url: list[URL], app: AppT, intake: Intake, **kwargs: Any) -> None:
        super().__init__(url, app, **kwargs)
        self.intake = intake
