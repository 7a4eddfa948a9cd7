"""How does an incident get to the webhook, and never twice? At most once: a try whose end is not known is not repeated.

waiting ──marked in Redis──> sending ──2xx──────────────────────────> told
                                │ not connected, 429, 503 ──> waiting, later each time; given_up after a day
                                │ no answer, a crash, another 5xx ──> unknown: it may have arrived
                                └ another answer ──> given_up
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import aiohttp

from stream.churn.incidents import Incident, Telling

ANSWER_SECONDS_MAX = 10.0
FIRST_WAIT_MS, WAIT_MS_MAX, GIVE_UP_MS = 60_000, 3_600_000, 24 * 3_600_000
_NOT_NOW = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)

Send = Callable[[dict[str, Any]], Awaitable[Telling]]

log = logging.getLogger(__name__)


class Webhook:
    """One URL. The URL is a secret and in no log."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, body: dict[str, Any]) -> Telling:
        """Posts once: told, waiting (surely not taken, try again), given_up or unknown."""
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as client,
                client.post(self._url, json=body, allow_redirects=False) as answer,
            ):
                return _said(answer.status)
        except aiohttp.ClientConnectorError:
            log.warning("the webhook cannot be reached")
            return "waiting"
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning(
                "the webhook did not answer (%s): it may have taken the incident", type(error).__name__
            )
            return "unknown"


def _said(code: int) -> Telling:
    if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
        return "told"
    log.warning("the webhook answered %d", code)
    if code in _NOT_NOW:
        return "waiting"
    return "unknown" if code >= HTTPStatus.INTERNAL_SERVER_ERROR else "given_up"


def is_due(incident: Incident, now_ms: int) -> bool:
    """Whether it is time to tell it, for the first time or again."""
    return incident.telling == "waiting" and now_ms >= incident.next_try_ms


def begin(incident: Incident) -> None:
    """Before a try; stored before anything is sent."""
    incident.telling = "sending"
    incident.tries += 1


def end(incident: Incident, said: Telling, now_ms: int) -> None:
    """After a try."""
    incident.telling = said
    if said == "waiting":
        incident.next_try_ms = now_ms + min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** (incident.tries - 1))
        if now_ms - incident.opened_ms > GIVE_UP_MS:
            incident.telling = "given_up"
