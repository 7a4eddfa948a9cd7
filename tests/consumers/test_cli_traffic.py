"""Commands that write to Kafka and read from it, against real servers: nothing is lost, and what is said is so."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from consumers.cli.waiting import behind
from consumers.demo import Record
from consumers.feed import feed
from consumers.kafka import Kafka, Sender
from consumers.settings import Settings
from stream.events.schema import TOPICS
from stream.store.protocol import Position, Progress
from stream.store.redis import RedisStore
from tests.consumers.cli import Command, Ran, command, on_broker, stored, stored_now, with_kafka
from tests.servers import Broker, Valkey

CSV = """userid,eventDate,eventName
u1,2026-05-01,newPlayer
u1,2026-05-01,gameStarted
u1,2026-05-01,gameStarted
u2,2026-05-02,gameStarted
"""
MAPPING = [
    "--map",
    "user_id=userid,timestamp=eventDate,type=eventName",
    "--map-type",
    "newPlayer=install,gameStarted=session",
]


@pytest.fixture
def settings(broker: Broker) -> Settings:
    return on_broker(broker)


@pytest.fixture
def retention(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings
) -> Command:
    return with_kafka(command(monkeypatch, capsys), settings)


def test_an_import_is_in_kafka_when_it_returns_and_a_second_one_sends_the_same(
    retention: Command, settings: Settings, tmp_path: Path
) -> None:
    file, shuffled = tmp_path / "rows.csv", tmp_path / "shuffled.csv"
    file.write_text(CSV)
    head, *lines = CSV.splitlines()
    shuffled.write_text("\n".join([head, *reversed(lines)]) + "\n")
    said = retention("import", file, "--app", "game", *MAPPING)
    assert (said.code, said.out) == (0, "1 install, 3 sessions acknowledged by Kafka\n")
    first = Counter(record.value for record in stored_now(settings, "sessions"))
    assert sum(first.values()) == len(first) == 3, "equal rows are different events"
    assert retention("import", shuffled, "--app", "game", *MAPPING).code == 0
    both = Counter(record.value for record in stored_now(settings, "sessions"))
    assert both == Counter(dict.fromkeys(first, 2))
    assert {record.key for record in stored_now(settings, "installs")} == {b"u1"}


def test_good_rows_are_sent_when_others_are_bad(
    retention: Command, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(CSV + ",2026-05-02,gameStarted\nu3,2026-05-02,gameOver\n")
    said = retention("import", file, "--app", "game", *MAPPING)
    assert said.code == 1
    assert "line 6: missing_field" in said.err
    assert "line 7: type 'gameOver'" in said.err
    assert len(stored_now(settings, "sessions")) == 3


def test_simulated_traffic_is_what_its_answer_says(
    retention: Command, settings: Settings, tmp_path: Path
) -> None:
    answer = tmp_path / "answer.json"
    options = [
        "--users",
        300,
        "--days",
        12,
        "--from",
        "2026-01-01",
        "--garbage",
        0.02,
        "--repeats",
        0.02,
        "--answer",
        answer,
    ]
    assert retention("simulate", "--app", "sim", *options).code == 0
    counts = json.loads(answer.read_text())["records"]
    records = sum(len(stored_now(settings, topic)) for topic in TOPICS)
    assert records == sum(counts.values())
    assert counts["garbage"] > 0 < counts["repeats"]


def test_traffic_of_an_app_that_is_not_counted_is_not_sent(retention: Command, settings: Settings) -> None:
    said = retention("simulate", "--app", "shpo", "--users", 3, "--days", 2, APPS="shop")
    assert (said.code, said.out) == (2, "")
    assert "shpo is none of RETENTION_APPS" in said.err
    assert stored_now(settings, "installs") == []


def test_what_another_log_has_counted_counts_for_nothing() -> None:
    ends = {("installs", 0): 5, ("installs", 1): 0}
    assert behind(ends, {}, "log") == 5
    assert behind(ends, {("installs", 0): Position(3, "log")}, "log") == 2
    assert behind(ends, {("installs", 0): Position(9, "other")}, "log") == 5
    assert behind(ends, {("installs", 0): Position(9, "log")}, "log") == 0


async def pretend_counted(settings: Settings, url: str) -> None:
    async with Kafka(settings) as kafka:
        ends, log_id = await kafka.end_offsets(TOPICS), await kafka.log_id()
    store = RedisStore.connect(url)
    for partition, end in ends.items():
        await store.advance(0, Progress(partition, None, Position(end, log_id), {}))
    await store.aclose()


def test_a_dry_run_says_in_words_what_would_be_sent(retention: Command, tmp_path: Path) -> None:
    file = tmp_path / "same.csv"
    file.write_text("type,user_id,alias,timestamp\nidentity,anna,phone,2026-06-01\n")
    assert retention("import", file, "--app", "game", "--dry-run") == Ran(0, "1 identity would be sent\n", "")


def test_with_wait_an_import_returns_when_the_store_has_it(
    retention: Command, settings: Settings, valkey: Valkey, tmp_path: Path
) -> None:
    file = tmp_path / "ticks.ndjson"
    file.write_text('{"type":"tick"}')
    assert retention("import", file, "--map-type", "tick=").code == 0
    asyncio.run(pretend_counted(settings, valkey.url))
    said = retention("import", file, "--map-type", "tick=", "--wait", REDIS_URL=valkey.url)
    assert (said.code, said.out) == (
        0,
        "no events acknowledged by Kafka; 1 row left out by --map-type\nall of it is counted\n",
    )


def test_an_audit_of_nothing_finds_nothing_and_of_an_unknown_app_says_so(
    retention: Command, valkey: Valkey
) -> None:
    assert retention("audit", REDIS_URL=valkey.url) == Ran(0, "no differences\n", "")
    said = retention("audit", "--app", "shop", REDIS_URL=valkey.url)
    assert said.code == 1
    assert "no data of app shop" in said.err


async def test_the_feed_sends_its_history_and_goes_on_live(settings: Settings) -> None:
    class Enough(Exception):
        pass

    told: list[int] = []
    now = 1_795_000_000_000

    async def sleep(seconds: float) -> None:
        if told and len(told) > 20:
            raise Enough
        if told:
            told.append(0)

    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
    with pytest.raises(Enough):
        async with Sender(settings) as sender:
            await feed(
                sender, sender, timezone="UTC", now_ms=lambda: now, sleep=sleep, on_history=told.append
            )
    records: list[Record] = [record for topic in TOPICS for record in await stored(settings, topic)]
    assert told[0] > 10_000
    assert told[0] + 20 <= len(records) <= told[0] + 60
