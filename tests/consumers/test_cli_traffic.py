"""Commands that write to Kafka and read from it, against real servers: nothing is lost, and what is said is so."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from consumers.cli.console import out
from consumers.cli.waiting import behind
from consumers.demo import Record
from consumers.feed import feed
from consumers.kafka import DEAD_LETTERS, Kafka, Sender, stored_records
from consumers.settings import Settings
from stream.events.schema import TOPICS
from stream.store.protocol import Position, Progress
from stream.store.redis import RedisStore
from tests.consumers.cli import Command, Ran, command
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
    return Settings(kafka=broker.bootstrap, topic_prefix=broker.prefix(), kafka_idempotence=False)


@pytest.fixture
def retention(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings
) -> Command:
    call = command(monkeypatch, capsys)
    own = {"KAFKA": settings.kafka, "TOPIC_PREFIX": settings.topic_prefix, "KAFKA_IDEMPOTENCE": "false"}

    def with_servers(*arguments: object, **more: object) -> Ran:
        return call(*arguments, **own | more)

    return with_servers


async def stored(settings: Settings, topic: str) -> list[Any]:
    return [record async for record in stored_records(settings, topic)]


def stored_now(settings: Settings, topic: str) -> list[Any]:
    return asyncio.run(stored(settings, topic))


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


def letter(
    reason: str,
    value: bytes,
    offset: int,
    *more: tuple[str, bytes],
    field: str = "",
    cut: dict[str, int] | None = None,
) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A letter with headers `more` of its producer; `cut` is what was too large, one of key_size, headers_size and size."""
    about = {"reason": reason, "topic": "sessions", "partition": "2", "offset": str(offset), "field": field}
    if cut:
        sizes = {"key_size": 1, "headers_size": 6, "size": len(value)} | cut
        about |= {name: str(size) for name, size in sizes.items()} | {"sha256": "0" * 64}
    return value, [("trace", b"1"), *more, *((name, text.encode()) for name, text in about.items())]


GOOD = b'{"event_id":"e","app_id":"shop","user_id":"u","timestamp":"2026-05-01T00:00:00Z"}'


LETTERS = [
    letter("unknown_app", GOOD, 5, field="app_id"),
    letter("unknown_app", GOOD, 5, field="app_id"),  # written twice by a crash
    letter("not_json", b"\xff\x00[bold]oops", 6),
    letter("too_large", GOOD, 7, cut={"size": 99999999}),  # only its beginning
]


async def put_letters(
    settings: Settings, letters: list[tuple[bytes, list[tuple[str, bytes]]]] = LETTERS
) -> None:
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
    async with Sender(settings) as sender:
        for value, headers in letters:
            await sender.put(DEAD_LETTERS, b"u", value, headers)
        await sender.flush()


def test_dead_letters_are_listed_once_with_reason_origin_and_beginning(
    retention: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(put_letters(settings))
    said = retention("dead-letters")
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) == 8, "a head, three letters, another head, three sums"
    assert [line.split()[2:7] for line in lines[1:4]] == [
        ["unknown_app", "app_id", "sessions", "2", "5"],
        ["not_json", "sessions", "2", "6", "12"],
        ["too_large", "sessions", "2", "7", "99999999"],
    ]
    assert sum("unknown_app" in line for line in lines) == 2
    assert any(line.startswith("        1 unknown_app    app_id: ") for line in lines)
    assert any("[bold]oops" in line for line in lines)
    assert any("99999999" in line for line in lines)
    monkeypatch.setattr(out, "width", 40)
    assert all("sessions" in line for line in retention("dead-letters").out.splitlines()[1:4])
    found = [
        json.loads(line)
        for line in retention("dead-letters", "--json", "--reason", "unknown_app").out.splitlines()
    ]
    assert [(one["topic"], one["partition"], one["offset"], one["value"]) for one in found] == [
        ("sessions", 2, 5, GOOD.decode())
    ]
    assert (found[0]["field"], found[0]["left_out"]) == ("app_id", [])
    assert retention("dead-letters", "--topic", "installs", "--json").out == ""
    newest = retention("dead-letters", "--json", "--limit", 2)
    times = [json.loads(line)["time"] for line in newest.out.splitlines()]
    assert len(times) == 2
    assert times == sorted(times)
    assert newest.err.startswith("2 of 3 shown")
    assert "not_json" not in retention("dead-letters", "--reason", "unknown_app").out


