"""What does a browser get? The live page at `/` and its files below `/page/`, read once, served from memory.

The files are known by name when the process starts, so no path in a request ever reaches the disk.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

INDEX = "index.html"
ROUTES = ("/", "/page/{name:.+}")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Nothing from elsewhere, no inline script or style, and no sink that would turn text into markup.
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, what they are, and a tag that differs when they do."""

    body: bytes
    type: str
    etag: str


def assets() -> dict[str, Asset]:
    """Every file of the page by its name below the folder."""
    return dict(_found(files("consumers.api") / "page", ""))


def _found(folder: Traversable, prefix: str) -> Iterator[tuple[str, Asset]]:
    for file in folder.iterdir():
        name = f"{prefix}{file.name}"
        if file.is_dir():
            yield from _found(file, f"{name}/")
        elif (kind := TYPES.get(f".{name.rpartition('.')[2]}")) is not None:
            body = file.read_bytes()
            yield name, Asset(body, kind, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def add_page(app: web.Application) -> None:
    """Adds the routes of the page; a HEAD is answered like the GET, without the body."""
    known = assets()

    async def index(request: web.Request) -> web.Response:
        return _served(request, known[INDEX])

    async def file(request: web.Request) -> web.Response:
        asset = known.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        return _served(request, asset)

    for route, handler in zip(ROUTES, (index, file), strict=True):
        app.router.add_get(route, handler)


def _served(request: web.Request, asset: Asset) -> web.Response:
    # Kept by the browser, but never shown unasked: after an upgrade no old file meets a new one.
    headers = SECURITY | {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if asset.etag in [
        tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")
    ]:
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=asset.body, headers=headers | {"Content-Type": asset.type})
