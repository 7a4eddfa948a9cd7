"""What does POST /api/v1/events answer? 202 with what became of each event, or why the request is refused as a whole."""

import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from consumers.access import Keys, bearer, unopened
from consumers.checking import checking_decoder
from consumers.intake.body import Body
from consumers.intake.cors import Cors
from consumers.intake.delivery import Delivery
from consumers.intake.measures import Measures
from consumers.intake.rate import Bucket
from consumers.intake.refused import Refused
from consumers.intake.room import Room
from consumers.kafka_access import KafkaUnavailable
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from consumers.web import answered, problem
from stream.events.posted import NotJson, Posted, Unpacker, items
from stream.events.schema import Rejection

PATH = "/api/v1/events"
EXPLAIN = "explain"  # in the query: say of each rejected event what is wrong
EVENTS_MAX = 1_000
IN_FLIGHT_BYTES_MAX = 64 * 1024 * 1024
_RETRY_KAFKA_SECONDS = 2.0


class Intake:
    """The endpoint. `now_ms` is the wall clock, `clock` any clock of seconds."""

    def __init__(
        self,
        settings: Settings,
        telemetry: Telemetry,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now_ms, self._clock = now_ms, clock
        self._keys = Keys.parse(settings.write_keys.get_secret_value(), one_app=True)
        self._rate = settings.collector_events_per_second
        self._buckets: dict[str | None, Bucket] = {}  # by key; of keys that are ours, so there are not many
        self._cors = Cors(settings.cors_origins)
        self._unpacker = Unpacker(checking_decoder(settings))
        self._measures = Measures(telemetry)
        self._room = Room(settings.collector_in_flight_events, IN_FLIGHT_BYTES_MAX)
        self._measures.in_flight.set_function(lambda: self._room.events)
        self.delivery = Delivery(settings, self._room)

    def add_to(self, app: web.Application) -> None:
        """The routes, and the connection to Kafka while the application runs."""
        app.router.add_post(PATH, self.post)
        app.router.add_options(PATH, self._preflight)
        app.on_response_prepare.append(self._prepare)
        app.on_shutdown.append(self._shutdown)
        app.cleanup_ctx.append(self._connected)

    async def post(self, request: web.Request) -> web.Response:
        """POST /api/v1/events."""
        began, status = self._clock(), int(HTTPStatus.INTERNAL_SERVER_ERROR)
        try:
            response = await self._response(request)
            status = response.status
            return response
        finally:
            self._measures.request(status, self._clock() - began)

    async def _response(self, request: web.Request) -> web.Response:
        try:
            return answered(await self._taken(request), HTTPStatus.ACCEPTED)
        except Refused as refused:
            response = problem(refused.status, refused.detail)
            if refused.retry_seconds is not None:
                response.headers["Retry-After"] = str(refused.retry_seconds)
            return response
        except KafkaUnavailable as error:
            response = problem(HTTPStatus.SERVICE_UNAVAILABLE, f"nothing was accepted: {error}")
            response.headers["Retry-After"] = str(int(_RETRY_KAFKA_SECONDS))
            return response

    async def _taken(self, request: web.Request) -> dict[str, Any]:
        """What became of the events of a request. Raises Refused and KafkaUnavailable."""
        self._cors.check(request)
        app, key = self._app(request)
        bucket = self._bucket(key)
        self._admit(bucket)
        body = Body(request, self._room)
        try:
            found = _items(await body.read())
            self._admit(bucket)  # others of this key may have come while the body was read
            bucket.take(len(found))
            received_ms = self._now_ms()
            records = [self._unpacker.record(one, app=app, received_ms=received_ms) for one in found]
        finally:
            body.close()
        accepted = [record for record in records if isinstance(record, Posted)]
        if accepted:
            await self.delivery.deliver(accepted)
        rejected = {index: one for index, one in enumerate(records) if isinstance(one, Rejection)}
        self._measures.events(len(accepted), (one.reason for one in rejected.values()))
        explained = EXPLAIN in request.query
        return {
            "accepted": len(accepted),
            "rejected": [
                {"index": index, "reason": one.reason} | ({"detail": one.detail} if explained else {})
                for index, one in rejected.items()
            ],
        }

    def _app(self, request: web.Request) -> tuple[str | None, str | None]:
        """The app of the key that was shown, and the key; None where nobody is asked for one."""
        if not self._keys:
            return None, None
        key = bearer(request.headers.get("Authorization"))
        app = self._keys.app(key)
        if app is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, unopened(key, "a write key of the app"))
        return app, key

    def _bucket(self, key: str | None) -> Bucket:
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = Bucket(self._rate, self._clock())
        return found

    def _admit(self, bucket: Bucket) -> None:
        if seconds := bucket.wait_seconds(self._clock()):
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"more than {self._rate:,} events a second; send these again later",
                retry_seconds=seconds,
            )

    async def _preflight(self, request: web.Request) -> web.Response:
        try:
            return self._cors.preflight(request)
        except Refused as refused:
            return problem(refused.status, refused.detail)

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        if request.path == PATH:
            response.headers.update(self._cors.headers(request))

    async def _shutdown(self, _: web.Application) -> None:
        self.delivery.hurry()

    async def _connected(self, _: web.Application) -> AsyncIterator[None]:
        self.delivery.start()
        yield
        await self.delivery.close()


def _guess(body: bytes) -> str:
    """What a sender has most likely left out, where the body shows it."""
    if not body.strip():
        return "it is empty; nothing to send is []"
    if body.startswith(b"\x1f\x8b"):
        return "it is gzip; say so with the header Content-Encoding: gzip"
    return ""


def _items(body: bytes) -> Any:
    try:
        found = items(body)
    except NotJson as error:
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            f"the body is neither one event nor an array of events: {_guess(body) or error}",
        ) from None
    if len(found) > EVENTS_MAX:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{len(found):,} events are more than {EVENTS_MAX:,}; send fewer at once",
        )
    return found
