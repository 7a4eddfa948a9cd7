"""How does a role answer HTTP? Probes and metrics that every role has; errors as problem details (RFC 9457).

    GET /healthz   200 while the process does its work; otherwise restart it
    GET /readyz    200 when it can do its work now; otherwise send it nothing
    GET /metrics   the numbers of this process for Prometheus

A check gives None when all is well, else one sentence that says what is wrong; it may be a coroutine.
"""

import errno
import json
import logging
import os
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from inspect import isawaitable
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from consumers.access import bearer, same, unopened
from consumers.logs import about
from consumers.reaching import reached_url
from consumers.web_limits import Limits, Site, add_headers
from stream.store.protocol import StoreUnavailable

Check = Callable[[], str | Awaitable[str | None] | None]
Render = Callable[[], bytes | Awaitable[bytes]]

PROBES = ("/healthz", "/readyz", "/metrics")
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REQUEST_BYTES_MAX = 64 * 1024
STOP_SECONDS = 5.0
_RETRY_AFTER_SECONDS = "1"

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_KEPT = {"Cache-Control": "no-store"}
_report = msgspec.json.Encoder()


class CannotListen(Exception):
    """The address cannot be listened on; the text is one line for people."""


@dataclass(frozen=True)
class Served:
    """A server that runs. `port` is the real one, also where any was asked for."""

    runner: web.AppRunner
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where it is reached, on this machine where it listens on all addresses."""
        return reached_url(self.host, self.port)

    async def stop(self) -> None:
        """Stops listening, lets running requests end, closes what the app opened."""
        await self.runner.cleanup()


async def serve(app: web.Application, host: str, port: int, limits: Limits | None = None) -> Served:
    """Listens; port 0 is any free one. Raises CannotListen."""
    limits = limits or Limits()
    app.middlewares.insert(0, _answers_as(limits))
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=STOP_SECONDS,
        keepalive_timeout=limits.idle_seconds,
        # Bodies are unpacked by whoever reads them, within limits of their own (consumers/intake/body.py).
        auto_decompress=False,
    )
    await runner.setup()
    try:
        await Site(runner, host, port, limits).start()
    except OSError as error:
        await runner.cleanup()
        # asyncio says it again with the address, the resolver of names with a number of its own.
        code = error.errno or 0
        known = os.strerror(code) if code in errno.errorcode else error.strerror or str(error)
        other = "port" if code in (errno.EADDRINUSE, errno.EACCES) else "host"
        raise CannotListen(
            f"cannot listen on {host}:{port}: {known.lower()}; choose another {other}"
        ) from None
    return Served(runner, host, runner.addresses[0][1])


def _answers_as(limits: Limits) -> Any:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        wrong = limits.misdirected(request.headers.get("Host", ""))
        return problem(HTTPStatus.MISDIRECTED_REQUEST, wrong) if wrong else await handler(request)

    return check


async def serve_probes(
    host: str, port: int, *, healthy: Check, ready: Check, render: Render, limits: Limits | None = None
) -> Served:
    """The HTTP side of a role that has no other. Raises CannotListen."""
    key = limits.metrics_key if limits else ""
    return await serve(
        probes(healthy=healthy, ready=ready, render=render, metrics_key=key), host, port, limits
    )


def probes(*, healthy: Check, ready: Check, render: Render, metrics_key: str = "") -> web.Application:
    """An application with the probes; a role may add routes of its own. A key of the metrics has to be shown where there is one."""
    app = web.Application(middlewares=[problems], client_max_size=REQUEST_BYTES_MAX)
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/healthz", _check("healthy", healthy))
    app.router.add_get("/readyz", _check("ready", ready))

    async def metrics(request: web.Request) -> web.Response:
        shown = bearer(request.headers.get("Authorization"))
        if metrics_key and not same(shown, metrics_key):
            return problem(HTTPStatus.UNAUTHORIZED, unopened(shown, "the key of the metrics"))
        page = render()
        body = await page if isawaitable(page) else page
        return web.Response(body=body, headers={"Content-Type": METRICS_TYPE})

    app.router.add_get("/metrics", metrics)
    return app


def _check(word: str, check: Check) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        said = check()
        wrong = await said if isawaitable(said) else said
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, wrong) if wrong else answered({"status": word})

    return answer


def answered(value: Any, status: int = HTTPStatus.OK) -> web.Response:
    """A JSON answer."""
    return web.Response(body=encode(value), status=status, content_type="application/json", headers=_NOT_KEPT)


def encode(value: Any) -> bytes:
    """The JSON bytes of an answer: the same for the same value. Text as UTF-8, never NaN."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half a surrogate pair, which a path can hold, is an escape.
    return text.encode(errors="backslashreplace")


def encode_report(value: Any) -> bytes:
    """The JSON bytes of a long answer, many times as fast. Only for one whose floats are quotients of whole numbers, never NaN."""
    try:
        return _report.encode(value)
    except (UnicodeEncodeError, OverflowError):  # half a surrogate pair; a number of more than 64 bits
        return encode(value)


def problem(status: int, detail: str, **more: Any) -> web.Response:
    """An error in the form of RFC 9457; `detail` says what to change, `more` are members of its kind."""
    members = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    headers = dict(_NOT_KEPT)
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        headers["Retry-After"] = _RETRY_AFTER_SECONDS
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = encode(members | more)
    return web.Response(body=body, status=status, content_type="application/problem+json", headers=headers)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error leaves as problem details; of a bug only that there is one, the rest is in the log.

    An answer and the lines that were logged for it carry one id: the X-Request-ID that came, else one of ours.
    """
    request_id = request.headers.get("X-Request-ID", "")
    if not _REQUEST_ID.fullmatch(request_id):
        request_id = secrets.token_hex(8)
    with about(request_id=request_id):
        response = await _answered_or_problem(request, handler)
        log.debug("%s %r: %d", request.method, request.path, response.status)
    if not response.prepared:
        response.headers["X-Request-ID"] = request_id
    return response


async def _answered_or_problem(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _http_problem(request, error)
    except StoreUnavailable as error:
        log.warning("%r: the store gives no answer: %s", request.path, error)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "Redis gives no answer just now; try again")
    except Exception:
        log.exception("%s %r failed", request.method, request.path)  # the path may hold a line break
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is an error of the server; its log says more")


def _http_problem(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if error.status < HTTPStatus.BAD_REQUEST:
        raise error
    endpoints = endpoints_of(request.app)
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        response = problem(error.status, f"{request.method} is not possible here; use {allowed}")
        response.headers["Allow"] = allowed
        return response
    if isinstance(error, web.HTTPNotFound):
        detail = f"there is nothing at {request.path}; there is {', '.join(endpoints)}"
        return problem(error.status, detail, endpoints=endpoints)
    return problem(error.status, error.text or error.reason)


def endpoints_of(app: web.Application) -> list[str]:
    """Everything that the application answers, as `METHOD path`."""
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    return [
        f"{method} {path}" for method, path in sorted(routes, key=lambda one: one[::-1]) if method != "HEAD"
    ]
