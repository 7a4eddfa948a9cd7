"""Which web pages may send events? Browsers ask beforehand, and say with every request from which page it comes."""

from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from consumers.intake.refused import Refused
from consumers.settings import variable

PREFLIGHT_SECONDS = 7200  # longer than that Chromium remembers no answer
_EVERY = "*"


class Cors:
    """The origins that are let in; requests of programs and apps name none and are not asked for one."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origins)

    def check(self, request: web.Request) -> None:
        """Raises Refused for a page of another origin that is not let in.

        It could not read the answer anyway, but without this it could send: a plain POST of a form asks nobody beforehand.
        """
        origin = request.headers.get("Origin")
        if origin is None or self._let_in(origin) or urlsplit(origin).netloc == request.host:
            return
        raise Refused(
            HTTPStatus.FORBIDDEN, f"pages of {origin[:200]} may not send: {variable('cors_origins')}"
        )

    def headers(self, request: web.Request) -> dict[str, str]:
        """What every answer says to a browser."""
        if not self._origins:
            return {}
        origin = request.headers.get("Origin", "")
        found = {"Vary": "Origin"}
        if self._let_in(origin):
            found["Access-Control-Allow-Origin"] = origin
            found["Access-Control-Expose-Headers"] = "Retry-After"
        return found

    def preflight(self, request: web.Request) -> web.Response:
        """The answer to OPTIONS: what a page that is let in may send."""
        self.check(request)
        return web.Response(
            status=HTTPStatus.NO_CONTENT,
            headers={
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding",
                "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            },
        )

    def _let_in(self, origin: str) -> bool:
        return bool(origin) and (_EVERY in self._origins or origin in self._origins)
