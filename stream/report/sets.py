"""Who is in a cohort, who came back, who is in a segment? The sets behind each word, and their algebra.

A bitmap has a bit per user index. Work is done in blocks of words that fit into the processor's cache: what
is worked out on the way (unions of days, members of a cohort) never takes more than a block per day.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.retention.names import cell, set_name
from stream.store.protocol import Ledger

Bitmap = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
# Bitmaps one below the other.
Stack = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]
Take = Callable[[str], Bitmap]

NOT_SET = "(not set)"
BLOCK_WORDS = 8_192
_WORD_USERS = 64
# Reading single words costs about this many times what reading them in a row does.
_GATHER_COST = 4
# Of so few words all periods at once fit into the processor's cache.
_NARROW_WORDS = 1_024

_COHORTS = {
    "install": ("install",),
    "first_seen": ("install", "seen+", "seen-"),
    "first_purchase": ("first_purchase",),
    "session": ("session",),
    "purchase": ("purchase",),
}
_RETURNS = {
    "session": ("session",),
    "purchase": ("purchase",),
    "any": ("session", "other"),
    "revenue": ("purchase",),
}


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


def any_of(bitmaps: Sequence[Bitmap] | Stack) -> Bitmap:
    """The users in any of some bitmaps, of which there is at least one."""
    return bitmaps[0] if len(bitmaps) == 1 else np.bitwise_or.reduce(bitmaps)


def stack_of(bitmaps: Sequence[Bitmap]) -> Stack:
    """A copy of some bitmaps of one length, one below the other."""
    return np.array(bitmaps, np.uint64) if bitmaps else np.zeros((0, 0), np.uint64)


def count(bitmap: Bitmap) -> int:
    """How many users."""
    # Half the time of 64 bits, and no server holds 2^32 users.
    return int(np.bitwise_count(bitmap).sum(dtype=np.uint32))


class Spans(NamedTuple):
    """First and last of some spans of periods, counted from the first period that is in any, up to the last one there is."""

    begin: int
    end: int
    spans: Sequence[tuple[int, int]]
    one_each: bool  # each period once, in order

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int]], periods: int) -> "Spans":
        """Those of so many periods; later than the last one nobody is."""
        begin = min((first for first, _ in spans if first < periods), default=0)
        cut = [(first - begin, min(last, periods - 1) - begin) for first, last in spans]
        end = max((last for first, last in cut if first <= last), default=-1)
        return cls(begin, begin + end, cut, cut == [(at, at) for at in range(end + 1)])


def counts_with(members: Bitmap, days: Stack) -> Counts:
    """How many of `members` are in each of `days`."""
    return counts_over(members, days, Spans.of([(at, at) for at in range(len(days))], len(days)))


def counts_over(members: Bitmap, periods: Stack, spans: Spans) -> Counts:
    """How many of `members` are in any of the periods of each span."""
    members, periods = _around(members, periods[spans.begin : spans.end + 1])
    if not members.size or not len(periods):
        return np.zeros(len(spans.spans), np.int64)
    if spans.one_each:
        return _counts_in(members, periods)
    return np.array(_counts_of_unions(members, periods, spans.spans), np.int64)


def _around(members: Bitmap, periods: Stack) -> tuple[Bitmap, Stack]:
    """Members and periods in the words in which members are: who came together stands together, so these are few."""
    words = np.flatnonzero(members != 0)  # to find true values is several times as fast as to find numbers
    if not words.size:
        return members[:0], periods
    first, stop = int(words[0]), int(words[-1]) + 1
    if words.size * _GATHER_COST < stop - first:
        return members[words], np.take(periods, words, axis=1)
    return members[first:stop], periods[:, first:stop]


def _counts_in(members: Bitmap, periods: Stack) -> Counts:
    if members.size > _NARROW_WORDS:
        return np.array([count(members & period) for period in periods], np.int64)
    found: Counts = np.bitwise_count(members & periods).sum(axis=1, dtype=np.uint32).astype(np.int64)
    return found


def _counts_of_unions(members: Bitmap, periods: Stack, spans: Iterable[tuple[int, int]]) -> list[int]:
    counts, united, begun, end = [], members, -1, -1
    for first, last in spans:
        if first > last:
            counts.append(0)
            continue
        if first != begun or last < end:
            begun = end = first
            united = periods[first]
        while end < last:
            end += 1
            united = united | periods[end]
        counts.append(count(members & united))
    return counts


def sliding(days: Stack, width: int) -> Stack:
    """The unions of `width` days that end at each day; at the beginning those of the days there are.

    Days are cut into runs of `width`: a window is the end of one run and the beginning of the next, so three operations a day make
    any width. Source: M. van Herk, "A fast algorithm for local minimum and maximum filters", Pattern Recognition Letters 13 (1992).
    """
    begun, left = days.copy(), days.copy()
    for at in range(len(days)):
        if at % width:
            np.bitwise_or(begun[at], begun[at - 1], out=begun[at])
    for at in reversed(range(len(days) - 1)):
        if (at + 1) % width:
            np.bitwise_or(left[at], left[at + 1], out=left[at])
    begun[width:] |= left[1 : max(1, len(days) - width + 1)]
    return begun


def from_each_on(days: Stack) -> Stack:
    """The unions of each day with all later ones, in the place of the days."""
    for at in reversed(range(len(days) - 1)):
        np.bitwise_or(days[at], days[at + 1], out=days[at])
    return days


class Block:
    """A part of all bitmaps and ledgers, by users."""

    def __init__(self, sets: Mapping[str, Bitmap], ledgers: Mapping[str, Ledger], start: int) -> None:
        self._sets, self._ledgers = sets, ledgers
        self._words = slice(start, start + BLOCK_WORDS)

    def __call__(self, name: str) -> Bitmap:
        """That part of a bitmap."""
        return self._sets[name][self._words]

    def ledger(self, name: str) -> Ledger:
        """The entries of a ledger whose users are in the block; their places are counted from its beginning."""
        users, amounts = self._ledgers[name]
        users = users - self._words.start * _WORD_USERS
        inside = (users >= 0) & (users < BLOCK_WORDS * _WORD_USERS)
        return Ledger(users[inside], amounts[inside])


def blocks(sets: Mapping[str, Bitmap], ledgers: Mapping[str, Ledger] | None = None) -> Iterator[Block]:
    """The sets and ledgers block by block."""
    length = max((bitmap.size for bitmap in sets.values()), default=0)
    for start in range(0, length, BLOCK_WORDS):
        yield Block(sets, ledgers or {}, start)


def flags_of(users: Bitmap) -> Flags:
    """A bitmap as one flag a user, in which single users are found faster."""
    return np.unpackbits(users.view(np.uint8)).view(np.bool_)


def entries_of(ledger: Ledger, users: Flags) -> Ledger:
    """The entries of some users."""
    inside = users[ledger.users]
    return Ledger(ledger.users[inside], ledger.amounts[inside])


def fit(bitmap: Bitmap, words: int) -> Bitmap:
    """The bitmap in so many words: users who came after are cut off."""
    if bitmap.size >= words:
        return bitmap[:words]
    longer = np.zeros(words, np.uint64)
    longer[: bitmap.size] = bitmap
    return longer
