"""Who counts while things fail, and what fails? Workers that are started again, and troubles one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from consumers.settings import Settings
from stream.store.protocol import StoreUnavailable
from stream.store.redis import RedisStore
from tests.consumers.ingest.test_worker import PROGRAM, Process
from tests.crash.sending import Sent, send
from tests.servers import ApacheKafka, KafkaLike, Valkey
from tests.waiting import wait_until


class Team:
    """Workers that are started again when they end, as `retention up` and every orchestrator do."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._settings, self._directory = settings, directory
        self.workers: list[Process] = []
        self.started = 0
        self._watch = asyncio.ensure_future(self._keep())

    def join(self) -> None:
        """One more worker."""
        self.workers.append(self._new())

    def _new(self) -> Process:
        self.started += 1
        return Process(self._settings, self._directory / f"worker-{self.started}.log", PROGRAM)

    async def _keep(self) -> None:
        while True:
            self.workers = [one if one.running else self._new() for one in self.workers]
            await asyncio.sleep(0.2)

    async def leave(self) -> None:
        """One worker goes in good order."""
        worker = self.workers.pop()
        worker.end()
        await worker.code()

    def close(self) -> None:
        """All gone."""
        self._watch.cancel()
        for worker in self.workers:
            worker.kill()
        for log in sorted(self._directory.glob("worker-*.log")):
            print(f"--- {log.name}\n{log.read_text()[-1500:]}")


class Storm:
    """What goes wrong, one after the other, each after some progress of the numbers."""

    def __init__(
        self,
        team: Team,
        store: RedisStore,
        valkey: Valkey,
        server: KafkaLike,
        runs: int,
        *,
        patience_seconds: float = 60,
    ) -> None:
        self._team, self._store, self._valkey, self._server, self._runs = team, store, valkey, server, runs
        self._patience_seconds = patience_seconds

    @property
    def troubles(self) -> list[Callable[[], Awaitable[None]]]:
        """Everything that goes wrong, once each and kills twice."""
        return [
            self._kill,
            self._refuse,
            self._kill,
            self._join_and_leave,
            self._restart_store,
            self._restart_broker,
        ]

    async def blow(self, settings: Settings, records: Sequence[Sent]) -> None:
        """All of it, so often, each while another part of the records is being sent."""
        troubles = self.troubles * self._runs
        size = -(-len(records) // len(troubles))
        for number, trouble in enumerate(troubles):
            before = await self._counted()
            sending = asyncio.create_task(send(settings, records[number * size : (number + 1) * size]))
            await wait_until(
                lambda before=before: self.further(before), self._patience_seconds, what="the numbers move"
            )
            await trouble()
            await sending

    async def further(self, before: int) -> bool:
        """Whether the numbers have moved beyond this sum of positions."""
        return await self._counted() > before

    async def _counted(self) -> int:
        with suppress(StoreUnavailable):
            return sum(position.next for position in (await self._store.positions()).values())
        return -1

    async def _kill(self) -> None:
        self._team.workers[0].kill()

    async def _refuse(self) -> None:
        self._valkey.ask("CONFIG", "SET", "maxmemory", "1")
        await asyncio.sleep(1)
        self._valkey.ask("CONFIG", "SET", "maxmemory", "0")

    async def _join_and_leave(self) -> None:
        self._team.join()
        joined = self._team.workers[-1]
        await wait_until(
            lambda: "reading" in joined.text, self._patience_seconds, what="a third worker has partitions"
        )
        await self._team.leave()

    async def _restart_store(self) -> None:
        self._valkey.kill()
        self._valkey.start()

    async def _restart_broker(self) -> None:
        if isinstance(self._server, ApacheKafka):  # The embedded broker keeps its log in memory only.
            self._server.kill()
            self._server.start()
