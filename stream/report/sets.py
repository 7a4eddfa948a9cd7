"""Who is in a cohort, who came back, who is in a segment? The sets behind each word, and their algebra.

A bitmap has a bit per user index. Work is done in blocks of words that fit into the processor's cache: what
is worked out on the way (unions of days, members of a cohort) never takes more than a block per day.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from stream.retention.names import cell, set_name

Bitmap = npt.NDArray[np.uint64]
Take = Callable[[str], Bitmap]

NOT_SET = "(not set)"
BLOCK_WORDS = 8_192
# Reading single words costs about this many times what reading them in a row does.
_GATHER_COST = 4

_COHORTS = {
    "install": ("install",),
    "first_seen": ("install", "seen+", "seen-"),
    "first_purchase": ("first_purchase",),
    "session": ("session",),
}
_RETURNS = {"session": ("session",), "any": ("session", "other"), "purchase": ("purchase",)}


def cohort_names(cohort: str, day: int) -> list[str]:
    """The sets that make up the cohort of one day."""
    return [set_name(kind, day) for kind in _COHORTS[cohort]]


def return_names(returns: str, day: int) -> list[str]:
    """The sets that make up who was active on one day."""
    return [set_name(kind, day) for kind in _RETURNS[returns]]


def triangle_counter(cohort: str, day: int) -> str:
    """The counter that holds the row of a cohort: size at 0, users who came back n days later at n."""
    return cell(cohort, day, day)[0]


def cohort_of(take: Take, cohort: str, day: int) -> Bitmap:
    """The members of the cohort of one day."""
    sets = [take(name) for name in cohort_names(cohort, day)]
    if cohort != "first_seen":
        return sets[0]
    installed, earlier_none, not_first = sets
    return (installed | earlier_none) & ~not_first


def active_on(take: Take, returns: str, day: int) -> Bitmap:
    """Who was active on one day."""
    sets = [take(name) for name in return_names(returns, day)]
    return sets[0] if len(sets) == 1 else sets[0] | sets[1]


def count(bitmap: Bitmap) -> int:
    """How many users."""
    return int(np.bitwise_count(bitmap).sum())


def counts_with(members: Bitmap, days: Sequence[Bitmap]) -> list[int]:
    """How many of `members` are in each of `days`."""
    words = np.flatnonzero(members)
    if not words.size:
        return [0] * len(days)
    if words.size * _GATHER_COST < members.size:
        members = members[words]
        return [count(members & day[words]) for day in days]
    return [count(members & day) for day in days]


def united(sets: Sequence[Bitmap]) -> Bitmap:
    """Who is in any of the sets; nobody where there are none."""
    if len(sets) == 1:
        return sets[0]
    return np.bitwise_or.reduce(sets) if sets else np.zeros(1, np.uint64)


def sliding(days: Sequence[Bitmap], width: int) -> list[Bitmap]:
    """The unions of `width` days that end at each day; at the beginning those of the days there are.

    By doubling: unions of 2, 4, 8... days, and two of them that overlap make any width.
    """
    unions, reach = list(days), 1
    while reach * 2 <= width:
        unions = _with_earlier(unions, reach)
        reach *= 2
    return _with_earlier(unions, width - reach)


def _with_earlier(unions: list[Bitmap], back: int) -> list[Bitmap]:
    """Each union with the one `back` places before it; the first ones reach back to the beginning already."""
    if not back:
        return unions
    return [union | unions[at - back] if at >= back else union for at, union in enumerate(unions)]


def blocks(sets: Mapping[str, Bitmap]) -> Iterator[Take]:
    """The sets block by block: each time a function from a name to that part of its bitmap."""
    length = max((bitmap.size for bitmap in sets.values()), default=0)
    for start in range(0, length, BLOCK_WORDS):
        part = slice(start, start + BLOCK_WORDS)
        yield lambda name, part=part: sets[name][part]  # type: ignore[misc]


def fit(bitmap: Bitmap, words: int) -> Bitmap:
    """The bitmap in so many words: users who came after are cut off."""
    if bitmap.size >= words:
        return bitmap[:words]
    longer = np.zeros(words, np.uint64)
    longer[: bitmap.size] = bitmap
    return longer
