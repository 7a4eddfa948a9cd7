"""An import reads dates in the zones in which the workers count, or it sends nothing."""

import asyncio
from pathlib import Path

import pytest

from consumers.identity import claim
from consumers.settings import Settings
from consumers.stores import opened
from tests.consumers.cli import Command, command
from tests.servers import HOST, Valkey, free_port

FILE = "type,user_id,timestamp\ninstall,b,2026-11-20\n"
COUNTED = "ny=America/New_York"


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "l2.csv"
    file.write_text(FILE)
    return file


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """Of a Redis whose numbers of app `ny` have days of New York."""

    async def counted() -> None:
        settings = Settings(
            redis_url=valkey.url, timezones=COUNTED, user_id_secret="a-secret-of-twenty-characters"
        )
        async with opened(settings) as store:
            await claim(settings, store)
            await store.claim_zone("ny", "America/New_York")

    asyncio.run(counted())
    return valkey.url


def test_dates_that_would_be_read_in_another_zone_are_not_sent(
    retention: Command, file: Path, redis_url: str
) -> None:
    # Kafka is nowhere: whoever looked there first would say so.
    said = retention("import", file, "--app", "ny", REDIS_URL=redis_url, KAFKA=f"{HOST}:{free_port()}")
    assert (said.code, said.out) == (1, "")
    [line] = said.err.splitlines()
    assert "ny in America/New_York, not UTC" in line
    assert line.endswith("nothing was sent")


def test_with_the_zones_of_the_numbers_rows_are_read(retention: Command, file: Path, redis_url: str) -> None:
    options = ["import", file, "--app", "ny", "--dry-run"]
    assert retention(*options, REDIS_URL=redis_url).code == 1
    said = retention(*options, REDIS_URL=redis_url, TIMEZONES=COUNTED)
    assert (said.code, said.out, said.err) == (0, "1 install would be sent\n", "")


def test_where_redis_is_away_it_is_told_that_nothing_was_checked(retention: Command, file: Path) -> None:
    said = retention("import", file, "--app", "ny", "--dry-run", REDIS_URL=f"redis://{HOST}:{free_port()}")
    assert (said.code, said.out) == (0, "1 install would be sent\n")
    assert said.err.startswith("warning: it was not checked whether the numbers have the same time zones: ")
