"""How soon is it seen that whatever listens there will never answer? A hard question may take long; a probe is answered at once."""

import select
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, Request, build_opener

# So long for the first byte, then as long for a probe beside it.
SILENCE_SECONDS_MAX = 10.0
_PROBE = "/healthz"


def opener() -> Any:
    """An opener of URLs that raises Silent where neither question nor probe is answered within SILENCE_SECONDS_MAX."""
    return build_opener(_Http, _Https)


class Silent(TimeoutError):
    """Nobody is there, or somebody who says nothing."""


def _connected(connection: HTTPConnection, connect: Callable[[], None]) -> None:
    """Connects within SILENCE_SECONDS_MAX; what is asked then may take as long as it may."""
    whole, connection.timeout = connection.timeout, SILENCE_SECONDS_MAX
    try:
        connect()
    except TimeoutError:
        raise Silent from None
    finally:
        connection.timeout = whole
    connection.sock.settimeout(whole)


def _check_answers(connection: HTTPConnection, probe: HTTPConnection) -> None:
    """Returns at the first byte of the answer, or when the same server answers a probe, whatever it says. Raises OSError."""
    if select.select([connection.sock], [], [], SILENCE_SECONDS_MAX / 2)[0]:
        return
    try:
        probe.request("GET", _PROBE)
        probe.getresponse()
    except TimeoutError:
        raise Silent from None
    finally:
        probe.close()


class _Connection(HTTPConnection):
    def connect(self) -> None:
        _connected(self, super().connect)

    def getresponse(self) -> HTTPResponse:
        _check_answers(self, HTTPConnection(self.host, self.port, timeout=SILENCE_SECONDS_MAX / 2))
        return super().getresponse()


class _SafeConnection(HTTPSConnection):
    def connect(self) -> None:
        _connected(self, super().connect)

    def getresponse(self) -> HTTPResponse:
        _check_answers(self, HTTPSConnection(self.host, self.port, timeout=SILENCE_SECONDS_MAX / 2))
        return super().getresponse()


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _Https(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_SafeConnection, req)
