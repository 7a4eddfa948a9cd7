"""Which records of the log are ours? The offsets that Kafka gave to what one process wrote, as stretches."""

from bisect import bisect_right


class Written:
    """Partitions and the stretches of offsets in them. One that goes on where another ends is part of it.

    A writer that is alone has one stretch a partition.
    """

    def __init__(self) -> None:
        self._firsts: dict[tuple[str, int], list[int]] = {}
        self._nexts: dict[tuple[str, int], list[int]] = {}

    def add(self, topic: str, partition: int, first: int, records: int) -> None:
        """So many records stand from `first` on. What Kafka gave no offset (negative) is passed over."""
        if first < 0:
            return
        firsts = self._firsts.setdefault((topic, partition), [])
        nexts = self._nexts.setdefault((topic, partition), [])
        at = bisect_right(firsts, first)
        if at and nexts[at - 1] == first:
            nexts[at - 1] = first + records
        else:
            firsts.insert(at, first)
            nexts.insert(at, first + records)

    def holds(self, topic: str, partition: int, offset: int) -> bool:
        """Whether the record at this offset is one of them."""
        at = bisect_right(self._firsts.get((topic, partition), []), offset)
        return at > 0 and offset < self._nexts[topic, partition][at - 1]

    @property
    def stretches(self) -> int:
        """How many there are."""
        return sum(map(len, self._firsts.values()))
