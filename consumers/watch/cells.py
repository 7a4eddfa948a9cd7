"""Which cells have settled, and what stands in them? Asked of the read model, once a day."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from stream.churn.documents import Cell
from stream.report import retention
from stream.report.parameters import Where
from stream.report.query import RetentionQuery
from stream.store.protocol import Store


class Scope(NamedTuple):
    """What is tested of one app: populations with their conditions, days n, the kind of cohort."""

    app: str
    populations: Mapping[str, Where]
    days: Sequence[int]
    cohort: str


async def settled_cells(
    store: Store, scope: Scope, first: int, last: int, *, now_ms: int
) -> dict[tuple[str, int], list[Cell]]:
    """By population and n the cells that the days from first to last settled, in order. Raises StoreUnavailable."""
    found: dict[tuple[str, int], list[Cell]] = {
        (name, n): [] for name in scope.populations for n in scope.days
    }
    for name, where in scope.populations.items():
        query = RetentionQuery(
            scope.app,
            first=first - max(scope.days),
            last=last - min(scope.days),
            cohort=scope.cohort,
            periods=max(scope.days),
            where=where,
        )
        for row in (await retention(store, query, now_ms=now_ms))["rows"]:
            cohort = date.fromisoformat(row["cohort"]).toordinal()
            for cell in row["cells"]:
                settled = cohort + cell["n"]
                if cell["n"] in scope.days and first <= settled <= last:
                    found[name, cell["n"]].append(Cell(settled, cell["users"], row["size"]))
    return found
