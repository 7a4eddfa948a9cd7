"""How does the exporter ask about one app? The questions of the HTTP interface, in its words, all of one moment."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from consumers.settings import Settings
from stream.report import active, crr, feedback, retention, revenue, values
from stream.report.choices import parse_values
from stream.report.query import parse_active, parse_retention
from stream.report.questions import parse_crr, parse_feedback
from stream.report.revenue_query import parse_revenue
from stream.retention.days import iso, zone
from stream.retention.dimensions import GROUPS
from stream.store.protocol import Store

Answer = dict[str, Any]
Report = Callable[..., Awaitable[Answer]]


@dataclass(frozen=True)
class Asking:
    """The questions about one app at one moment. `timezone` is the name of its zone."""

    settings: Settings
    store: Store
    app: str
    timezone: str
    now_ms: int

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that are kept, and the groups that feedback puts users in."""
        return (*self.settings.dimensions, *GROUPS)

    def day(self, back: int) -> str:
        """The date so many days before today, in the app's zone."""
        return iso(zone(self.timezone).day(self.now_ms) - back)

    def dates(self, first: int, last: int) -> dict[str, str]:
        """From so many days before today to so many."""
        return {"from": self.day(first), "to": self.day(last)}

    async def retention(self, *values: str, **given: str) -> Answer:
        """As GET /api/v1/retention answers; with `values` its breakdown is by exactly these, as GET /api/v1/compare asks."""
        query = replace(parse_retention(self._of(given), self.dimensions), values=values)
        return await self._told(retention, query, families=self.settings.families)

    async def active(self, **given: str) -> Answer:
        """As GET /api/v1/active answers."""
        return await self._told(active, parse_active(self._of(given)))

    async def crr(self, **given: str) -> Answer:
        """As GET /api/v1/crr answers."""
        return await self._told(crr, parse_crr(self._of(given), self.dimensions))

    async def revenue(self, **given: str) -> Answer:
        """As GET /api/v1/revenue answers."""
        return await self._told(revenue, parse_revenue(self._of(given), self.dimensions))

    async def feedback(self, **given: str) -> Answer:
        """As GET /api/v1/feedback answers."""
        return await self._told(feedback, parse_feedback(self._of(given)))

    async def values(self, dimension: str) -> tuple[tuple[str, ...], int]:
        """The values that most users have, so many as are exported, and how many others; of a dimension that is not kept none."""
        if dimension not in self.dimensions:
            return (), 0
        given = {"dimension": dimension, "limit": str(self.settings.exporter_values)}
        answer = await values(self.store, parse_values(self._of(given), self.dimensions))
        return tuple(one["value"] for one in answer["values"]), answer["more"]

    def _of(self, given: Mapping[str, str]) -> dict[str, str]:
        return {"app": self.app, **given}

    async def _told(self, report: Report, query: Any, **more: Any) -> Answer:
        return await report(self.store, query, now_ms=self.now_ms, default_zone=self.timezone, **more)
