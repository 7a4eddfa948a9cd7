"""What a worker writes about a record, a command reads again; what others wrote into the topic is read without harm."""

from types import SimpleNamespace
from typing import Any

import pytest

from consumers.letters import CUT_BYTES, Headers, Letter, Message
from stream.engine import DeadLetter
from stream.events.reasons import Reason

LARGE = b"x" * (CUT_BYTES + 1)
ORIGIN: Headers = [("reason", b"bad_field"), ("topic", b"purchases"), ("partition", b"2"), ("offset", b"7")]


def record(key: bytes | None, value: bytes | None, headers: Headers) -> Any:
    return SimpleNamespace(key=key, value=value, headers=tuple(headers), offset=7, timestamp=1)


def written(
    *, key: bytes | None = b"k", value: bytes | None = b"v", headers: Headers | None = None
) -> Message:
    return Message.of(
        DeadLetter(record(key, value, headers or []), "purchases", 2, Reason.BAD_FIELD, "amount")
    )


def read(message: Message, prefix: str = "") -> Letter:
    return Letter.of(record(message.key, message.value, message.headers), prefix)


OWN: list[Headers] = [
    [],
    [("trace", b"1")],
    [("field", b"of its producer"), ("reason", b"mine"), ("offset", b"9")],
    [("size", b"1"), ("sha256", b"of its producer")],
    [
        ("field", b"x"),
        ("key_size", b"1"),
        ("headers_size", b"0"),
        ("size", b"1"),
        ("sha256", b"of its producer"),
    ],
]


@pytest.mark.parametrize("own", OWN)
def test_what_is_written_is_read_whatever_headers_a_producer_gives(own: Headers) -> None:
    found = read(written(headers=own))
    assert (found.reason, found.field) == ("bad_field", "amount")
    assert (found.topic, found.partition, found.offset) == ("purchases", 2, 7)
    assert (found.key, found.value, found.size, found.own_headers) == (b"k", b"v", 1, own)
    assert found.left_out == ()


@pytest.mark.parametrize("own", OWN[:4])
def test_letters_without_a_field_are_read_as_well(own: Headers) -> None:
    found = read(Message(b"k", b"v", [*own, *ORIGIN]))
    assert (found.reason, found.field, found.offset) == ("bad_field", "", 7)
    assert found.own_headers == ([] if own == OWN[3] else own)


def test_letters_that_were_cut_without_a_word_of_their_key_are_read_as_cut() -> None:
    size: Headers = [("size", b"99"), ("sha256", b"0")]
    found = read(Message(b"k", b"v", [("trace", b"1"), *size, *ORIGIN]))
    assert (found.size, found.left_out, found.own_headers) == (99, ("value",), [("trace", b"1")])


@pytest.mark.parametrize(
    ("more", "left_out"),
    [
        ({"value": LARGE}, ("value",)),
        ({"key": LARGE}, ("key",)),
        ({"headers": [("h", LARGE)]}, ("headers",)),
        ({"key": LARGE, "value": LARGE, "headers": [("h", LARGE)]}, ("value", "key", "headers")),
        ({"key": None, "value": LARGE}, ("value",)),
        ({"key": b"", "value": LARGE, "headers": [("trace", b"1")]}, ("value",)),
    ],
)
def test_what_was_cut_off_is_known(more: dict[str, Any], left_out: tuple[str, ...]) -> None:
    message = written(**more)
    assert message.is_large
    found = read(message.cut())
    assert found.left_out == left_out
    assert found.size == len(more.get("value", b"v"))
    assert (found.reason, found.field, found.offset) == ("bad_field", "amount", 7)
    key = more.get("key", b"k")
    assert found.key == (None if key is None else key[:CUT_BYTES])
    assert found.value == more.get("value", b"v")[:CUT_BYTES]


def test_a_small_message_has_nothing_to_cut() -> None:
    assert not written(headers=[("trace", b"1")]).is_large


def test_topics_are_read_without_their_prefix() -> None:
    dead = DeadLetter(record(b"k", b"v", []), "shop.purchases", 2, Reason.BAD_FIELD, "")
    assert read(Message.of(dead), "shop.").topic == "purchases"


@pytest.mark.parametrize("field", [b"\x1b[2J", b"x" * 65, b"\xff", b"Two Words"])
def test_a_field_that_cannot_be_one_is_none(field: bytes) -> None:
    assert read(Message(b"k", b"v", [*ORIGIN, ("field", field)])).field == "?"
