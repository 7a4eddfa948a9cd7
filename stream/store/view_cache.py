"""What was read of the store before, and which of it still stands? Sets, ledgers and counters, within a limit of bytes.

It knows nothing of connections: whoever reads tells what it has found, and which keys have fallen since.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stream.store.chunks import bitmap_with, ledger_of, nobody
from stream.store.protocol import Bitmap, Ledger
from stream.store.views import entries, numbers

# About what a key, and a field of a counter, take in memory.
_KEY_BYTES = 300
_FIELD_BYTES = 150

# What is stored under some of the keys of an entry, by their places.
Stored = Mapping[int, Any]


class Entry(ABC):
    """One set, ledger or counter: its keys (of a set one a chunk), its value, and the places of the keys that do not stand."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.fallen: set[int] = set()
        self.value: Any = None
        self.size_bytes = 0

    @abstractmethod
    def decoded(self, stored: Stored) -> Any:
        """The value with what is stored now; the one there is stays as it is, since others may look at it."""

    @abstractmethod
    def bytes_of_value(self) -> int:
        """About how many bytes the value takes."""


class SetEntry(Entry):
    """A bitmap, chunk by chunk."""

    value: Bitmap

    def __init__(self) -> None:
        super().__init__()
        self.value = nobody(0)

    def decoded(self, stored: Stored) -> Bitmap:
        return bitmap_with(self.value, len(self.keys), stored.items())

    def bytes_of_value(self) -> int:
        return 0 if self.value is nobody(len(self.keys)) else self.value.nbytes


class LedgerEntry(Entry):
    """A number a user."""

    value: Ledger | None

    def decoded(self, stored: Stored) -> Ledger:
        found = ledger_of(entries(stored[0]))
        for column in found:
            column.flags.writeable = False
        return found

    def bytes_of_value(self) -> int:
        return 0 if self.value is None else self.value.users.nbytes + self.value.amounts.nbytes


class CounterEntry(Entry):
    """A number a field."""

    value: Mapping[str, int] | None

    def decoded(self, stored: Stored) -> Mapping[str, int]:
        return numbers(stored[0])

    def bytes_of_value(self) -> int:
        return 0 if self.value is None else _FIELD_BYTES * len(self.value)


class ViewCache:
    """The entries; those that were asked for longest ago go when there are more bytes than the limit."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max, self.size_bytes = bytes_max, 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._owners: dict[bytes, tuple[Entry, int]] = {}

    def entry(self, key: str, make: Callable[[], Entry], keys: Callable[[int], Sequence[str]]) -> Entry:
        """The entry of a name, with as many keys as it has by now.

        Args:
            key: what no other entry has.
            keys: gives the keys from a place on.
        """
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = make()
        self._entries.move_to_end(key)
        for more in keys(len(entry.keys)):
            place = len(entry.keys)
            entry.keys.append(more)
            entry.fallen.add(place)
            self._owners[more.encode()] = entry, place
        return entry

    def put(self, entry: Entry, value: Any, places: Sequence[int]) -> None:
        """The value of an entry now that some of its keys were read."""
        entry.value = value
        entry.fallen.difference_update(places)
        size_bytes = entry.bytes_of_value() + _KEY_BYTES * len(entry.keys)
        self.size_bytes += size_bytes - entry.size_bytes
        entry.size_bytes = size_bytes

    def fall(self, keys: Sequence[bytes] | None) -> None:
        """What was read under these keys stands no more; None: nothing does."""
        if keys is None:
            for entry in self._entries.values():
                entry.fallen.update(range(len(entry.keys)))
            return
        for key in keys:
            owner = self._owners.get(key)
            if owner is not None:
                owner[0].fallen.add(owner[1])

    def remembered(self) -> list[str]:
        """The names of the entries, the one that goes first at the beginning."""
        return list(self._entries)

    def trim(self) -> None:
        """Lets go what is over the limit."""
        while self.size_bytes > self.bytes_max and self._entries:
            _, entry = self._entries.popitem(last=False)
            self.size_bytes -= entry.size_bytes
            for key in entry.keys:
                self._owners.pop(key.encode(), None)
