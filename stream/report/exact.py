"""What do many amounts add up to, exactly? Sums of 64-bit integers that cannot overflow, in arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_HALF_BITS = 32
_LOW = (1 << _HALF_BITS) - 1

Indexes = npt.NDArray[np.int64]


class Exact:
    """An array of sums: upper and lower 32 bits are added apart, so that 2^31 amounts of any size have room."""

    def __init__(self, *shape: int) -> None:
        self._halves = np.zeros((2, *shape), np.int64)

    def add(self, at: tuple[Indexes | int, ...], amounts: Indexes) -> None:
        """Add each amount to its place; the index of a dimension is one for all or one for each."""
        places = np.ravel_multi_index(at, self._halves.shape[1:])
        high, low = self._halves.reshape(2, -1)
        np.add.at(high, places, amounts >> _HALF_BITS)
        np.add.at(low, places, amounts & _LOW)

    def merge(self, at: Any, other: "Exact") -> None:
        """Add other sums to a part of these."""
        self._halves[(slice(None), *at)] += other._halves

    def over(self, spans: Sequence[tuple[int, int]]) -> "Exact":
        """The sums over spans of the last dimension, first to last; what lies after its end is nothing."""
        *shape, length = self._halves.shape[1:]
        running = np.zeros((2, *shape, length + 1), np.int64)
        np.cumsum(self._halves, axis=-1, out=running[..., 1:])
        found = Exact(*shape, len(spans))
        for at, (first, last) in enumerate(spans):
            first, end = min(first, length), min(last + 1, length)
            found._halves[..., at] = running[..., max(first, end)] - running[..., first]
        return found

    def values(self) -> Any:
        """The sums as nested lists of integers."""
        high, low = self._halves.astype(object)
        return ((high << _HALF_BITS) + low).tolist()
