"""Is a process of ours ready, and what does the API say of itself? Asked over HTTP, by a client of a few lines."""

import asyncio
import json
from typing import Any

from consumers.reaching import host_port

ANSWER_SECONDS_MAX = 5.0


async def ready(host: str, port: int) -> bool:
    """Whether GET /readyz says 200."""
    return (await _get(host, port, "/readyz"))[0] == 200


async def status(host: str, port: int, key: str | None = None) -> dict[str, Any]:
    """What GET /api/v1/status says to whoever shows the key; empty while it says nothing."""
    code, body = await _get(host, port, "/api/v1/status", key)
    if code != 200:
        return {}
    said = json.loads(body)
    return said if isinstance(said, dict) else {}


async def _get(host: str, port: int, path: str, key: str | None = None) -> tuple[int, bytes]:
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                shown = f"Authorization: Bearer {key}\r\n" if key else ""
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host_port(host, port)}\r\n{shown}\r\n".encode())
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
                return int(head.split(maxsplit=2)[1]), body
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0, b""
