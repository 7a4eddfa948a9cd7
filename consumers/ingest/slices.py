"""What does an agent get instead of one event at a time, and how much of it may wait in memory?"""

import contextlib
import weakref
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

# What a record costs beside its bytes: the ConsumerRecord, its integers, the headers' tuple and the bytes
# objects' own heads.
RECORD_OVERHEAD_BYTES = 512
SLICE_RECORDS_MAX = 16_000
SLICE_BYTES_MAX = 8 * 1024 * 1024
# Of one topic, the slice in work included. One is worked on while the next is ready; more only costs memory.
SLICES_PER_TOPIC_MAX = 4


@dataclass(eq=False, slots=True, weakref_slot=True)
class RecordSlice:
    """A run of records of one topic-partition as one fetch gave them; the value of one Faust message.

    `first` and `next` are the fetch positions before and after. Control markers, aborted transactions and compaction leave holes
    between and behind the records, so neither follows from them; a slice may have no records at all.
    `epoch` says after which seek of the partition it was read; a slice of an older epoch must not be counted.
    """

    tp: TP
    first: int
    next: int
    records: Sequence[Any]
    size_bytes: int
    epoch: int
    release: Callable[[], Any] = field(default=lambda: None)


class Budget:
    """How many slices and bytes were handed out and not given back.

    Taken in the fetching thread, given back in any thread: by `release()` once a slice is counted, else when the slice is garbage,
    since a rebalance throws whole queues away without telling.
    """

    def __init__(self, bytes_max: int, slices_max: int = SLICES_PER_TOPIC_MAX) -> None:
        self.bytes_max = bytes_max
        self.slices_max = slices_max
        self.wake: Callable[[], None] = lambda: None
        self._bytes = 0
        self._slices: Counter[str] = Counter()
        # A finalizer may run inside any allocation, thus also while a lock is held: an append needs none.
        self._returned: deque[tuple[str, int]] = deque()

    @property
    def bytes_waiting(self) -> int:
        """Bytes of the slices handed out, by the estimate that the budget is kept in."""
        self._settle()
        return self._bytes

    def has_room(self, topic: str) -> bool:
        """Whether another slice of the topic may be taken. The last one may be larger than what is left."""
        self._settle()
        return self._bytes < self.bytes_max and self._slices[topic] < self.slices_max

    def take(self, piece: RecordSlice) -> None:
        """Counts a slice that is handed out, and arms its `release`."""
        self._bytes += piece.size_bytes
        self._slices[piece.tp.topic] += 1
        finalizer = weakref.finalize(piece, self._give_back, piece.tp.topic, piece.size_bytes)
        finalizer.atexit = False
        piece.release = finalizer

    def _give_back(self, topic: str, size_bytes: int) -> None:
        self._returned.append((topic, size_bytes))
        with contextlib.suppress(RuntimeError):  # the fetching thread's loop is closed: nobody waits any more
            self.wake()

    def _settle(self) -> None:
        while self._returned:
            topic, size_bytes = self._returned.popleft()
            self._bytes -= size_bytes
            self._slices[topic] -= 1


def shares(left: Mapping[str, int], ahead: str) -> dict[str, float]:
    """How large slices of each topic may be: 1 for the one with the most to go, and for the one that may be `ahead`.

    In proportion to the records that are left, so that behind a long backlog the topics come through its time together. With
    slices of one size the purchases of a month would all be counted before the sessions of its second day.
    """
    most = max(left.values(), default=0)
    return {topic: 1.0 if topic == ahead or not most else some / most for topic, some in left.items()}
