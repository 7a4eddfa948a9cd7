"""How does one view come of the answers of all shards? Numbers add up; bitmaps and ledgers stand one after the other."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stream.store.chunks import first_places, join_ledgers
from stream.store.protocol import Bitmap, Ledger, View


class Names(NamedTuple):
    """What a view is made of."""

    counters: Sequence[str]
    sets: Sequence[str]
    ledgers: Sequence[str]


class Part(NamedTuple):
    """What one shard holds, in the order of the names: bitmaps of all its chunks, ledgers by the indexes of its users."""

    counters: Sequence[Mapping[str, int]]
    sets: Sequence[Bitmap]
    ledgers: Sequence[Ledger]
    chunks: int
    version: int


def join(names: Names, parts: Sequence[Part]) -> View:
    """Numbers add over shards; bitmaps stand one after the other."""
    counters: dict[str, dict[str, int]] = {}
    for at, name in enumerate(names.counters):
        total = counters[name] = dict(parts[0].counters[at])
        for part in parts[1:]:
            for field, number in part.counters[at].items():
                total[field] = total.get(field, 0) + number
    sets = {name: _joined([part.sets[at] for part in parts]) for at, name in enumerate(names.sets)}
    bases = first_places([part.chunks for part in parts])
    ledgers = {
        name: join_ledgers([(base, part.ledgers[at]) for base, part in zip(bases, parts, strict=True)])
        for at, name in enumerate(names.ledgers)
    }
    return View(counters, sets, ledgers, sum(part.version for part in parts))


def _joined(bitmaps: Sequence[Bitmap]) -> Bitmap:
    return bitmaps[0] if len(bitmaps) == 1 else np.concatenate(bitmaps)


def pairs(words: Sequence[bytes]) -> dict[str, int]:
    return {field.decode(): int(number) for field, number in zip(words[::2], words[1::2], strict=True)}


def entries(stored: Mapping[bytes, bytes]) -> dict[int, int]:
    return dict(zip(map(int, stored), map(int, stored.values()), strict=True))


def numbers(stored: Mapping[bytes, bytes]) -> dict[str, int]:
    return {field.decode(): int(number) for field, number in stored.items()}
