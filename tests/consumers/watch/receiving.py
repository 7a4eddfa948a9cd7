"""A real local HTTP server that takes webhooks, and says what it is told to say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Receiver:
    """What came, and the codes with which the next ones are answered; 0 closes the connection without an answer."""

    url: str = ""
    came: list[dict[str, Any]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.came.append(await request.json())
        code = self.codes.pop(0) if self.codes else 200
        if code == 0:
            assert request.transport
            request.transport.abort()
        return web.Response(status=code or 200)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/hook", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver
