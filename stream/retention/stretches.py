"""How does a long dictionary by slot cost what is asked of it, and not what it holds? In stretches of ten days, each opened when it
is needed.

Somebody with very many purchases has bought in thousands of hours. The next purchase looks at one or two of its days.
"""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, TypeAlias, TypeVar

from stream.retention.days import SLOTS_PER_DAY

# A slot is one byte within its stretch.
STRETCH_SLOTS = 10 * SLOTS_PER_DAY

_V = TypeVar("_V")


class Stretches(MutableMapping[int, _V]):
    """A dictionary by slot, over stretches that were packed by somebody else.

    packed   by number (slot // STRETCH_SLOTS); never changed
    length   how many slots all of them hold
    unpack   makes the dictionary of one, of its number and its bytes
    """

    def __init__(
        self, packed: dict[int, bytes], length: int, unpack: Callable[[int, bytes], dict[int, _V]]
    ) -> None:
        self._packed, self._length, self._unpack = packed, length, unpack
        self._opened: dict[int, dict[int, _V]] = {}
        # Those that are not as they were packed, and of these the ones that no copy knows of.
        self._changed: set[int] = set()
        self._own: set[int] = set()

    def copy(self) -> "Stretches[_V]":
        """One that can be changed without changing this one."""
        other = Stretches(self._packed, self._length, self._unpack)
        other._opened, other._changed = dict(self._opened), set(self._changed)
        self._own = set()
        return other

    def repacked(self, pack: Callable[[int, dict[int, _V]], bytes]) -> dict[int, bytes]:
        """The stretches that hold anything, by number and in order, packed again where they changed."""
        numbers = sorted(self._packed.keys() | self._changed)
        return {
            number: pack(number, self._opened[number]) if number in self._changed else self._packed[number]
            for number in numbers
            if number not in self._changed or self._opened[number]
        }

    def first(self) -> int:
        """The smallest slot."""
        return next(iter(self))

    def __getitem__(self, slot: int) -> _V:
        return self._stretch(slot // STRETCH_SLOTS)[slot]

    def __setitem__(self, slot: int, value: _V) -> None:
        stretch = self._to_change(slot // STRETCH_SLOTS)
        self._length += slot not in stretch
        stretch[slot] = value

    def __delitem__(self, slot: int) -> None:
        del self._to_change(slot // STRETCH_SLOTS)[slot]
        self._length -= 1

    def __iter__(self) -> Iterator[int]:
        for number in sorted(self._packed.keys() | self._changed):
            yield from sorted(self._stretch(number))

    def __len__(self) -> int:
        return self._length

    def _stretch(self, number: int) -> dict[int, _V]:
        opened = self._opened.get(number)
        if opened is None:
            packed = self._packed.get(number)
            opened = {} if packed is None else self._unpack(number, packed)
            self._opened[number] = opened
        return opened

    def _to_change(self, number: int) -> dict[int, _V]:
        if number not in self._own:
            self._opened[number] = dict(self._stretch(number))
            self._own.add(number)
            self._changed.add(number)
        return self._opened[number]


# What a summary knows by slot: all of it at hand, or in stretches.
BySlot: TypeAlias = dict[int, _V] | Stretches[_V]


def first_slot(by_slot: BySlot[Any]) -> int:
    """The smallest slot of some; raises where there is none."""
    return by_slot.first() if isinstance(by_slot, Stretches) else min(by_slot)


def stretches_of(by_slot: BySlot[_V], pack: Callable[[int, dict[int, _V]], bytes]) -> dict[int, bytes]:
    """All of it in packed stretches, by number and in order: the same bytes however it came to be."""
    if isinstance(by_slot, Stretches):
        return by_slot.repacked(pack)
    parted: dict[int, dict[int, _V]] = {}
    for slot in sorted(by_slot):
        parted.setdefault(slot // STRETCH_SLOTS, {})[slot] = by_slot[slot]
    return {number: pack(number, stretch) for number, stretch in parted.items()}
