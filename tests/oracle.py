"""What are the right answers, counted the slow and obvious way?

Every answer walks over all accepted events and all users; nothing is cached but the calendar. It knows the contract and the zone
database, none of the product's code, so that both can only agree by being right.

Each file beside this one has one noun: events (what counts), people (who did it), calendar (when), question (what is
asked), and the answers retention, life, revenue and compare, with money and rates below them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests import oracle_compare, oracle_life, oracle_retention, oracle_revenue
from tests.oracle_calendar import day_start_ms, local_date
from tests.oracle_events import Accepted, epoch_ms, judge
from tests.oracle_people import Erasure, Person, User, people_of
from tests.oracle_question import Question

__all__ = ["Oracle", "Person", "day_start_ms", "local_date"]


@dataclass
class Oracle:
    """Feed raw records with `add` and erasures with `erase`, in any order; ask with the words of the HTTP interface.

    An answer has what the interface shows. Only `as_of` of retention stands there as `as_of_ms`.
    """

    zone: str = "UTC"
    earliest_ms: int = epoch_ms("2000-01-01T00:00:00Z")
    apps: frozenset[str] | None = None
    events: list[Accepted] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)
    refused: list[frozenset[str]] = field(default_factory=list)

    def add(self, topic: str, value: bytes | None, record_ts_ms: int) -> Accepted | frozenset[str]:
        verdict = judge(topic, value, record_ts_ms, earliest_ms=self.earliest_ms, apps=self.apps)
        if isinstance(verdict, Accepted):
            self.events.append(verdict)
        else:
            self.refused.append(verdict)
        self.__dict__.pop("people", None)
        return verdict

    def erase(self, app: str, users: Iterable[str], erased_until_ms: int) -> None:
        """What these ids did until then, that moment included, never was."""
        self.erasures.append(Erasure(app, frozenset(users), erased_until_ms))
        self.__dict__.pop("people", None)

    @cached_property
    def people(self) -> dict[User, Person]:
        """(app, smallest of the user's ids) -> what this user did."""
        return people_of(self.zone, self.events, self.erasures)

    def of_app(self, app: str) -> list[Person]:
        return [person for (its_app, _), person in self.people.items() if its_app == app]

    def retention(self, *, now_ms: int, **query: str) -> dict[str, Any]:
        """The answer of GET /api/v1/retention."""
        return oracle_retention.retention(self._question(now_ms, query), self.of_app(query["app"]))

    def active(self, *, now_ms: int, **query: str) -> dict[str, Any]:
        """The answer of GET /api/v1/active."""
        return oracle_life.active(self._question(now_ms, query), self.of_app(query["app"]))

    def crr(self, *, now_ms: int, **query: str) -> dict[str, Any]:
        """The answer of GET /api/v1/crr."""
        return oracle_life.crr(self._question(now_ms, query), self.of_app(query["app"]))

    def feedback(self, *, now_ms: int, **query: str) -> dict[str, Any]:
        """The answer of GET /api/v1/feedback."""
        return oracle_life.feedback(self._question(now_ms, query), self.of_app(query["app"]))

    def revenue(self, *, now_ms: int, **query: str) -> dict[str, Any]:
        """The answer of GET /api/v1/revenue."""
        return oracle_revenue.revenue(self._question(now_ms, query), self.of_app(query["app"]))

    def compare(self, *, now_ms: int, **query: str) -> dict[str, Any]:
        """The answer of GET /api/v1/compare."""
        return oracle_compare.compare(self._question(now_ms, query), self.of_app(query["app"]))

    def _question(self, now_ms: int, query: dict[str, str]) -> Question:
        return Question(self.zone, now_ms, query)
