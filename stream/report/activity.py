"""What is a return, in sets and ledgers? What a way of counting periods has to say of the users of one block.

calendar.py and elapsed.py are the two ways; tables.py counts with either.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from stream.report.grid import Column
from stream.report.query import RetentionQuery
from stream.report.sets import Bitmap, Block, Stack
from stream.report.starts import Starts
from stream.store.protocol import Ledger

# First and last period that count in a cell; None: whatever comes later too.
Counted = tuple[int, int | None]


class Names(NamedTuple):
    """What has to be read, in one state."""

    sets: list[str]
    ledgers: list[str]


class Paid(NamedTuple):
    """Amounts that count in one period of a row."""

    period: int
    entries: Ledger


class Activity(Protocol):
    """The activity of the users of one block."""

    @property
    def periods(self) -> Stack:
        """Who came back in each period; with an unbounded criterion, who did in it or any later one."""

    def offset(self, at: int) -> int:
        """Which of the periods is period 0 of a row."""

    def own(self, starts: Starts) -> Bitmap:
        """The members of a row who bought in its period 0, not before they started."""

    def paid(self, at: int, starts: Starts, currency: str) -> Iterator[Paid]:
        """What the members of a row paid from their start on."""


class Way(Protocol):
    """A way of counting periods."""

    def names(self, currencies: Sequence[str]) -> Names:
        """What an answer needs."""

    def activity(self, block: Block, currencies: Sequence[str]) -> Activity:
        """Of one block."""


def counted(query: RetentionQuery, column: Column) -> Counted:
    """The periods in which a return counts in a cell."""
    if query.is_unbounded:
        return column.n, None
    if query.criterion == "up_to":
        return min(column.n, 1), column.n
    return column.n, column.end
