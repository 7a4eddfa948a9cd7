"""Of which users does every condition of `where` hold? The sets of an answer, read with those of its conditions."""

from collections.abc import Sequence

from stream.report.parameters import Where
from stream.report.segments import known_values, unset
from stream.report.sets import NOT_SET, Bitmap
from stream.retention.names import value_name, values_counter
from stream.store.protocol import Store, View

KEEP = "#where"  # masks stand among the sets under names that no stored set has


async def read_where(
    store: Store, app: str, where: Where, *, sets: Sequence[str], counters: Sequence[str] = ()
) -> View:
    """Some sets and counters of an app in one state; with conditions also the set KEEP, the users of whom all of them hold."""
    spread = [name for name, value in where if value == NOT_SET]
    names = [*sets, *(value_name(*one) for one in where if one[1] != NOT_SET)]
    names += await known_values(store, app, spread)
    view = await store.view(
        app,
        counters=[*counters, *map(values_counter, spread)],
        sets=list(dict.fromkeys(names)),
    )
    keep = await mask(store, app, where, view)
    return view if keep is None else view._replace(sets={**view.sets, KEEP: keep})


async def mask(store: Store, app: str, where: Where, view: View) -> Bitmap | None:
    """The users of whom every condition holds; None without conditions. The view holds the sets of their values."""
    keep: Bitmap | None = None
    words = max((users.size for users in view.sets.values()), default=0)
    for name, value in where:
        if value == NOT_SET:
            users = await unset(store, app, name, view, words)
        else:
            users = view.sets[value_name(name, value)]
        keep = users if keep is None else keep & users
    return keep
