"""How many came back, read off the records one by one? The slow way to a triangle, for hours and for a past as_of of windows.

Size, cells and money of a user come from one record, so no rate is ever above 1, whatever is being applied meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from stream.report.activity import counted
from stream.report.exact import Exact
from stream.report.grid import Grid
from stream.report.parameters import Where
from stream.report.past import Wanted, view_at
from stream.report.query import RetentionQuery
from stream.report.segments import OTHER, users_of
from stream.report.sets import NOT_SET, Bitmap, any_of, cohort_names, cohort_of
from stream.report.slots import columns_of, paid_of, periods_of, returns_of, starts, timeline_of
from stream.report.tables import Table, last_period, money_of
from stream.retention.dimensions import dimensions_at
from stream.retention.names import late_name
from stream.retention.records import Record
from stream.store.codec import decode
from stream.store.protocol import Store, StoredUser
from stream.store.stored import decode_person, is_single

USERS_AT_ONCE = 2_000
DAYS_MAX = 400  # of starts that are looked up before any record is


async def scanned(store: Store, query: RetentionQuery, grid: Grid) -> list[Table]:
    """The tables of all segments. A breakdown is read twice: its largest values, then their cells."""
    labels: list[str | None] = [None]
    looked_at = await _looked_at(store, query, grid)
    if query.values:
        labels = [*query.values, None]
    elif query.breakdown is not None:
        values = Values(query, grid)
        async for users in _chunks(store, query.app, looked_at):
            await asyncio.to_thread(values.add, users)
        labels = [*values.largest(), OTHER]
    cells = Cells(query, grid, labels)
    async for users in _chunks(store, query.app, looked_at):
        await asyncio.to_thread(cells.add, users)
    tables = await asyncio.to_thread(cells.tables)
    grid.check_cells(len(tables))
    return tables


async def _looked_at(store: Store, query: RetentionQuery, grid: Grid) -> Bitmap | None:
    """The users whose records have to be looked at: who starts on the days of the rows. None: all of them.

    With several shards a bitmap does not tell which index is whose.
    """
    days = _days(grid)
    if store.shards > 1 or not 0 < len(days) <= DAYS_MAX:
        return None
    today = grid.span.today
    where = [condition for condition in query.where if condition[1] != NOT_SET]
    names = [name for day in days for name in cohort_names(query.cohort, day)]
    names += [name for name in cohort_names("first_seen", today) if where]
    names += [late_name(name, today) for name, _ in where]
    view, past = await view_at(store, query.app, Wanted.of(where, (), today), sets=names)
    take = view.sets.__getitem__
    users = any_of([cohort_of(take, query.cohort, day) for day in days])
    for name, value in where:
        has = await users_of(store, query.app, name, value, view, past, users.size)
        # Who began on the last day, or changed on it, may have had another value in the hour that is asked for.
        users = users & (has | cohort_of(take, "first_seen", today) | take(late_name(name, today)))
    return users


def _days(grid: Grid) -> range:
    """The days on which a start may be in some row."""
    if not grid.rows:
        return range(0)
    if grid.by_hour:
        # Where a clock goes back over midnight, one moment is in the slots of two dates.
        return range(grid.span.zone.day(grid.rows[0]) - 1, grid.span.zone.day(grid.rows[-1]) + 2)
    return range(grid.calendar.first_day(grid.rows[0]), grid.days(grid.rows[-1]).stop)


async def _chunks(store: Store, app: str, looked_at: Bitmap | None) -> AsyncIterator[list[StoredUser]]:
    users: list[StoredUser] = []
    async for user in store.stored_users(app, looked_at):
        users.append(user)
        if len(users) >= USERS_AT_ONCE:
            yield users
            users = []
    yield users


class Walk:
    """The users of a question, one by one: who is in no row or does not meet the conditions is left out."""

    def __init__(self, query: RetentionQuery, grid: Grid) -> None:
        self.query, self.grid = query, grid
        self.timeline = timeline_of(grid)

    def users(self, stored: Sequence[StoredUser]) -> Iterator[tuple[Record, list[tuple[int, int]], str]]:
        """Record, rows with the slots of the starts, and segment."""
        for one in stored:
            record = self._record(one)
            begun = [] if record is None else list(starts(record, self.query, self.timeline))
            if record is None or not begun:
                continue
            dims = self._dims(record)
            if _meets(dims, self.query.where):
                yield record, begun, dims.get(self.query.breakdown or "", NOT_SET)

    def _dims(self, record: Record) -> dict[str, str]:
        if not self.query.where and self.query.breakdown is None:
            return {}
        return dimensions_at(record, self.timeline.last_slot, self.grid.span.zone)

    def _record(self, one: StoredUser) -> Record | None:
        """What is counted of a user. The events of one id that are kept apart need not be read: its summary stands for them."""
        zone = self.grid.span.zone
        return (
            decode(one.record, zone) if is_single(one.record) else decode_person(one.record, one.parts, zone)
        )


def _meets(dims: dict[str, str], where: Where) -> bool:
    return all(dims.get(name, NOT_SET) == value for name, value in where)


class Values(Walk):
    """The sizes of the values of the breakdown."""

    def __init__(self, query: RetentionQuery, grid: Grid) -> None:
        super().__init__(query, grid)
        self._sizes: dict[str, int] = {}

    def add(self, stored: Sequence[StoredUser]) -> None:
        """Count some users, each once a row."""
        for _, begun, value in self.users(stored):
            self._sizes[value] = self._sizes.get(value, 0) + len(begun)

    def largest(self) -> list[str]:
        """The values that are shown, by size and then by text."""
        known = sorted((-size, value) for value, size in self._sizes.items() if value != OTHER)
        return [value for _, value in known[: self.query.limit]]


class Cells(Walk):
    """The numbers of some segments; what belongs to none of them belongs to the last one."""

    def __init__(self, query: RetentionQuery, grid: Grid, labels: Sequence[str | None]) -> None:
        super().__init__(query, grid)
        self.labels = labels
        self._segments = {label: which for which, label in enumerate(labels)}
        self._spans = [counted(query, column) for column in grid.columns]
        self._last = last_period(query, grid)
        self._shape = len(labels), len(grid.rows), len(grid.columns)
        self._sizes = np.zeros(self._shape[:2], np.int64)
        self._users = np.zeros(self._shape, np.int64)
        self._money: dict[str, Exact] = {}

    def add(self, stored: Sequence[StoredUser]) -> None:
        """Count some users."""
        sizes: list[int] = []
        cells: list[int] = []
        paid: dict[str, list[tuple[int, int, int]]] = {}
        _, rows, columns = self._shape
        for record, begun, value in self.users(stored):
            segment = self._segments.get(value, len(self.labels) - 1)
            returned = returns_of(record, self.query.returns, self.timeline)
            for at, start in begun:
                place = segment * rows + at
                sizes.append(place)
                found = columns_of(
                    self.query, periods_of(returned, start, self.timeline, self._last), self._spans
                )
                cells.extend([place * columns + column for column in found])
                if self.query.returns == "revenue":
                    for period, currency, amount_minor in paid_of(record, start, self.timeline):
                        found = columns_of(self.query, [period], self._spans)
                        paid.setdefault(currency, []).extend(
                            (place, column, amount_minor) for column in found
                        )
        np.add.at(self._sizes.reshape(-1), np.array(sizes, np.int64), 1)
        np.add.at(self._users.reshape(-1), np.array(cells, np.int64), 1)
        for currency, entries in paid.items():
            self._add_money(currency, np.array(entries, np.int64))

    def _add_money(self, currency: str, entries: npt.NDArray[np.int64]) -> None:
        if entries.size:
            places, columns, amounts = entries.T
            total = self._money.setdefault(currency, Exact(*self._shape))
            total.add((*np.divmod(places, len(self.grid.rows)), columns), amounts)

    def tables(self) -> list[Table]:
        """The tables of the segments in which somebody is; without a breakdown the one there is."""
        money = {currency: total.values() for currency, total in sorted(self._money.items())}
        if not self.query.is_of_buying:
            for at, column in enumerate(self.grid.columns):
                if not column.n:
                    self._users[:, :, at] = self._sizes
        return [
            self._table(which, label, money)
            for which, label in enumerate(self.labels)
            if label is None or self._sizes[which].any()
        ]

    def _table(self, which: int, label: str | None, money: dict[str, list[list[list[int]]]]) -> Table:
        users = [
            self._users[which, at, : self.grid.cells(row)].tolist() for at, row in enumerate(self.grid.rows)
        ]
        amounts = {currency: segments[which] for currency, segments in money.items()}
        cells = money_of(amounts, users) if self.query.returns == "revenue" else None
        return Table(label, self._sizes[which].tolist(), users, cells)
