"""What does the watch do for one app in one minute? Count, test, judge, remember, tell.

Its state is in the store and replaced only by who knows what stands there, so that of two watches that overlap one notices
before it tells anything; it then reads again.
"""

import asyncio
import logging

from consumers.settings import Settings
from consumers.watch.cells import Scope, settled_cells
from consumers.watch.message import message
from consumers.watch.webhook import Send, begin, end, is_due
from stream.churn.documents import (
    HISTORY_DAYS,
    STATE,
    WHOLE,
    Minutes,
    State,
    day_name,
    minutes_bytes,
    minutes_of,
    nothing_seen,
    state_bytes,
    state_of,
)
from stream.churn.live import SO_FAR, PaceTest, is_silent, pace_tests, usual_marks
from stream.churn.pace import Expected, Pace
from stream.churn.settled import COHORTS
from stream.churn.verdicts import pace_minute, settled_day
from stream.report.returning import Returning
from stream.retention.days import DAY_MS, HOUR_MS, Zone
from stream.store.protocol import Store

MINUTE_MS = 60_000
SKIPPED_MINUTES_MAX = 2  # that a late look may miss without a gap
FORGOTTEN_DAYS = 31  # behind the history whose documents go; so long may a watch have stood still
SETTLED_DAYS_MAX = 14  # that are caught up with after a stop; older cells are history untested

log = logging.getLogger(__name__)


class Overtaken(Exception):
    """Another watch has written meanwhile."""


