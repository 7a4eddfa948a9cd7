"""Who is in a cohort, who came back, who is in a segment? The sets behind each word, and their algebra.

A bitmap has a bit per user index. Work is done in blocks of words that fit into the processor's cache: what
is worked out on the way (unions of days, members of a cohort) never takes more than a block per day.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from stream.retention.names import cell, set_name
from stream.store.protocol import Ledger

Bitmap = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Take = Callable[[str], Bitmap]

NOT_SET = "(not set)"
BLOCK_WORDS = 8_192
_WORD_USERS = 64
# Reading single words costs about this many times what reading them in a row does.
_GATHER_COST = 4

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


def any_of(bitmaps: Sequence[Bitmap]) -> Bitmap:
    """The users in any of some bitmaps, of which there is at least one."""
    return bitmaps[0] if len(bitmaps) == 1 else np.bitwise_or.reduce(bitmaps)


def count(bitmap: Bitmap) -> int:
    """How many users."""
    return int(np.bitwise_count(bitmap).sum())


def counts_with(members: Bitmap, days: Sequence[Bitmap]) -> list[int]:
    """How many of `members` are in each of `days`."""
    return counts_over(members, days, [(at, at) for at in range(len(days))])


def counts_over(members: Bitmap, periods: Sequence[Bitmap], spans: Iterable[tuple[int, int]]) -> list[int]:
    """How many of `members` are in any of the periods from first to last of each span; later than the last one nobody is."""
    words = np.flatnonzero(members)
    if not words.size:
        return [0 for _ in spans]
    few = words.size * _GATHER_COST < members.size
    if few:
        members = members[words]
    counts, united, begun, end = [], members, -1, -1
    for first, last in spans:
        last = min(last, len(periods) - 1)
        if first > last:
            counts.append(0)
            continue
        if first != begun or last < end:
            begun = end = first
            united = periods[first][words] if few else periods[first]
        while end < last:
            end += 1
            united = united | (periods[end][words] if few else periods[end])
        counts.append(count(members & united))
    return counts


def sliding(days: Sequence[Bitmap], width: int) -> list[Bitmap]:
    """The unions of `width` days that end at each day; at the beginning those of the days there are.

    By doubling: unions of 2, 4, 8... days, and two of them that overlap make any width.
    """
    unions, reach = list(days), 1
    while reach * 2 <= width:
        unions = _united(unions, reach)
        reach *= 2
    return _united(unions, width - reach)


def _united(unions: list[Bitmap], back: int) -> list[Bitmap]:
    """Each union with the one `back` places before it; the first ones reach back to the beginning already."""
    if not back:
        return unions
    return [union | unions[at - back] if at >= back else union for at, union in enumerate(unions)]


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
