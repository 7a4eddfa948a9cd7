"""Do the ways of docs/operations.md lead where they say? Each is gone with workers that are counting, command by command."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from consumers.settings import Settings
from stream.store.redis import RedisStore
from tests.consumers.ingest.conftest import own
from tests.crash.answers import answers
from tests.crash.sending import all_counted, hold, send, story
from tests.crash.team import Team
from tests.servers import ROOT, Broker, Valkey
from tests.waiting import wait_until

pytestmark = pytest.mark.crash

PAGE = (ROOT / "docs" / "operations.md").read_text()


def at(settings: Settings, url: str, **more: object) -> Settings:
    return settings.model_copy(update={"redis_url": Settings(redis_url=url).redis_url, **more})


async def test_a_flush_and_a_second_redis_give_the_numbers_again(
    broker: Broker, valkey: Valkey, make_valkey: Callable[..., Valkey], tmp_path: Path
) -> None:
    assert "redis-cli FLUSHALL" in PAGE
    assert "another `RETENTION_GROUP`" in PAGE
    second = make_valkey()
    settings, records = await own(broker), story(seed=3)
    stores = [RedisStore.connect(one.url) for one in (valkey, second)]
    teams = []
    try:
        teams.append(Team(at(settings, valkey.url, group="one"), tmp_path))
        teams[0].join()
        await send(settings, records)
        await all_counted(stores[0], len(records))
        before = await answers(stores[0])
        assert valkey.ask("FLUSHALL") == "+OK\r\n"
        await wait_until(lambda: "WentBack" in (tmp_path / "worker-1.log").read_text(), 60)
        await all_counted(stores[0], len(records))
        assert await answers(stores[0]) == before

        (tmp_path / "two").mkdir()
        teams.append(Team(at(settings, second.url, group="two"), tmp_path / "two"))
        teams[1].join()
        await all_counted(stores[1], len(records))
        assert await answers(stores[1]) == before
        await hold(settings, stores[0], len(records))
    finally:
        for team in teams:
            team.close()
        for store in stores:
            await store.aclose()


async def test_another_zone_is_refused_until_everything_is_counted_again(
    broker: Broker, make_valkey: Callable[..., Valkey], tmp_path: Path
) -> None:
    assert "`RETENTION_TIMEZONES=game=Asia/Tokyo`" in PAGE
    valkey = make_valkey()
    settings, records = at(await own(broker), valkey.url), story(seed=4)
    store = RedisStore.connect(valkey.url)
    first = Team(settings, tmp_path)
    first.join()
    try:
        await send(settings, records)
        await all_counted(store, len(records))
    finally:
        first.close()
    (tmp_path / "tokyo").mkdir()
    second = Team(settings.model_copy(update={"timezones": {"game": "Asia/Tokyo"}}), tmp_path / "tokyo")
    second.join()
    log = tmp_path / "tokyo" / "worker-1.log"
    try:
        await wait_until(lambda: "IdentityMismatch" in log.read_text(), 60)
        assert await store.zones() == {"game": "UTC"}
        assert valkey.ask("FLUSHALL") == "+OK\r\n"
        await all_counted(store, len(records))
        assert await store.zones() == {"game": "Asia/Tokyo"}
    finally:
        second.close()
        await store.aclose()


def test_every_command_of_the_page_is_one_that_there_is() -> None:
    commands = {line.split("#")[0].strip() for line in PAGE.splitlines() if line.startswith("    ")}
    for command in commands:
        if command.startswith("make "):
            target = command.split()[1]
            assert f"\n{target}:" in (ROOT / "Makefile").read_text(), command
        if command.startswith("retention "):
            shown = subprocess.run(
                [sys.executable, "-m", "consumers.cli", command.split()[1], "--help"],
                capture_output=True,
                check=False,
            )
            assert shown.returncode == 0, command
