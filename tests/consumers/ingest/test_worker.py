"""The worker as a process: what kills it, what does not, and that the numbers stand whatever happens."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from aiokafka.structs import ConsumerRecord

from consumers.ingest.worker import build_engine
from consumers.settings import Settings, environment
from stream.engine import DeadLetter, RecordBatch
from stream.events.decode import Decoder
from stream.retention.days import zone
from stream.store.memory import MemoryStore
from stream.store.protocol import StoreUnavailable
from stream.store.redis import RedisStore
from tests.consumers.ingest.conftest import own
from tests.consumers.ingest.rig import produce
from tests.servers import ApacheKafka, Broker, KafkaLike, Valkey
from tests.waiting import Proxy, wait_until

pytestmark = pytest.mark.crash

PROGRAM = """
import sys
from consumers.settings import load
from consumers.ingest.worker import run_worker
sys.exit(run_worker(load(use_up=False)))
"""


class Process:
    """A worker process and what it wrote."""

    def __init__(self, settings: Settings, log: Path, program: str) -> None:
        self.log = log
        env = {**os.environ, **environment(settings)}
        with log.open("wb") as errors:
            self._popen = subprocess.Popen([sys.executable, "-c", program], env=env, stderr=errors)

    @property
    def rss_bytes(self) -> int:
        return int(psutil.Process(self._popen.pid).memory_info().rss)

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def text(self) -> str:
        return self.log.read_text()

    def end(self) -> None:
        """SIGTERM."""
        self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        self._popen.kill()
        self._popen.wait()

    async def code(self) -> int:
        await wait_until(lambda: not self.running, 60, what="the worker ends")
        return int(self._popen.returncode)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a worker; all are killed behind the test."""
    started: list[Process] = []

    def run(settings: Settings, program: str = PROGRAM) -> Process:
        started.append(Process(settings, tmp_path / f"worker-{len(started)}.log", program))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        print(f"--- {process.log.name}\n{process.text[-4000:]}")


@pytest.fixture
async def both(server: KafkaLike, valkey: Valkey) -> Settings:
    """Settings with real servers on both ends."""
    return (await own(server)).model_copy(update={"redis_url": Settings(redis_url=valkey.url).redis_url})


@pytest.fixture
async def store(valkey: Valkey) -> AsyncIterator[RedisStore]:
    store = RedisStore.connect(valkey.url)
    yield store
    await store.aclose()


def session(n: int, *, users: int = 500) -> bytes:
    """The n-th session; every 100th record is garbage."""
    event = {
        "event_id": f"e{n}",
        "app_id": "demo",
        "user_id": f"u{n % users}",
        "timestamp": 1_700_000_000_000 + n * 60_000,
    }
    return b"garbage" if n % 100 == 99 else json.dumps(event).encode()


