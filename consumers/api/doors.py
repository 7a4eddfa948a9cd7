"""May whoever sent this request have its answer? Read keys of apps, and the admin key.

Without read keys the numbers are open to whoever reaches the API. With them every answer below /api/v1 needs a key of the app that
it is about; the admin key opens all. Erasing needs the admin key in any case.
"""

from http import HTTPStatus

from aiohttp import web

from consumers.access import EVERY_APP, Grant, Keys, bearer, opens, same, unopened
from consumers.settings import Settings, variable

EVERYTHING: Grant = frozenset({EVERY_APP})


class Refused(Exception):
    """The request does not get its answer: the status, and one sentence that says why."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Doors:
    """The doors of one API."""

    def __init__(self, settings: Settings) -> None:
        self._read = Keys.parse(settings.read_keys.get_secret_value())
        self._admin = settings.admin_key.get_secret_value()

    def read(self, request: web.Request) -> Grant:
        """The apps that whoever asks may see. Raises Refused, also when the request is about another app."""
        if not self._read:
            return EVERYTHING
        shown = _shown(request)
        grant = EVERYTHING if same(shown, self._admin) else self._read.grant(shown)
        if grant is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, unopened(shown, "a read key of the app"))
        for app in request.query.getall("app", []):
            if not opens(grant, app):
                raise Refused(HTTPStatus.FORBIDDEN, f"the key that was shown is no read key of app {app!r}")
        return grant

    def admin(self, request: web.Request) -> None:
        """Lets the owner of the admin key pass. Raises Refused."""
        if not self._admin:
            raise Refused(
                HTTPStatus.FORBIDDEN, f"nobody may erase users here: {variable('admin_key')} is not set"
            )
        shown = _shown(request)
        if not same(shown, self._admin):
            raise Refused(HTTPStatus.UNAUTHORIZED, unopened(shown, "the admin key"))

    @property
    def kinds(self) -> frozenset[str]:
        """Which keys are asked for, as the description names them."""
        return frozenset({"admin", "read"} if self._read else {"admin"})


def _shown(request: web.Request) -> str | None:
    return bearer(request.headers.get("Authorization"))
