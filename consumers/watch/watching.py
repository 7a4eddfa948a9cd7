"""Who watches, and which apps? Of several watches one looks at every app once a minute; the others stand by."""

import contextlib
import logging
from collections.abc import Callable

from consumers.metrics import watching as metrics
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from consumers.watch.health import Health
from consumers.watch.one_app import OneApp, Overtaken
from consumers.watch.webhook import Send
from stream.churn.documents import State
from stream.churn.incidents import Telling
from stream.retention.days import zone
from stream.store.protocol import Store, StoreUnavailable

ROLE = "watch"
LEAD_SECONDS = 150.0
GIVEN_UP_SECONDS = 0.001  # the shortest lease there is

log = logging.getLogger(__name__)


class Watching:
    """All apps.

    Args:
        send: the webhook; None where there is none.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        health: Health,
        send: Send | None,
        telemetry: Telemetry,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._settings, self._store, self._health, self._clock = settings, store, health, clock
        self._tries = {said: telemetry.child(metrics.WEBHOOK, said) for said in metrics.OUTCOMES}
        self._send = None if send is None else self._counted(send)
        self._apps: dict[str, OneApp] = {}
        self._leads = telemetry.child(metrics.LEADS)
        self._duration = telemetry.child(metrics.RUN_DURATION)
        self._errors = telemetry.child(metrics.RUN_ERRORS)
        self.waiting: str | None = "no look at the numbers has succeeded yet"

    async def look(self, now_ms: int) -> bool:
        """One look at every app; False where another watch is at it. Raises StoreUnavailable."""
        began = self._clock()
        if not await self._store.lead(ROLE, LEAD_SECONDS):
            self._apps.clear()  # what it knew is not what the other one finds
            self._leads.set(0)
            self.waiting = None
            return False
        self._leads.set(1)
        trouble = await self._health.trouble(now_ms)
        if trouble:
            log.warning("no verdict: %s", trouble)
        for app, name in (await self._store.zones()).items():
            await self._look_at(app, name, now_ms, trouble)
        self._duration.set(self._clock() - began)
        self.waiting = None
        return True

    async def give_up(self) -> None:
        """Lets another watch look from now on, instead of when the lease ends by itself."""
        with contextlib.suppress(StoreUnavailable):
            await self._store.lead(ROLE, GIVEN_UP_SECONDS)

    async def _look_at(self, app: str, zone_name: str, now_ms: int, trouble: str) -> None:
        """A failure in one app holds no other one up; it starts anew from what is stored."""
        if app not in self._apps:
            self._apps[app] = OneApp(self._settings, self._store, app, zone(zone_name), self._send)
        try:
            await self._apps[app].look(now_ms, trouble)
        except StoreUnavailable:
            del self._apps[app]
            raise
        except Overtaken as error:
            log.warning("%s; it is read again", error)
            del self._apps[app]
        except Exception:
            log.exception("app %s could not be looked at", app)
            self._errors.inc()
            del self._apps[app]

    def state_of(self, app: str) -> State | None:
        """What the last look at an app left; None where it failed."""
        return self._apps[app].state if app in self._apps else None

    def _counted(self, send: Send) -> Send:
        async def counted(body: dict[str, object]) -> Telling:
            said = await send(body)
            self._tries[said].inc()
            return said

        return counted