async def counted(store: RedisStore, records: int, seconds: float = 100) -> None:
    """Waits until as many records are settled, and holds the totals to the records that were sent."""

    async def done() -> bool:
        try:
            totals = await store.totals()
        except StoreUnavailable:
            return False
        return totals.get("applied", 0) + totals.get("dead_letters", 0) >= records

    await wait_until(done, seconds, what=f"{records} records are counted")
    totals = await store.totals()
    assert (totals["applied"], totals["dead_letters"]) == (records - records // 100, records // 100)
    assert totals.get("offset_holes", 0) == 0


async def exact(settings: Settings, store: RedisStore, records: int) -> None:
    """Holds every counter to what one engine in memory makes of the same records, each seen once."""
    memory = MemoryStore()
    engine = build_engine(settings, memory, "log")
    await engine.assigned([("sessions", 0)])

    async def drop(letters: list[DeadLetter]) -> None:
        return

    sent = [ConsumerRecord("", 0, n, 2**42, 0, None, session(n), None, 0, 0, ()) for n in range(records)]
    await engine.count(RecordBatch("sessions", 0, 0, records, sent), drop)
    assert await store.stored_counters("demo") == await memory.stored_counters("demo")


async def test_a_worker_that_starts_from_nothing_knows_all_erasures_first(
    both: Settings, store: RedisStore, start: Start
) -> None:
    """Whatever partition is read first, the sessions of erased users come after the erasure."""
    records, users = 4_000, 40
    decoder = Decoder(zones=lambda app: zone("UTC"), secret=both.secret, earliest_ms=both.earliest_ms)
    gone = {
        "app_id": "demo",
        "users": [decoder.user("demo", f"u{n}").hex() for n in range(users)],
        "erased_until": 1_800_000_000_000,
    }
    await produce(both, "erasures", [json.dumps(gone).encode()])
    sent = [session(n, users=users) for n in range(records) if n % 100 != 99]
    await produce(both, "sessions", sent)
    start(both)

    async def done() -> bool:
        with suppress(StoreUnavailable):
            return sum((await store.totals()).values()) == len(sent) + 1
        return False

    await wait_until(done, 60, what="all of it is counted")
    totals = await store.totals()
    assert (totals["applied"], totals["erased"]) == (1, len(sent))


async def test_sigterm_ends_clean(both: Settings, store: RedisStore, start: Start) -> None:
    await produce(both, "sessions", map(session, range(1_000)))
    worker = start(both)
    await counted(store, 1_000)
    worker.end()
    assert await worker.code() == 0
    assert " ERROR " not in worker.text


async def test_killed_again_and_again_every_record_is_counted_once(
    both: Settings, store: RedisStore, start: Start, crash_runs: int
) -> None:
    records = 60_000
    sending = asyncio.create_task(produce(both, "sessions", map(session, range(records))))
    for n in range(4 * crash_runs):
        worker = start(both)
        before = sum(position.next for position in (await store.positions()).values())

        async def further(before: int = before, n: int = n) -> bool:
            reached = sum(position.next for position in (await store.positions()).values())
            return reached > before or (n > 0 and reached >= records)

        await wait_until(further, 60)
        worker.kill()
    await sending
    start(both)
    await counted(store, records)
    await exact(both, store, records)


async def test_two_workers_share_one_dies_the_other_finishes(
    both: Settings, store: RedisStore, start: Start
) -> None:
    first, second = start(both), start(both)
    await produce(both, "sessions", map(session, range(20_000)))
    await wait_until(lambda: "reading" in first.text and "reading" in second.text, 60)
    first.kill()
    await produce(both, "sessions", map(session, range(20_000, 40_000)))
    await counted(store, 40_000)
    await exact(both, store, 40_000)
    assert second.running


async def test_a_store_that_lost_everything_ends_the_worker_and_the_next_rebuilds_it(
    both: Settings, store: RedisStore, valkey: Valkey, start: Start
) -> None:
    await produce(both, "sessions", map(session, range(2_000)))
    worker = start(both)
    await counted(store, 2_000)
    valkey.ask("FLUSHALL")
    assert await worker.code() == 1
    assert worker.text.count("WentBack") == 1
    assert "Traceback" not in worker.text
    start(both)
    await counted(store, 2_000)
    await exact(both, store, 2_000)


async def test_without_the_watchdog_nobody_would_notice(
    broker: KafkaLike, valkey: Valkey, store: RedisStore, start: Start
) -> None:
    settings = (await own(broker)).model_copy(update={"redis_url": Settings(redis_url=valkey.url).redis_url})
    await produce(settings, "sessions", map(session, range(200)))
    blind = "import consumers.ingest.watchdog as w; w.PROGRESS_SECONDS = 1e9\n"
    blind += "import consumers.ingest.worker as v, functools\n"
    blind += "v.watch_progress = functools.partial(w.watch_progress, seconds=1e9)\n"
    worker = start(settings, blind + PROGRAM)
    await counted(store, 200)
    valkey.ask("FLUSHALL")
    await asyncio.sleep(4)  # the watchdog needs one second
    assert worker.running
    assert await store.positions() == {}


@pytest.mark.parametrize(
    "other", [{"user_id_secret": "another-0123456789"}, {"timezone": "Asia/Kolkata"}, {"shards": 2}]
)
async def test_a_worker_that_counts_otherwise_is_refused(
    broker: KafkaLike, valkey: Valkey, store: RedisStore, start: Start, other: dict[str, object]
) -> None:
    settings = (await own(broker)).model_copy(update={"redis_url": Settings(redis_url=valkey.url).redis_url})
    await produce(settings, "sessions", map(session, range(200)))
    worker = start(settings)
    await counted(store, 200)
    worker.end()
    await worker.code()
    changed = {name: getattr(Settings(**{name: value}), name) for name, value in other.items()}
    refused = start(settings.model_copy(update=changed))
    assert await refused.code() == 1
    assert "IdentityMismatch" in refused.text
    assert "Traceback" not in refused.text


async def test_a_store_that_restarts_is_waited_for(
    both: Settings, make_valkey: Callable[..., Valkey], start: Start
) -> None:
    keeping = make_valkey(keep=True)
    settings = both.model_copy(update={"redis_url": Settings(redis_url=keeping.url).redis_url})
    await produce(settings, "sessions", map(session, range(3_000)))
    worker = start(settings)
    store = RedisStore.connect(keeping.url)
    await counted(store, 3_000)
    keeping.stop()
    await produce(settings, "sessions", map(session, range(3_000, 6_000)))
    await wait_until(lambda: "not available" in worker.text, 60)
    keeping.start()
    await counted(store, 6_000)
    assert worker.running
    await store.aclose()


async def test_a_store_that_is_full_is_waited_for(
    both: Settings, valkey: Valkey, store: RedisStore, start: Start
) -> None:
    await produce(both, "sessions", map(session, range(2_000)))
    worker = start(both)
    await counted(store, 2_000)
    assert valkey.ask("CONFIG", "SET", "maxmemory", "1") == "+OK\r\n"
    await produce(both, "sessions", map(session, range(2_000, 4_000)))
    await wait_until(lambda: "not available" in worker.text, 60)
    assert valkey.ask("CONFIG", "SET", "maxmemory", "0") == "+OK\r\n"
    await counted(store, 4_000)
    await exact(both, store, 4_000)
    assert worker.running


async def test_a_stop_while_the_store_is_away_does_not_hang(
    both: Settings, valkey: Valkey, store: RedisStore, start: Start
) -> None:
    worker = start(both)
    await wait_until(lambda: "reading" in worker.text, 60)
    valkey.kill()
    await produce(both, "sessions", map(session, range(1_000)))
    await wait_until(lambda: "not available" in worker.text, 60)
    worker.end()
    ended_by_its_deadline = await worker.code() == 1
    assert ended_by_its_deadline == ("the stop took longer than" in worker.text)


async def test_a_broker_that_restarts_is_waited_for(
    kafka: ApacheKafka, valkey: Valkey, store: RedisStore, start: Start
) -> None:
    settings = (await own(kafka)).model_copy(update={"redis_url": Settings(redis_url=valkey.url).redis_url})
    await produce(settings, "sessions", map(session, range(3_000)))
    worker = start(settings)
    await counted(store, 3_000)
    kafka.kill()
    await asyncio.sleep(5)  # the outage itself
    kafka.start()
    await produce(settings, "sessions", map(session, range(3_000, 6_000)))
    await counted(store, 6_000)
    await exact(settings, store, 6_000)
    assert worker.running
    assert worker.text.count("\n") < 60


async def test_a_stop_just_after_the_broker_has_died_is_quick_and_without_a_stack(
    broker: Broker, valkey: Valkey, start: Start
) -> None:
    redis_url = Settings(redis_url=valkey.url).redis_url
    worker = start((await own(broker)).model_copy(update={"redis_url": redis_url}))
    await wait_until(lambda: "reading" in worker.text, 60, what="partitions are read")
    broker.kill()
    await wait_until(lambda: "Failed fetch" in worker.text, 20, what="a fetch has failed")
    worker.end()
    assert await worker.code() == 0
    assert "Traceback" not in worker.text
    assert "longer than" not in worker.text


async def test_memory_stays_bounded_before_a_slow_store(
    kafka_settings: Settings, valkey: Valkey, start: Start
) -> None:
    for topic in ("installs", "sessions"):
        await produce(kafka_settings, topic, (session(n, users=50_000) for n in range(150_000)))
    async with Proxy(valkey.port) as proxy:
        proxy.latency_seconds = 0.5
        slow = Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0").redis_url
        worker = start(kafka_settings.model_copy(update={"redis_url": slow}))
        await wait_until(lambda: "reading" in worker.text, 60)
        most = 0
        for _ in range(100):
            most = max(most, worker.rss_bytes)
            await asyncio.sleep(0.2)
    print(f"at most {most >> 20} MiB")
    assert most < 400 * 1024 * 1024
