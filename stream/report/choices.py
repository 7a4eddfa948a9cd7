"""What can be asked about? The apps there are, and the values that a dimension has."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stream.report.parameters import LIMIT_MAX, QueryError, asked_of, check_dimension, number_of
from stream.report.sets import NOT_SET
from stream.retention.names import values_counter
from stream.store.protocol import Store

VALUES_PARAMETERS = ("app", "dimension", "limit")
VALUES_DEFAULT = 100


@dataclass(frozen=True, slots=True)
class ValuesQuery:
    """A question for the values of one dimension."""

    app: str
    dimension: str
    limit: int = VALUES_DEFAULT


def parse_values(given: Mapping[str, str], dimensions: Sequence[str] | None = None) -> ValuesQuery:
    """The parameters of GET /api/v1/values, as text. Raises QueryError."""
    app = asked_of(given, VALUES_PARAMETERS)["app"]
    dimension = given.get("dimension", "")
    if not dimension:
        raise QueryError("dimension is missing: say which one, as in &dimension=country")
    check_dimension("dimension", dimension, dimensions)
    return ValuesQuery(app, dimension, number_of(given, "limit", 1, LIMIT_MAX) or VALUES_DEFAULT)


async def apps(store: Store, configured: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """The apps with their zones, by name.

    Args:
        configured: the only apps that are counted, with the zones that the settings give them; None where any app is.
    """
    zones = await store.zones()
    if configured is not None:
        zones = {app: zones.get(app, zone) for app, zone in configured.items()}
    return [{"app": app, "timezone": zone} for app, zone in sorted(zones.items())]


async def is_known(store: Store, app: str) -> bool:
    """Whether anything has been counted of an app. Asked after the numbers of an answer, it is never false beside any."""
    return app in await store.zones()


async def values(store: Store, query: ValuesQuery) -> dict[str, Any]:
    """The values that most users have, equal ones in the order of their text, and how many others there are."""
    name = values_counter(query.dimension)
    counted = (await store.view(query.app, counters=[name])).counters[name]
    # Whoever says so literally has no value.
    known = [(-users, value) for value, users in counted.items() if users > 0 and value != NOT_SET]
    top = heapq.nsmallest(query.limit, known)
    return {
        "app": query.app,
        "dimension": query.dimension,
        "values": [{"value": value, "users": -users} for users, value in top],
        "more": len(known) - len(top),
    }
