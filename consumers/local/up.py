"""How does the whole product run on one machine? Broker, store, our roles and demo traffic as child processes of this one.

    Ctrl-C ──> demo, collector, API ──> wait until everything sent is counted ──> worker, exporter, watch ──> broker, store

The broker's log is in memory. So what was sent is counted before the worker stops; and a broker that had to be started again is
another log, with which everything that reads it is started again.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumers.access import key_for
from consumers.kafka import Kafka
from consumers.local import probes, servers
from consumers.local.data_dir import DataDir, write_json
from consumers.local.drain import uncounted
from consumers.local.kept import misfit
from consumers.local.place import CannotStart, Place
from consumers.local.supervisor import Role
from consumers.settings import Settings, environment

START_SECONDS_MAX = 60.0
START_ENDS_MAX = 3  # a process that ended so often before all were up has a reason that waiting does not cure
DRAIN_SECONDS_MAX = 10.0  # without progress
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Options:
    """What `retention up` was asked for."""

    port: int
    demo: bool
    ready_file: Path | None


def run(settings: Settings, data_dir: DataDir, options: Options) -> None:
    """Runs everything until SIGINT, SIGTERM or SIGHUP; CannotStart when it never gets ready."""
    asyncio.run(_Up(settings, data_dir, options).run())


class _Up:
    def __init__(self, settings: Settings, data_dir: DataDir, options: Options) -> None:
        self._begin = time.monotonic()
        broker, store = servers.broker_binary(), servers.store_binary()
        self._place = Place.found(settings, data_dir.secret(), options.port)
        self._data_dir, self._options = data_dir, options
        self._keeps = any(data_dir.store.iterdir())
        self._stopping, self._hurry = asyncio.Event(), asyncio.Event()
        place, env = self._place, environment(self._place.settings)

        def role(
            name: str, command: Callable[[], list[str]], started: Callable[[], Awaitable[None]] | None = None
        ) -> Role:
            known = {} if name in ("store", "broker") else env
            return Role(name, command, env=known, log=data_dir.log(name), say=_say, started=started)

        def ours(name: str, port: int) -> Role:
            async def started() -> None:
                await _poll(lambda: probes.ready(place.http_host, port))

            return role(name, lambda: _ours(name), started)

        self._store = role(
            "store", lambda: servers.store_command(store, place.redis_port, data_dir.store), self._store_up
        )
        self._broker = role(
            "broker",
            lambda: servers.broker_command(broker, place.kafka_port, servers.new_log_id()),
            self._broker_up,
        )
        self._worker = ours("worker", place.settings.worker_port)
        self._api = ours("api", place.settings.http_port)
        self._exporter = ours("exporter", place.settings.exporter_port)
        self._collector = ours("collector", place.settings.collector_port)
        self._watch = ours("watch", place.settings.watch_port)
        self._demo = role("demo", lambda: _ours("simulate", "--live", *self._through_collector()))
        self._readers = [self._worker, self._api, self._exporter, self._collector, self._watch]
        self._readers += [self._demo] if options.demo else []

    async def run(self) -> None:
        """Starts, tells, waits for the signal, stops."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            if await _unless(self._stopping, self._start()):
                self._tell()
                await self._stopping.wait()
            _say("stopping")
        finally:
            await self._stop()

    async def _start(self) -> None:
        await self._begin_all([self._store, self._broker])
        if self._keeps and (problem := await misfit(self._place.settings)):
            # The broker's log is in memory: what was counted cannot be read from it again.
            raise CannotStart(f"{problem}; or begin anew with another --data-dir")
        await self._begin_all(self._readers)
        if self._options.demo:
            await self._until(self._numbers_show, "no number shows")

    async def _begin_all(self, roles: list[Role]) -> None:
        for role in roles:
            role.start()
        await self._until(lambda: _all(role.up for role in roles), "not every process is ready")

    async def _until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        """Polls while `up` starts; CannotStart when that lasts too long or a process keeps ending."""
        while not await condition():
            for role in (self._store, self._broker, *self._readers):
                if role.ends >= START_ENDS_MAX:
                    raise CannotStart(f"{role.name} does not start: {role.last_words()} (see {role.log})")
            if time.monotonic() - self._begin > START_SECONDS_MAX:
                raise CannotStart(f"{what} after {START_SECONDS_MAX:g} s: see {self._data_dir.logs}")
            await asyncio.sleep(POLL_SECONDS)

    async def _stop(self) -> None:
        # First whoever takes events: what these have acknowledged is then all that is to be counted.
        await asyncio.gather(self._demo.stop(), self._collector.stop(), self._api.stop())
        if self._worker.up and not await _unless(self._hurry, self._drain()):
            _say("what was sent and not counted is dropped: send it again")
        others = [self._worker, self._exporter, self._watch]
        await asyncio.gather(*(role.stop() for role in others))
        await asyncio.gather(self._broker.stop(), self._store.stop())

    async def _drain(self) -> None:
        """Waits until all that was sent is counted, since the broker's log ends with it; gives up when nothing moves any more."""
        least, moved, said = None, time.monotonic(), False
        async with uncounted(self._place.settings) as count:
            while (left := await count()) != 0:
                if left is not None and (least is None or left < least):
                    least, moved = left, time.monotonic()
                if time.monotonic() - moved > DRAIN_SECONDS_MAX:
                    break
                if least is not None and not said:
                    said = True
                    _say(f"counting {least:,} events that were sent; Ctrl-C again drops them")
                await asyncio.sleep(POLL_SECONDS)
            else:
                return
        _say(f"{least or 0:,} events that Kafka had acknowledged were not counted: send them again")

    async def _store_up(self) -> None:
        await _poll(lambda: servers.store_answers(self._place.redis_port))

    async def _broker_up(self) -> None:
        await _poll(lambda: servers.broker_answers(self._place.kafka_port))
        async with Kafka(self._place.settings) as kafka:
            await kafka.ensure_topics()
        if self._broker.ends:
            _say("the broker began another log: what was not counted yet is lost")
            for role in self._readers:
                await role.restart()

    def _through_collector(self) -> list[str]:
        """Live traffic comes as that of an app does, unless keys are asked for and the demo has none."""
        from consumers.feed import DEMO_APP  # brings numpy, which nothing else here needs

        keys = self._place.settings.write_keys.get_secret_value()
        closed = keys and key_for(keys, DEMO_APP) is None
        return [] if closed else ["--collector", self._place.where()["collector"]]

    async def _numbers_show(self) -> bool:
        """A half-loaded demo would be a wrong first sight, so its history is waited for."""
        status = await self._status()
        return int(status.get("applied", 0)) > 0 and status.get("caught_up") is True

    async def _status(self) -> dict[str, Any]:
        settings = self._place.settings
        key = key_for(settings.read_keys.get_secret_value(), None)
        return await probes.status(self._place.http_host, settings.http_port, key)

    def _tell(self) -> None:
        where = self._place.where()
        self._data_dir.announce(where)
        if self._options.ready_file is not None:
            write_json(self._options.ready_file, where)
        seconds = time.monotonic() - self._begin
        print(
            f"ready in {seconds:.1f} s: {where['http']}  collector {where['collector']}  Kafka {where['kafka']}"
            f"  Redis {where['redis']}  (Ctrl-C stops)",
            flush=True,
        )

    def _asked_to_stop(self) -> None:
        if self._stopping.is_set():
            self._hurry.set()  # the second Ctrl-C: what waits is not counted any more
        self._stopping.set()


def _ours(*arguments: str) -> list[str]:
    """A command of this product; -P, so that a folder `stream` where the user stands is not taken for ours."""
    return [sys.executable, "-P", "-m", "consumers.cli", *arguments]


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"retention: {text}", file=sys.stderr, flush=True)


async def _all(conditions: Iterable[bool]) -> bool:
    return all(conditions)


async def _poll(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110 other processes cannot set an event of ours
        await asyncio.sleep(POLL_SECONDS)


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Does the work, True when it is done; False when the event came first and the work was given up."""
    task, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        return task.done()
    finally:
        task.cancel()
        waiting.cancel()
        await asyncio.wait((task, waiting))
