"""An import from a slow pipe sends rows as they come, and one that is interrupted has sent what it says."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumers.kafka import Kafka, stored_records
from consumers.settings import Settings
from stream.events.schema import TOPICS
from tests.servers import Broker
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

HEAD = b"type,app_id,user_id,timestamp\n"
ROW = b"session,shop,u%d,2026-05-01T00:00:00Z\n"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def settings(broker: Broker) -> Settings:
    return Settings(kafka=broker.bootstrap, topic_prefix=broker.prefix(), kafka_idempotence=False)


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts an import as a process."""
    started: list[subprocess.Popen[bytes]] = []

    def call(file: str) -> subprocess.Popen[bytes]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("RETENTION_")}
        env |= {
            "RETENTION_KAFKA": settings.kafka or "",
            "RETENTION_TOPIC_PREFIX": settings.topic_prefix,
            "RETENTION_KAFKA_IDEMPOTENCE": "false",
            "RETENTION_DATA_DIR": "/nonexistent",
        }
        command = [sys.executable, "-m", "consumers.cli", "import", file]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe))
        return started[-1]

    yield call
    for one in started:
        one.kill()
        one.communicate()


async def in_kafka(settings: Settings) -> int:
    async with Kafka(settings) as kafka:
        return sum((await kafka.end_offsets(TOPICS)).values())


async def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """The exit code and what was said; standard input stays open meanwhile."""
    code = await asyncio.to_thread(process.wait, 20)
    assert process.stdout is not None
    assert process.stderr is not None
    return code, process.stdout.read().decode(), process.stderr.read().decode()


def said(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.flush()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_rows_of_a_slow_pipe_are_sent_as_they_come_and_one_signal_ends_it(
    settings: Settings, start: Start, number: signal.Signals, code: int
) -> None:
    process = start("-")
    said(process, HEAD + ROW % 1)
    await wait_until(lambda: in_kafka(settings), 40, what="the first row is in Kafka")
    said(process, ROW % 2 + ROW % 3 + ROW[:20])

    async def all_three() -> bool:
        return await in_kafka(settings) == 3

    await wait_until(all_three, 10, what="the next rows are in Kafka")
    process.send_signal(number)
    assert await ended(process) == (
        code,
        "3 sessions acknowledged by Kafka; interrupted: run it again, repeats change nothing\n",
        "",
    )
    records = [record async for record in stored_records(settings, "sessions")]
    assert sorted(record.key for record in records) == [b"u1", b"u2", b"u3"]


async def test_what_came_before_the_broken_place_of_a_file_is_in_kafka(
    settings: Settings, start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "cut.csv.gz"
    rows = HEAD + b"".join(ROW % user for user in range(50_000))
    file.write_bytes(gzip.compress(rows)[:-100])
    code, out, err = await ended(start(str(file)))
    assert (code, out) == (1, "")
    count, _, rest = err.partition(" ")
    assert rest == (
        "events acknowledged by Kafka; run it again, repeats change nothing\n"
        f"error: {file} ends in the middle of its gzip data: what came before was read\n"
    )
    assert 10_000 < int(count.replace(",", "")) == await in_kafka(settings) < 50_000


async def test_an_interrupted_import_of_a_long_file_says_how_much_is_in_kafka(
    settings: Settings, start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "long.csv"
    file.write_bytes(HEAD + b"".join(ROW % user for user in range(500_000)))
    process = start(str(file))
    await wait_until(lambda: in_kafka(settings), 40, what="some of it is in Kafka")
    process.send_signal(signal.SIGINT)
    code, out, err = await ended(process)
    assert (code, err) == (130, "")
    count, _, rest = out.partition(" ")
    assert rest == "sessions acknowledged by Kafka; interrupted: run it again, repeats change nothing\n"
    assert 0 < int(count.replace(",", "")) == await in_kafka(settings) < 500_000
