"""Does it run for long? Steady traffic while workers join, leave and die and servers restart: memory flat, no lag, nothing wrong.

`make soak` takes two hours, `make test` less than a minute. Up to 200,000 records are also held against a count by hand; beyond
that the totals of all records, the audit and the memory speak.
"""

import asyncio
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from consumers.settings import Settings
from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import audit
from stream.store.redis import RedisStore
from tests.consumers.ingest.conftest import own
from tests.consumers.ingest.test_worker import PROGRAM, Process
from tests.crash.sending import all_counted, hold
from tests.crash.soak import EVENTS_A_SECOND, Memory, Traffic, lag, nearly_caught_up
from tests.crash.team import Storm, Team
from tests.servers import ApacheKafka, Valkey
from tests.strategies import APP
from tests.waiting import wait_until

pytestmark = pytest.mark.crash

API = """
import sys
from consumers.settings import load
from consumers.api import run_api
sys.exit(run_api(load(use_up=False)))
"""
GROWTH_MIB_MAX = 30
HELD_RECORDS_MAX = 200_000
PAUSE_SECONDS_MAX = 60.0
PATIENCE_SECONDS = 300.0


async def test_memory_is_flat_nothing_stays_behind_and_the_audit_is_clean(
    kafka: ApacheKafka, make_valkey: Callable[..., Valkey], tmp_path: Path, soak_seconds: int
) -> None:
    valkey = make_valkey("--appendfsync", "always", keep=True)
    settings = (await own(kafka)).model_copy(
        update={
            "redis_url": Settings(redis_url=valkey.url).redis_url,
            "http_port": 0,
            "session_timeout_seconds": 10,  # a busy machine is no dead worker
        }
    )
    store = RedisStore.connect(valkey.url)
    steady = {
        "worker": Process(settings, tmp_path / "steady-worker.log", PROGRAM),
        "api": Process(settings, tmp_path / "steady-api.log", API),
    }
    team = Team(settings, tmp_path)
    team.join()
    storm = Storm(team, store, valkey, kafka, 1, patience_seconds=PATIENCE_SECONDS)
    traffic, memory = Traffic(settings), Memory(steady)
    try:
        await troubles(storm, traffic, memory, settings, store, soak_seconds)
        await traffic.stop()
        await all_counted(store, traffic.sent)
        assert await lag(settings, store) == 0
        assert all(process.running for process in steady.values()), "nothing of this may end a process"
        tell(memory, traffic.sent)
        assert max(map(memory.growth_mib, steady)) < GROWTH_MIB_MAX
        totals = await store.totals()
        assert totals.get("offset_holes", 0) == 0
        assert (await audit(store, APP, Scope(zone("UTC")))).differences == []
        if traffic.sent <= HELD_RECORDS_MAX:
            await hold(settings, store, traffic.sent)
        for process in steady.values():
            process.end()
        assert [await process.code() for process in steady.values()] == [0, 0]
    finally:
        memory.stop()
        team.close()
        for process in steady.values():
            process.kill()
            print(f"--- {process.log.name}\n{process.text[-1500:]}")
        await store.aclose()


async def troubles(
    storm: Storm, traffic: Traffic, memory: Memory, settings: Settings, store: RedisStore, seconds: int
) -> None:
    """One after the other, each of them once at least, with time in between in which everything is caught up with."""
    began = time.monotonic()
    await wait_until(lambda: storm.further(0), 60, what="the first events are counted")
    kinds = storm.troubles
    pause = min(PAUSE_SECONDS_MAX, seconds / len(kinds) / 2)
    for number, trouble in enumerate(cycle(kinds)):
        if number >= len(kinds) and time.monotonic() - began > seconds:
            return
        await trouble()
        await nearly_caught_up(settings, store, EVENTS_A_SECOND * 6)
        print(
            f"{time.monotonic() - began:7.0f} s  {trouble.__name__.strip('_'):15} sent {traffic.sent:9,}  "
            + "  ".join(f"{name} {memory.last_mib(name):.0f} MiB" for name in memory.samples),
            flush=True,
        )
        await asyncio.sleep(pause)


def tell(memory: Memory, sent: int) -> None:
    """The figures of the run."""
    print(f"{sent:,} events")
    for name in memory.samples:
        end, growth, slope = memory.last_mib(name), memory.growth_mib(name), memory.slope_mib_an_hour(name)
        print(
            f"{name}: {end:.0f} MiB at the end, {growth:+.1f} MiB since the second quarter, {slope:+.1f} MiB an hour"
        )
