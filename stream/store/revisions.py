"""Which revisions follow from what the shards say? Changes add up over shards and reasons; a number of its own for each cell."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from stream.store.protocol import Revision

# One cell: counter and field.
Cell = str


def cell_of(field: str) -> tuple[str, Cell]:
    """Reason and cell of a field of the outbox."""
    reason, _, cell = field.partition("|")
    return reason, cell


def cells_of(changes: Sequence[Mapping[str, int]]) -> list[Cell]:
    """The cells that any shard names, in order."""
    return sorted({cell_of(field)[1] for shard in changes for field in shard})


def revisions_of(
    first: int, cells: Sequence[Cell], changes: Sequence[Mapping[str, int]], numbers: Sequence[Sequence[int]]
) -> list[Revision]:
    """The revisions, numbered from `first`; `numbers` are those of the cells in each shard, with the changes in them."""
    by: Counter[Cell] = Counter()
    reasons: dict[Cell, set[str]] = defaultdict(set)
    for shard in changes:
        for field, change in shard.items():
            reason, cell = cell_of(field)
            by[cell] += change
            reasons[cell].add(reason)
    found = []
    for at, cell in enumerate(cells):
        new = sum(shard[at] for shard in numbers)
        counter, _, field = cell.rpartition("|")
        found.append(Revision(first + at, counter, field, new - by[cell], new, tuple(sorted(reasons[cell]))))
    return found
