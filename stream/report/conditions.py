"""Of which users does every condition of `where` hold? The sets of an answer, read with those of its conditions."""

from collections.abc import Sequence

from stream.report.parameters import Where
from stream.report.past import Past, Wanted, view_at
from stream.report.segments import users_of
from stream.report.sets import Bitmap
from stream.store.protocol import Store, View

KEEP = "#where"  # masks stand among the sets under names that no stored set has


async def read_where(store: Store, app: str, where: Where, today: int, *, sets: Sequence[str]) -> View:
    """Some sets of an app in one state; with conditions also the set KEEP, the users of whom all of them held on a day."""
    view, past = await view_at(store, app, Wanted.of(where, (), today), sets=sets)
    keep = await mask(store, app, where, view, past)
    return view if keep is None else view._replace(sets={**view.sets, KEEP: keep})


async def mask(store: Store, app: str, where: Where, view: View, past: Past) -> Bitmap | None:
    """The users of whom every condition holds; None without conditions. The view holds the sets of their values."""
    keep: Bitmap | None = None
    words = max((users.size for users in view.sets.values()), default=0)
    for name, value in where:
        users = await users_of(store, app, name, value, view, past, words)
        keep = users if keep is None else keep & users
    return keep