def test_what_now_decodes_is_sent_back_whole_and_once(retention: Command, settings: Settings) -> None:
    asyncio.run(put_letters(settings))
    said = retention("dead-letters", "--replay")
    assert said.code == 0
    assert said.out == "1 session sent back\n"
    assert "1 still not_json" in said.err
    assert "1 not sent back, of the value only the first 64 KiB were kept" in said.err
    (record,) = stored_now(settings, "sessions")
    assert (record.key, record.value, record.headers) == (b"u", GOOD, (("trace", b"1"),))
    said = retention("dead-letters", "--replay", APPS="other")
    assert said.out == "nothing sent back\n"


def test_a_whole_record_with_a_checksum_of_its_own_is_sent_back(
    retention: Command, settings: Settings
) -> None:
    asyncio.run(
        put_letters(
            settings, [letter("unknown_app", GOOD, 5, ("sha256", b"of its producer"), ("topic", b"its own"))]
        )
    )
    assert retention("dead-letters", "--replay").out == "1 session sent back\n"
    (record,) = stored_now(settings, "sessions")
    assert record.headers == (("trace", b"1"), ("sha256", b"of its producer"), ("topic", b"its own"))


def test_what_cannot_be_sent_back_is_said_with_its_cause(retention: Command, settings: Settings) -> None:
    bad = GOOD.replace(b'"u"', b"5")
    asyncio.run(
        put_letters(
            settings,
            [
                letter("bad_field", bad, 1, field="user_id"),
                letter("unknown_app", GOOD, 2, field="app_id", cut={"key_size": 10**8}),
                letter("unknown_app", GOOD, 3, field="app_id", cut={"headers_size": 10**8}),
                letter("too_large", GOOD, 4, cut={"size": 10**8}),
                letter("unknown_app", GOOD, 5, ("topic", b"another"), field="app_id"),
                (GOOD, [("reason", b"unknown_app"), ("topic", b"another")]),
            ],
        )
    )
    said = retention("dead-letters", "--replay")
    assert said.out == "2 sessions sent back\n"
    assert [line.strip() for line in said.err.splitlines()] == [
        "1 of them with the user id as key: of its own only the first 64 KiB were kept",
        "1 not sent back, it names no topic of events",
        "1 not sent back, its headers were too large to be kept",
        "1 not sent back, of the value only the first 64 KiB were kept",
        "1 still bad_field (user_id)",
    ]
    assert {record.value for record in stored_now(settings, "sessions")} == {GOOD}


def test_whatever_stands_in_the_topic_is_listed_and_does_nothing_to_the_terminal(
    retention: Command, settings: Settings
) -> None:
    async def put() -> None:
        async with Kafka(settings) as kafka:
            await kafka.ensure_topics()
        async with Sender(settings) as sender:
            for headers in (
                [
                    ("reason", b"\x1b[2J[bold red]"),
                    ("topic", b"a\nb"),
                    ("partition", b"x"),
                    ("offset", b"\xff"),
                ],
                [("offset", b"9" * 5000)],
                [],
            ):
                await sender.put(DEAD_LETTERS, b"\x1b[2J", b"\x1b]0;owned\x07", headers)
            await sender.flush()

    asyncio.run(put())
    for more in ((), ("--json",)):
        said = retention("dead-letters", *more)
        assert said.code == 0
        assert "\x1b" not in said.out
        assert said.out.count("owned") == 3
    assert retention("dead-letters", "--replay").out == "nothing sent back\n"


def test_no_dead_letters_is_said(retention: Command) -> None:
    assert retention("dead-letters").out == "no dead letters\n"


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


def test_dead_letters_of_a_log_that_is_gone_are_told_of(
    retention: Command, settings: Settings, valkey: Valkey
) -> None:
    """They stay in the sum that /api/v1/status shows."""

    async def count(dead: int) -> None:
        store = RedisStore.connect(valkey.url)
        where = ("sessions", dead)
        await store.advance(0, Progress(where, None, Position(dead, "another"), {"dead_letters": dead}))
        await store.aclose()

    asyncio.run(put_letters(settings))
    asyncio.run(count(3))
    assert retention("dead-letters", REDIS_URL=valkey.url).err == ""
    asyncio.run(count(2))
    for more in ((), ("--reason", "not_json"), ("--json",)):
        said = retention("dead-letters", *more, REDIS_URL=valkey.url)
        assert said.err.startswith("2 dead letters counted earlier are not in this log: ")
    assert retention("dead-letters", REDIS_URL="redis://127.0.0.1:1").err == ""
