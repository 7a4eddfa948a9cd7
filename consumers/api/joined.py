"""What does /metrics of the API show where it is told of other roles? One page of all, as in `retention up`."""

import asyncio
import logging
from collections.abc import Mapping

import aiohttp

from consumers.joining import joined
from consumers.metrics.answering import ROLE_UP
from consumers.telemetry import Telemetry

PAGE_BYTES_MAX = 16 * 1024 * 1024
PAGE_SECONDS_MAX = 5.0  # half of what Prometheus waits for a scrape, unless told otherwise

log = logging.getLogger(__name__)


class JoinedMetrics:
    """The metrics of this API and of other roles; `addresses` is host:port by role, `key` is shown to them. Close it in the end."""

    def __init__(self, telemetry: Telemetry, addresses: Mapping[str, str], key: str = "") -> None:
        self._telemetry, self._addresses = telemetry, addresses
        self._shown = {"Authorization": f"Bearer {key}"} if key else {}
        self._session: aiohttp.ClientSession | None = None

    async def render(self) -> bytes:
        """One page. A role that gives no answer is left out, and said to be down."""
        if not self._addresses:
            return self._telemetry.render()
        pages = await asyncio.gather(*(self._page(address) for address in self._addresses.values()))
        found = dict(zip(self._addresses, pages, strict=True))
        for role, page in found.items():
            self._telemetry.child(ROLE_UP, role).set(0 if page is None else 1)
        own = {"api": self._telemetry.render()}
        return await asyncio.to_thread(joined, own | {role: page for role, page in found.items() if page})

    async def close(self) -> None:
        """Ends the connections."""
        if self._session is not None:
            await self._session.close()

    async def _page(self, address: str) -> bytes | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PAGE_SECONDS_MAX))
        try:
            async with self._session.get(f"http://{address}/metrics", headers=self._shown) as answer:
                if answer.status != 200:
                    return None
                return await _read(answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.debug("no metrics from %s: %s", address, error)
            return None


async def _read(answer: aiohttp.ClientResponse) -> bytes | None:
    """The whole body; None where it is too long to be what we asked for."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > PAGE_BYTES_MAX:
            return None
    return bytes(body)
