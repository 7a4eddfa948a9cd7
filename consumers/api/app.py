"""What does the HTTP interface answer? The routes of the API, each a read of the one read model.

GET /                   the live page (assets.py)
GET /api/v1/retention   the cohort triangle
GET /api/v1/active      actives and lifecycle by day, week or month
GET /api/v1/crr         customer retention rate and churn of a range
GET /api/v1/revenue     what users paid: LTV, ARPU, conversion
GET /api/v1/compare     the retention of variants, and whether they differ
GET /api/v1/feedback    NPS and CSAT
GET /api/v1/apps        which apps and dimensions there are
GET /api/v1/values      which values a dimension has
GET /api/v1/status      what is counted, and whether that is all
POST /api/v1/events     takes events, where RETENTION_API_COLLECTS says so (consumers/intake)
DELETE /api/v1/users    orders the erasure of a user
GET /openapi.json       the above, for programs
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any

from aiohttp import web

from consumers.access import opens
from consumers.api import openapi
from consumers.api.assets import add_page
from consumers.api.doors import Doors, Refused
from consumers.api.gate import Crowded, Gate
from consumers.erasing import Log, erase
from consumers.intake import PATH as INTAKE_PATH
from consumers.intake import Intake
from consumers.kafka_access import KafkaUnavailable
from consumers.settings import Settings
from consumers.status import status
from consumers.telemetry import product_version
from consumers.web import Render, answered, encode, encode_report, probes, problem
from stream.events.schema import TOPICS
from stream.report import QueryError, active, apps, compare, crr, feedback, retention, revenue, values
from stream.report.choices import is_known, parse_values
from stream.report.query import parse_active, parse_retention
from stream.report.questions import parse_compare, parse_crr, parse_feedback
from stream.report.revenue_query import parse_revenue
from stream.retention.dimensions import GROUPS
from stream.retention.scope import FEEDBACK, MONEY
from stream.store.protocol import Store, StoreUnavailable

HEAVY_AT_ONCE = 2
HEAVY_WAITING_MAX = 64
LONG = (retention, revenue)  # answers of very many cells; their floats are quotients of whole numbers

Answer = Callable[[web.Request], Awaitable[web.Response]]
Report = Callable[..., Awaitable[dict[str, Any]]]


class Api:
    """The handlers. `now_ms` is the wall clock; `kafka` opens the connection, or raises KafkaUnavailable."""

    def __init__(
        self, settings: Settings, store: Store, kafka: Callable[[], Awaitable[Log]], now_ms: Callable[[], int]
    ) -> None:
        self._settings, self._store, self._kafka, self._now_ms = settings, store, kafka, now_ms
        self._dimensions, self._families = (*settings.dimensions, *GROUPS), settings.families
        self._doors = Doors(settings)
        self._gate = Gate(HEAVY_AT_ONCE, HEAVY_WAITING_MAX)
        self.waiting: str | None = None  # why nothing can be answered yet

    def application(self, render: Render, intake: Intake | None = None) -> web.Application:
        """The aiohttp application; `render` gives the metrics, `intake` takes events, where this API does."""
        key = self._settings.metrics_key.get_secret_value()
        app = probes(healthy=self._healthy, ready=self._ready, render=render, metrics_key=key)
        for path, answer in {
            "retention": self.retention,
            "active": self.active,
            "crr": self.crr,
            "revenue": self.revenue,
            "compare": self.compare,
            "feedback": self.feedback,
            "apps": self.apps,
            "values": self.values,
            "status": self.status,
        }.items():
            app.router.add_get(f"/api/v1/{path}", self._told(answer, self._doors.read))
        app.router.add_delete("/api/v1/users", self._told(self.erase, self._doors.admin))
        app.router.add_get(openapi.PATH, self.description)
        if intake is not None:
            intake.add_to(app)
        add_page(app)
        return app

    async def description(self, request: web.Request) -> web.Response:
        """GET /openapi.json: what is served here, for programs."""
        served = {route.resource.canonical for route in request.app.router.routes() if route.resource}
        kinds = self._doors.kinds | ({"metrics"} if self._settings.metrics_key.get_secret_value() else set())
        kinds |= (
            {"write"} if self._settings.write_keys.get_secret_value() and INTAKE_PATH in served else set()
        )
        return answered(
            openapi.document(served, dimensions=self._dimensions, version=product_version(), keys=kinds)
        )

    async def retention(self, request: web.Request) -> web.Response:
        """GET /api/v1/retention."""
        query = parse_retention(_parameters(request), self._dimensions)
        return await self._answered(retention, query, heavy=not query.plain, families=self._families)

    async def active(self, request: web.Request) -> web.Response:
        """GET /api/v1/active."""
        return await self._answered(active, parse_active(_parameters(request)))

    async def crr(self, request: web.Request) -> web.Response:
        """GET /api/v1/crr."""
        return await self._answered(crr, parse_crr(_parameters(request), self._dimensions))

    async def revenue(self, request: web.Request) -> web.Response:
        """GET /api/v1/revenue."""
        if MONEY not in self._families:
            raise QueryError("money is not counted here: RETENTION_FAMILIES leaves it out")
        return await self._answered(revenue, parse_revenue(_parameters(request), self._dimensions))

    async def compare(self, request: web.Request) -> web.Response:
        """GET /api/v1/compare."""
        query = parse_compare(_parameters(request), self._dimensions)
        return await self._answered(compare, query, families=self._families)

    async def feedback(self, request: web.Request) -> web.Response:
        """GET /api/v1/feedback."""
        if FEEDBACK not in self._families:
            raise QueryError("feedback is not counted here: RETENTION_FAMILIES leaves it out")
        return await self._answered(feedback, parse_feedback(_parameters(request)))

    async def apps(self, request: web.Request) -> web.Response:
        """GET /api/v1/apps: those that the key opens."""
        _no_parameters(request)
        grant = self._doors.read(request)
        named = self._settings.apps
        configured = None if named is None else {app: self._settings.zone_name(app) for app in named}
        found = [one for one in await apps(self._store, configured) if opens(grant, one["app"])]
        return answered({"apps": found, "dimensions": list(self._dimensions)})

    async def values(self, request: web.Request) -> web.Response:
        """GET /api/v1/values."""
        query = parse_values(_parameters(request), self._dimensions)
        self._zone(query.app)
        return answered(await self._with_known(query.app, await values(self._store, query)))

    async def status(self, request: web.Request) -> web.Response:
        """GET /api/v1/status. The ends are read after the request came, and the positions after the ends."""
        _no_parameters(request)
        kafka = await self._kafka()
        log_id, ends = await asyncio.gather(kafka.log_id(), kafka.end_offsets(TOPICS))
        positions, totals = await self._store.positions(), await self._store.totals()
        return answered(status(ends, log_id, positions, totals))

    async def _answered(self, report: Report, query: Any, *, heavy: bool = True, **more: Any) -> web.Response:
        """The answer of the read model; of heavy ones only so many are worked out at once."""
        asked = {"now_ms": self._now_ms(), "default_zone": self._zone(query.app), **more}
        async with self._gate.entered() if heavy else nullcontext():
            found = await self._with_known(query.app, await report(self._store, query, **asked))
            # A large answer takes a while to write; the probes are answered meanwhile.
            body = await asyncio.to_thread(encode_report if report in LONG else encode, found)
        response = answered(None)
        response.body = body
        return response

    async def _with_known(self, app: str, found: dict[str, Any]) -> dict[str, Any]:
        """An answer that says as well whether there is such an app: of a mistyped one all numbers are 0."""
        return found | {"known": await is_known(self._store, app)}

    async def erase(self, request: web.Request) -> web.Response:
        """DELETE /api/v1/users: whoever shows the admin key orders the erasure of a user."""
        given = _parameters(request)
        if given.keys() != {"app", "user_id"}:
            raise QueryError("say which user of which app, and nothing else: ?app=demo&user_id=alice")
        try:
            receipt = await erase(
                self._settings,
                self._store,
                await self._kafka(),
                given["app"],
                given["user_id"],
                now_ms=self._now_ms,
            )
        except ValueError as error:
            raise QueryError(str(error)) from None
        return answered(receipt, HTTPStatus.ACCEPTED)

    def _zone(self, app: str) -> str:
        """The zone of an app that has no data yet."""
        if self._settings.apps is not None and app not in self._settings.apps:
            raise QueryError(f"app={app} is not one of RETENTION_APPS; events of it are not counted")
        return self._settings.zone_name(app)

    def _told(self, answer: Answer, door: Callable[[web.Request], object]) -> Answer:
        """The handler behind its door, refusals turned into problem details."""

        async def told(request: web.Request) -> web.Response:
            try:
                door(request)
                if self.waiting:
                    raise StoreUnavailable(self.waiting)
                return await answer(request)
            except Refused as error:
                return problem(error.status, error.detail)
            except QueryError as error:
                return problem(HTTPStatus.BAD_REQUEST, error.detail)
            except KafkaUnavailable as error:
                return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
            except Crowded:
                return problem(
                    HTTPStatus.SERVICE_UNAVAILABLE, "too many questions are waiting; ask again in a second"
                )

        return told

    async def _healthy(self) -> str | None:
        return None

    async def _ready(self) -> str | None:
        if self.waiting:
            return self.waiting
        try:
            await self._store.zones()
        except StoreUnavailable as error:
            return f"Redis gives no answer: {error}"
        return None


def _no_parameters(request: web.Request) -> None:
    for name in request.query:
        raise QueryError(f"there is no parameter {name!r} here; this path takes none")


def _parameters(request: web.Request) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise QueryError(f"{name} is given twice; give it once")
        given[name] = value
    return given
