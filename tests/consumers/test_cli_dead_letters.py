"""Dead letters as a command lists them and sends them back, against real servers: each once, whatever stands there."""

import asyncio
import json

import pytest

from consumers.cli.console import out
from consumers.kafka import DEAD_LETTERS, Kafka, Sender
from consumers.settings import Settings
from stream.store.protocol import Position, Progress
from stream.store.redis import RedisStore
from tests.consumers.cli import Command, command, on_broker, stored_now, with_kafka
from tests.servers import Broker, Valkey


@pytest.fixture
def settings(broker: Broker) -> Settings:
    return on_broker(broker)


@pytest.fixture
def retention(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings
) -> Command:
    return with_kafka(command(monkeypatch, capsys), settings)


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
    assert (record.key, record.value, record.headers) == (
        b"u",
        GOOD,
        (("trace", b"1"), ("replay-of", b"sessions 2 5")),
    )
    said = retention("dead-letters", "--replay", APPS="other")
    assert said.out == "nothing sent back\n"


def test_what_is_refused_again_is_one_letter_however_often_it_is_sent_back(
    retention: Command, settings: Settings
) -> None:
    asyncio.run(put_letters(settings, LETTERS[:1]))
    for time in range(1, 4):
        assert retention("dead-letters", "--replay").out == "1 session sent back\n"
        back = stored_now(settings, "sessions")
        assert len(back) == time, "one more, not twice as many"
        again = letter("unknown_app", back[-1].value, 100 + time, *back[-1].headers[1:], field="app_id")
        asyncio.run(put_letters(settings, [again]))
        said = retention("dead-letters", "--json").out.splitlines()
        assert [json.loads(line)["offset"] for line in said] == [5]
    asyncio.run(put_letters(settings, [letter("future", back[-1].value, 200, *back[-1].headers[1:])]))
    assert retention("dead-letters", "--reason", "future", "--replay").out == "1 session sent back\n"


def test_nothing_hides_behind_the_name_of_another_letter(retention: Command, settings: Settings) -> None:
    other = letter("unknown_app", GOOD.replace(b'"u"', b'"v"'), 9, ("replay-of", b"sessions 2 5"))
    asyncio.run(put_letters(settings, [LETTERS[0], other]))
    assert len(retention("dead-letters", "--json").out.splitlines()) == 2
    assert retention("dead-letters", "--replay").out == "2 sessions sent back\n"


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
    own = (("trace", b"1"), ("sha256", b"of its producer"), ("topic", b"its own"))
    assert record.headers == (*own, ("replay-of", b"sessions 2 5"))


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
