"""How does an app send events? In batches, again where the answer says so, and with ids made once, so that nothing counts twice.

The way that docs/sdk.md describes, for traffic of our own: the simulation, the benchmark, the crash test. Has the shape of
`kafka.Sender`.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

from consumers.intake.endpoint import PATH
from stream.events.posted import item

BATCH_EVENTS = 200
POSTS_AT_ONCE = 8
ANSWER_SECONDS_MAX = 30.0
GIVE_UP_SECONDS = 60.0
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)  # and every 5xx

Record = tuple[str, bytes]  # topic and value

log = logging.getLogger(__name__)


class CollectorSender:
    """Posts records to a collector: `async with CollectorSender(url) as sender`, `put`, and at the end `flush`.

    url               of the collector, without the path
    key               the write key, where it asks for one
    give_up_seconds   after so long without success `put` and `flush` raise ConnectionError
    """

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        batch_events: int = BATCH_EVENTS,
        posts_at_once: int = POSTS_AT_ONCE,
        give_up_seconds: float = GIVE_UP_SECONDS,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = url.rstrip("/") + PATH
        self._headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {key}"} if key else {}
        )
        self._batch_events, self._give_up_seconds = batch_events, give_up_seconds
        self._now_ms, self._sleep = now_ms, sleep
        self._places = asyncio.Semaphore(posts_at_once)
        self._posts: set[asyncio.Task[None]] = set()
        self._waiting: list[Record] = []
        self._session: aiohttp.ClientSession | None = None
        self._in_trouble = False
        self.acknowledged = 0
        self.rejected = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_SECONDS_MAX))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._posts:
            task.cancel()  # only what an error left behind: `flush` leaves nothing
        await asyncio.gather(*self._posts, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def put(self, topic: str, key: bytes | None, value: bytes, headers: Sequence[Any] = ()) -> None:
        """Takes one record for `topic` (without prefix). The key is the collector's affair, headers do not travel over HTTP."""
        if item(topic, value) is None:
            await self._begin([(topic, value)])  # spoils nobody else's request
            return
        self._waiting.append((topic, value))
        if len(self._waiting) >= self._batch_events:
            await self._begin(self._waiting)
            self._waiting = []

    async def flush(self) -> None:
        """Returns when the collector has answered for everything that was put. Raises ConnectionError and ValueError."""
        if self._waiting:
            await self._begin(self._waiting)
            self._waiting = []
        while self._posts:
            done, _ = await asyncio.wait(self._posts, return_when=asyncio.FIRST_COMPLETED)
            self._end(done)

    async def _begin(self, records: list[Record]) -> None:
        await self._places.acquire()
        self._end({task for task in self._posts if task.done()})
        task = asyncio.create_task(self._post(records))
        self._posts.add(task)
        task.add_done_callback(lambda _: self._places.release())

    def _end(self, done: set[asyncio.Task[None]]) -> None:
        self._posts -= done
        for task in done:
            task.result()

    async def _post(self, records: list[Record]) -> None:
        answer = await self.post(records)
        self.acknowledged += answer["accepted"]
        self.rejected += len(answer["rejected"])

    async def post(self, records: Sequence[Record]) -> dict[str, Any]:
        """Posts once more until there is an answer that stands: the body of a 202; a body that is no JSON is rejected as a whole.

        Raises ValueError where another attempt would not help, ConnectionError where none helped for `give_up_seconds`.
        """
        began, attempt = time.monotonic(), 0
        while True:
            status, answer, seconds = await self._attempt(records)
            if status == HTTPStatus.ACCEPTED and "accepted" in answer:
                self._in_trouble = False
                return answer
            if status == HTTPStatus.BAD_REQUEST and len(records) == 1:
                return {"accepted": 0, "rejected": [{"index": 0, "reason": "not_json"}]}
            what = answer.get("detail", f"status {status}")
            if 0 < status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _AGAIN:
                raise ValueError(f"the collector at {self._url} refuses: {what}")
            if time.monotonic() - began > self._give_up_seconds:
                raise ConnectionError(f"the collector at {self._url} takes nothing: {what}")
            if not self._in_trouble:
                log.warning("the collector at %s takes nothing now, trying again: %s", self._url, what)
                self._in_trouble = True
            backoff = _BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)]
            # Whoever was sent away at the same moment comes back at different ones.
            await self._sleep((seconds or backoff) * random.uniform(1.0, 1.5))  # noqa: S311 no secret
            attempt += 1

    async def _attempt(self, records: Sequence[Record]) -> tuple[int, dict[str, Any], float | None]:
        """Status, answer and Retry-After of one request; status 0 where there was none."""
        assert self._session is not None, "use `async with`"
        now_ms = self._now_ms()
        items = [item(topic, value, now_ms) for topic, value in records]
        body = (
            b"[" + b",".join(one for one in items if one is not None) + b"]" if all(items) else records[0][1]
        )
        try:
            async with self._session.post(self._url, data=body, headers=self._headers) as response:
                text = response.headers.get("Retry-After", "")
                seconds = float(text) if text.isdecimal() else None  # what stands between may write a date
                return response.status, _object(await response.read()), seconds
        except aiohttp.ClientConnectorDNSError as error:
            return 0, {"detail": f"there is no host {error.host}"}, None
        except aiohttp.ClientConnectorError as error:
            return 0, {"detail": f"nothing listens at {error.host}:{error.port}"}, None
        except TimeoutError:
            return 0, {"detail": f"no answer within {ANSWER_SECONDS_MAX:g} s"}, None
        except aiohttp.ClientError as error:
            return 0, {"detail": f"what listens there does not answer as a collector does ({error})"}, None


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer; empty where there is none, as in what a proxy or another server says."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