class OneApp:
    """The watch over one app. `send` is the webhook; None where there is none."""

    def __init__(self, settings: Settings, store: Store, app: str, zone: Zone, send: Send | None) -> None:
        self._settings, self._store, self._app, self._zone, self._send = settings, store, app, zone, send
        self._populations = settings.watch_populations
        self._returning = Returning(store, app)
        self._stored: dict[str, bytes] = {}
        self.state = State()
        self._minutes = Minutes()
        self._paces: dict[str, Pace] = {}
        self._expected: list[Expected] = []
        self._so_far: list[PaceTest] = []
        self._day = 0
        self._healthy_minute = -1
        self._came = nothing_seen()[:1]  # by minute, also in those that may not be judged

    async def look(self, now_ms: int, trouble: str) -> None:
        """One look; `trouble` says why nothing may be judged. Raises StoreUnavailable, Overtaken."""
        day = self._zone.day(now_ms)
        if self._day == 0:
            await self._load(day)
        elif day != self._day:
            await self._next_day(day)
        trouble = trouble or await self._live(now_ms)
        if trouble:
            self._healthy_minute = -1
        else:
            await self._settled(now_ms)
        self.state.run_ms, self.state.waiting = now_ms, trouble or self._learning()
        await self._save()
        await self._tell(now_ms)

    def _learning(self) -> str:
        return "learning the usual pace" if self._expected and self._expected[0].is_learning else ""

    async def _load(self, day: int) -> None:
        before = [day_name(one) for one in range(day - HISTORY_DAYS, day)]
        documents = await self._store.documents(self._app, [STATE, day_name(day), *before])
        self._stored = dict(zip((STATE, day_name(day)), documents[:2], strict=True))
        self.state, self._minutes = state_of(documents[0]), minutes_of(documents[1])
        for incident in self.state.incidents:
            if incident.telling == "sending":
                log.warning(
                    "incident %d of %s may have been told before the stop", incident.number, self._app
                )
                incident.telling = "unknown"
        await asyncio.to_thread(self._learn, [minutes_of(one) for one in documents[2:]])
        await self._forget(day - HISTORY_DAYS)
        self._day = day

    async def _forget(self, first: int) -> None:
        """Lets the days before the first of the history go."""
        names = [day_name(one) for one in range(first - FORGOTTEN_DAYS, first)]
        for name, old in zip(names, await self._store.documents(self._app, names), strict=True):
            if old:
                await self._store.replace_document(self._app, name, old, b"")

    def _learn(self, days: list[Minutes]) -> None:
        self._paces = {name: Pace(1) for name in self._populations}
        for minutes in days:
            for name, pace in self._paces.items():
                pace.learn(usual_marks(minutes.of(name)))
        self._expected = [pace.expect() for pace in self._paces.values()]
        self._so_far = []

    async def _next_day(self, day: int) -> None:
        """Lets the day before be history."""
        await self._load(day)
        self._healthy_minute, self._came = -1, nothing_seen()[:1]

    async def _live(self, now_ms: int) -> str:
        """Counts and tests this minute; why it was not judged, empty when it was."""
        start = self._zone.day_start_ms(self._day)
        minute = (now_ms - start) // MINUTE_MS
        if self._zone.day_start_ms(self._day + 1) - start != DAY_MS:
            return "the clock changes today: no pace to compare with"
        if minute < 1:
            return ""
        counts = await self._returning.so_far(self._day, minute, self._populations)
        self._came[0, minute] = sum(counts[WHOLE])
        if is_silent(minute, self._expected[0], self._came):
            return "hardly anything arrives: something is broken before Kafka, or nobody is left"
        seen = Minutes({name: row.copy() for name, row in self._minutes.seen.items()})
        seen.note(minute, counts)
        self._bridge(seen, minute)
        series = [seen.of(name) for name in self._populations]
        self._minutes, self._healthy_minute = seen, minute
        found = pace_tests(minute, list(zip(self._expected, series, strict=True)))
        self._so_far = [one for one in found if one.minutes == SO_FAR] or self._so_far
        opened = pace_minute(self.state, list(self._populations), found, self._so_far, now_ms)
        if opened is not None:
            log.warning("incident %d of %s: %s", opened.number, self._app, opened.evidence)
        return ""

    def _bridge(self, seen: Minutes, minute: int) -> None:
        """Fills a minute or two that a late look has skipped; not those in which there was trouble."""
        before = self._healthy_minute
        if not 1 < minute - before <= SKIPPED_MINUTES_MAX + 1 or before < 0:
            return
        for row in seen.seen.values():
            for at in range(before + 1, minute):
                share = (at - before) / (minute - before)
                row[:, at] = (row[:, before] + (row[:, minute] - row[:, before]) * share).round()

    async def _settled(self, now_ms: int) -> None:
        """Tests the cells that settled since the last look, each once and day by day."""
        last = self._zone.day(now_ms - round(self._settings.watch_settle_hours * HOUR_MS)) - 1
        if last <= self.state.settled:
            return
        days, names = self._settings.watch_days, list(self._populations)
        scope = Scope(self._app, self._populations, days, self._settings.watch_cohort)
        kept = {name: sorted(by_n) for name, by_n in self.state.cells.items()}
        lacking = kept != {name: sorted(days) for name in names}  # the first time, and with other settings
        first = last - COHORTS + 1 if lacking else max(self.state.settled + 1, last - COHORTS + 1)
        cells = await settled_cells(self._store, scope, first, last, now_ms=now_ms)
        begun = self.state.settled or last - 1
        if lacking:
            self.state.begin(names, days, now_ms)
            for (name, n), found in cells.items():
                self.state.cells[name][n] = [one for one in found if one.settled <= begun]
        for day in range(max(begun + 1, first), last + 1):
            for (name, n), found in cells.items():
                for one in found:
                    if one.settled == day:
                        self.state.note(name, n, one)
            self.state.settled = day
            if day > last - SETTLED_DAYS_MAX:
                for opened in await asyncio.to_thread(settled_day, self.state, names, days, now_ms):
                    log.warning("incident %d of %s: %s", opened.number, self._app, opened.evidence)

    async def _save(self) -> None:
        if self._send is None:
            for incident in self.state.incidents:
                incident.telling = "silent" if incident.telling == "waiting" else incident.telling
        if self._minutes.seen:
            await self._replace(day_name(self._day), await asyncio.to_thread(minutes_bytes, self._minutes))
        await self._replace(STATE, state_bytes(self.state))

    async def _replace(self, name: str, document: bytes) -> None:
        stored = self._stored.get(name, b"")
        if document != stored:
            if not await self._store.replace_document(self._app, name, stored, document):
                raise Overtaken(f"another watch has written {name} of {self._app}")
            self._stored[name] = document

    async def _tell(self, now_ms: int) -> None:
        """Tells what is due; what happens to each try is stored before and after it."""
        for incident in self.state.incidents:
            if self._send is None or not is_due(incident, now_ms):
                continue
            begin(incident)
            await self._replace(STATE, state_bytes(self.state))
            end(incident, await self._send(message(self._app, incident)), now_ms)
            await self._replace(STATE, state_bytes(self.state))
