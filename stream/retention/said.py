"""Which event said something of a dimension first? What one said, ordered however the events arrive."""

import re
from functools import lru_cache

# When something was said, by which event, and what: (ts_ms, event order, value). The smallest is the earliest.
Said = tuple[int, str, str]

# UUIDs of version 4, with 32 random bits in front. Not those of version 1, 6 or 7, which begin with the time, nor hand-made ones.
_RANDOM_UUID = re.compile(
    r"(?!0{8})[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)
_EVENT_ORDER_CHARS = 8


def event_order(event_id: str) -> str:
    """What an event id adds to an order by time: itself, of a random UUID the first 32 bits.

    Only two events of one user in the same millisecond are ordered by it, so 32 random bits do what 122 would, and every record
    is shorter for it. Should they be equal as well, the smaller value wins: the outcome never depends on the order of arrival.
    """
    return event_id[:_EVENT_ORDER_CHARS] if _RANDOM_UUID.fullmatch(event_id) else event_id


@lru_cache(maxsize=16_384)
def names_of(dims: tuple[tuple[str, str], ...]) -> frozenset[str]:
    """The names of some dimensions; users share them, so they are remembered."""
    return frozenset(name for name, _ in dims)


def keep_earliest(said: dict[str, Said], name: str, one: Said) -> None:
    """Note in place what was said of one dimension, if it is the earliest."""
    if name not in said or one < said[name]:
        said[name] = one


def merge_said(old: dict[str, Said], new: dict[str, Said]) -> dict[str, Said]:
    """The earliest of each dimension; `old` itself when nothing is earlier."""
    merged = old
    for name, said in new.items():
        if name not in merged or said < merged[name]:
            if merged is old:
                merged = dict(old)
            merged[name] = said
    return merged
