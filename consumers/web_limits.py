"""What may a client of a role take, and what must a browser never do with an answer? Limits of connections, names, headers.

Headers have to be complete before `idle_seconds` are over, counted from the connection or from the answer before; a client that
sends them byte by byte is closed like one that sends nothing. Above `connections_max` a new connection is closed at once, so that
those that are there stay served. How large a line, a header and a body may be, aiohttp limits itself (8 KiB, 128 headers,
`client_max_size`).
"""

import asyncio
import ipaddress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from aiohttp import web

from consumers.settings import Settings, variable

IDLE_SECONDS = 65.0  # more than the 60 s for which proxies keep a connection that they mean to use again
CONNECTIONS_MAX = 1000
# No answer is anything but data: nothing is run, framed, guessed at or kept. The live page, which runs, brings its own policy.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Limits:
    """The limits of one role that listens.

    `names` are the host names under which it answers; None is any. Addresses and localhost are always answered.
    """

    names: frozenset[str] | None = None
    metrics_key: str = field(default="", repr=False)
    idle_seconds: float = IDLE_SECONDS
    connections_max: int = CONNECTIONS_MAX

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings want them: where it only listens to this machine, foreign names have to be allowed."""
        local = is_local(settings.http_host)
        names = None if not settings.http_names and not local else frozenset(settings.http_names)
        return cls(names, settings.metrics_key.get_secret_value())

    def misdirected(self, host: str) -> str | None:
        """Why a request with this Host header is not answered; None when it is.

        A page of anybody may have its own name lead to this machine (DNS rebinding); the browser then sends that name.
        """
        name = host_name(host)
        if self.names is None or name in self.names or is_local(name) or _is_address(name):
            return None
        return f"this server does not answer as {name!r}; {variable('http_names')} names what it answers as"


def host_name(host: str) -> str:
    """The name in a Host header, without its port, in small letters."""
    name = host.strip().lower()
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0].rstrip(".")


def is_local(name: str) -> bool:
    """Whether a name or address is this machine's own, whatever a name server says."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "" or name == "localhost" or name.endswith(".localhost")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Puts the headers on an answer that does not bring its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "retention"  # aiohttp would name its version, and that of Python


class Site(web.BaseSite):
    """Where a role listens, with a limit on connections."""

    __slots__ = ("_host", "_limits", "_port")

    def __init__(self, runner: web.AppRunner, host: str, port: int, limits: Limits) -> None:
        super().__init__(runner)
        self._host, self._port, self._limits = host, port, limits

    @property
    def name(self) -> str:
        """Its address."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listens. Raises OSError."""
        await super().start()
        server = self._runner.server
        assert server is not None

        def connected() -> asyncio.Protocol:
            full = len(server.connections) >= self._limits.connections_max
            return _Full() if full else server()

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(connected, self._host, self._port, backlog=self._backlog)


class _Full(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        said = HTTPStatus.SERVICE_UNAVAILABLE
        transport.write(
            f"HTTP/1.1 {said} {said.phrase}\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        transport.close()
