"""What is in a request's body? Its bytes, unpacked, within limits of size and time that hold before anything is parsed.

aiohttp is told not to unpack by itself (web.serve), so that a body of 2 KiB that unpacks to gigabytes ends here: unpacking stops
one byte after the limit.
"""

import asyncio
import zlib
from http import HTTPStatus

from aiohttp import web

from consumers.intake.refused import Refused
from consumers.intake.room import Room

BODY_BYTES_MAX = 2 * 1024 * 1024
READ_SECONDS_MAX = 30.0
_GZIP = 31  # zlib's word for: a gzip header, and the largest window
_RETRY_SECONDS = 1.0


class Body:
    """Reads the body of one request. What it holds counts in `room` until `close`."""

    def __init__(self, request: web.Request, room: Room) -> None:
        self._request, self._room, self._held_bytes = request, room, 0

    async def read(self) -> bytes:
        """The body, unpacked. Raises Refused."""
        encoding = self._request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise Refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding can be gzip, once, and nothing else"
            )
        if (self._request.content_length or 0) > BODY_BYTES_MAX:
            raise _too_large()
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                packed = await self._read()
        except TimeoutError:
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT, f"the body took longer than {READ_SECONDS_MAX:g} s"
            ) from None
        except (web.RequestPayloadError, ConnectionError, ValueError):
            raise Refused(HTTPStatus.BAD_REQUEST, "the body ended too early") from None
        return self._unpacked(packed) if encoding == "gzip" else packed

    def close(self) -> None:
        """The body is needed no more."""
        self._room.give_back(size_bytes=self._held_bytes)
        self._held_bytes = 0

    async def _read(self) -> bytes:
        parts = []
        async for part in self._request.content.iter_any():
            self._hold(len(part))
            if self._held_bytes > BODY_BYTES_MAX:
                raise _too_large()
            parts.append(part)
        return b"".join(parts)

    def _unpacked(self, packed: bytes) -> bytes:
        unpacking = zlib.decompressobj(_GZIP)
        try:
            body = unpacking.decompress(packed, BODY_BYTES_MAX + 1)
        except zlib.error:
            raise Refused(
                HTTPStatus.BAD_REQUEST, "the body is no gzip, as its header Content-Encoding says"
            ) from None
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
        if not unpacking.eof or unpacking.unused_data:
            raise Refused(HTTPStatus.BAD_REQUEST, "the gzip data end too early, or something follows them")
        self._hold(len(body))
        return body

    def _hold(self, size_bytes: int) -> None:
        if not self._room.take(size_bytes=size_bytes):
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too much is being received at once; send this again later",
                retry_seconds=_RETRY_SECONDS,
            )
        self._held_bytes += size_bytes


def _too_large() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body has more than {BODY_BYTES_MAX:,} bytes, unpacked; send fewer events at once",
    )
