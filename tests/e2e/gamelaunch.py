"""What does DuckDB say of the game's launch? The tables of a file of rows, in SQL and without a line of the product."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

Table = dict[tuple[date, int], int]

_VIEWS = """
create table rows as
  select userid as u, eventDate::date as d, eventName as kind from read_csv(?, header = true, all_varchar = true);
create table sessions as select distinct u, d from rows where kind = 'gameStarted';
create table active as select distinct u, d from rows;
create table installs as select u, min(d) as d from rows where kind = 'newPlayer' group by u;
create table seen as select u, min(d) as d from active group by u;
"""
_COHORTS = {"install": "installs", "first_seen": "seen", "session": "sessions"}
_RETURNS = {"session": "sessions", "any": "active"}
_MEANS = {"on": "r.d = c.d + n.n::int", "on_or_after": "r.d >= c.d + n.n::int"}


class Launch:
    """The rows of one file, asked in SQL."""

    def __init__(self, file: Path) -> None:
        self._db = duckdb.connect(config={"threads": 1})
        create, *rest = (statement for statement in _VIEWS.split(";") if statement.strip())
        self._db.execute(create, [str(file)])
        for statement in rest:
            self._db.execute(statement)

    def days(self) -> tuple[date, date]:
        """The first and the last date."""
        first, last = self._db.execute("select min(d), max(d) from rows").fetchall()[0]
        return first, last

    def sizes(self, cohort: str) -> dict[date, int]:
        """Users by cohort."""
        return dict(
            self._db.execute(f"select d, count(distinct u) from {_COHORTS[cohort]} group by d").fetchall()
        )

    def triangle(self, cohort: str, returns: str, criterion: str, periods: int) -> Table:
        """Users by cohort and n, for n from 1 on; what is not there is 0."""
        found = self._db.execute(
            f"select c.d, n.n, count(distinct c.u) from {_COHORTS[cohort]} c, range(1, {periods + 1}) n(n), "
            f"{_RETURNS[returns]} r where r.u = c.u and {_MEANS[criterion]} group by 1, 2"
        ).fetchall()
        return {(day, n): users for day, n, users in found}

    def active(self) -> list[dict[str, Any]]:
        """Every day: distinct users in 1, 7 and 30 days, and where they come from."""
        first, last = self.days()
        rows = []
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            names = ("dau", "wau", "mau", "new", "returning", "dormant", "installs", "reinstalls")
            numbers = self._db.execute(_ACTIVE, {"day": day}).fetchall()[0]
            rows.append({"date": day.isoformat()} | dict(zip(names, numbers, strict=True)))
        return rows


_ACTIVE = """
select
  (select count(distinct u) from active where d = $day),
  (select count(distinct u) from active where d between $day - 6 and $day),
  (select count(distinct u) from active where d between $day - 29 and $day),
  (select count(*) from seen where d = $day),
  (select count(*) from active a join active b on a.u = b.u where a.d = $day and b.d = $day - 1),
  (select count(*) from active a where a.d = $day - 1 and not exists (from active b where b.u = a.u and b.d = $day)),
  (select count(*) from installs where d = $day),
  (select count(*) from rows where kind = 'newPlayer' and d = $day) - (select count(*) from installs where d = $day)
"""
