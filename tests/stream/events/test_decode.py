"""Is every record an event or a rejection with the right reason?"""

import json
from typing import Any

import pytest

from stream.events.decode import Decoder
from stream.events.reasons import MEANINGS, Reason
from stream.events.schema import Erasure, Event, Identity, Rejection
from stream.retention.days import zone
from stream.retention.money import decimal_text, minor_units

RECORD_MS = 1_790_000_000_000
NOW = RECORD_MS - 60_000
SESSION: dict[str, Any] = {"event_id": "e", "app_id": "demo", "user_id": "u", "timestamp": NOW}
PURCHASE: dict[str, Any] = {**SESSION, "amount": "12.34", "currency": "USD"}


def decoder(**settings: Any) -> Decoder:
    return Decoder(zones=lambda app: zone("UTC"), secret=b"s" * 32, earliest_ms=946_684_800_000, **settings)


def decode(value: Any, topic: str = "sessions", **settings: Any) -> Event | Rejection:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return decoder(**settings).decode(topic, data, RECORD_MS)


def reason(value: Any, topic: str = "sessions", **settings: Any) -> Reason | None:
    found = decode(value, topic, **settings)
    return found.reason if isinstance(found, Rejection) else None


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Reason)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", Reason.NOT_JSON),
        (b"{", Reason.NOT_JSON),
        (b"[1]", Reason.NOT_JSON),
        (b'"text"', Reason.NOT_JSON),
        (b'{"a":' + b"[" * 20_000, Reason.NOT_JSON),
        (b'{"event_id":"\\ud800"}', Reason.NOT_JSON),
        (json.dumps(SESSION).encode()[:-1] + b',"x":"\xff"}', Reason.NOT_JSON),
        (json.dumps(SESSION).encode()[:-1] + b',"duration_seconds":NaN}', Reason.NOT_JSON),
        ({k: v for k, v in SESSION.items() if k != "user_id"}, Reason.MISSING_FIELD),
        ({**SESSION, "user_id": None}, Reason.MISSING_FIELD),
        ({**SESSION, "user_id": ""}, Reason.BAD_FIELD),
        ({**SESSION, "user_id": 5}, Reason.BAD_FIELD),
        ({**SESSION, "event_id": "x" * 129}, Reason.BAD_FIELD),
        ({**SESSION, "app_id": "Demo"}, Reason.BAD_FIELD),
        ({**SESSION, "country": ""}, Reason.BAD_FIELD),
        ({**SESSION, "duration_seconds": -1}, Reason.BAD_FIELD),
        ({**SESSION, "timestamp": "2026-11-20T10:00:00"}, Reason.BAD_TIMESTAMP),
        ({**SESSION, "timestamp": "yesterday"}, Reason.BAD_TIMESTAMP),
        ({**SESSION, "timestamp": 1.5}, Reason.BAD_TIMESTAMP),
        ({**SESSION, "timestamp": 10**30}, Reason.BAD_TIMESTAMP),
        ({**SESSION, "timestamp": "9999-12-31T23:59:59Z"}, Reason.FUTURE),
        ({**SESSION, "timestamp": RECORD_MS + 24 * 3_600_000 + 1}, Reason.FUTURE),
        ({**SESSION, "timestamp": "1999-12-31T23:59:59Z"}, Reason.TOO_OLD),
        (b'{"x":"' + b"y" * 65_536 + b'"}', Reason.TOO_LARGE),
    ],
)
def test_a_record_that_cannot_be_counted_has_its_reason(value: Any, expected: Reason) -> None:
    assert reason(value) is expected


@pytest.mark.parametrize("before", [b'{"a":', json.dumps(SESSION).encode()[:-1] + b',"user_id":5,"x":'])
def test_what_is_nested_too_deep_is_said_so_and_not_in_the_words_of_python(before: bytes) -> None:
    decoded = decode(before + b"[" * 20_000 + b"]" * 20_000 + b"}")
    assert decoded == Rejection(Reason.NOT_JSON, "nested too deep")


FEEDBACK = {**SESSION, "kind": "nps", "score": 9}
JOINED = {**SESSION, "alias": "u@phone"}
ERASURE = {"app_id": "demo", "users": ["0" * 32], "erased_until": NOW}


@pytest.mark.parametrize(
    ("topic", "value", "expected", "field"),
    [
        *(
            (
                "sessions",
                {key: said for key, said in SESSION.items() if key != name},
                Reason.MISSING_FIELD,
                name,
            )
            for name in SESSION
        ),
        ("sessions", {**SESSION, "user_id": None}, Reason.MISSING_FIELD, "user_id"),
        ("sessions", {**SESSION, "event_id": 5}, Reason.BAD_FIELD, "event_id"),
        ("sessions", {**SESSION, "app_id": "Demo"}, Reason.BAD_FIELD, "app_id"),
        ("sessions", {**SESSION, "duration_seconds": -1}, Reason.BAD_FIELD, "duration_seconds"),
        ("sessions", {**SESSION, "utm2": 5}, Reason.BAD_FIELD, "utm2"),
        ("sessions", {**SESSION, "timestamp": "yesterday"}, Reason.BAD_TIMESTAMP, "timestamp"),
        ("sessions", {**SESSION, "timestamp": 10**15}, Reason.BAD_TIMESTAMP, "timestamp"),
        ("sessions", {**SESSION, "timestamp": 0}, Reason.TOO_OLD, "timestamp"),
        ("sessions", {**SESSION, "timestamp": RECORD_MS * 2}, Reason.FUTURE, "timestamp"),
        ("sessions", {**SESSION, "app_id": "other"}, Reason.UNKNOWN_APP, "app_id"),
        ("purchases", {**PURCHASE, "amount": "1.234"}, Reason.BAD_FIELD, "amount"),
        ("purchases", {**PURCHASE, "amount": None}, Reason.MISSING_FIELD, "amount"),
        ("purchases", {**PURCHASE, "currency": "XXX"}, Reason.BAD_FIELD, "currency"),
        ("purchases", {**PURCHASE, "currency": "XXX", "amount": "x"}, Reason.BAD_FIELD, "currency"),
        ("feedback", {**FEEDBACK, "kind": "stars"}, Reason.BAD_FIELD, "kind"),
        ("feedback", {**FEEDBACK, "score": 11}, Reason.BAD_FIELD, "score"),
        ("identities", {**JOINED, "alias": "null"}, Reason.BAD_FIELD, "alias"),
        ("identities", {**JOINED, "user_id": "guest"}, Reason.BAD_FIELD, "user_id"),
        ("erasures", {**ERASURE, "users": ["u"]}, Reason.BAD_FIELD, "users"),
        ("erasures", {**ERASURE, "erased_until": 10**15}, Reason.BAD_TIMESTAMP, "erased_until"),
        ("sessions", b"{", Reason.NOT_JSON, ""),
        ("sessions", b"[1]", Reason.NOT_JSON, ""),
        ("sessions", b" " * 65_537, Reason.TOO_LARGE, ""),
    ],
)
def test_a_rejection_names_the_field_that_is_at_fault(
    topic: str, value: Any, expected: Reason, field: str
) -> None:
    found = decode(value, topic, apps=("demo",), dimensions=("utm2",))
    assert isinstance(found, Rejection)
    assert (found.reason, found.field) == (expected, field)
    assert field in found.detail, "what is said of it names it too"


@pytest.mark.parametrize("kind", ["`$.timestamp`", "x' - at `$.timestamp`", "missing required field `score`"])
def test_what_a_field_holds_is_never_taken_for_its_name(kind: str) -> None:
    found = decode({**FEEDBACK, "kind": kind}, "feedback")
    assert isinstance(found, Rejection)
    assert (found.reason, found.field) == (Reason.BAD_FIELD, "kind")


def test_what_is_said_of_a_value_does_not_grow_with_it() -> None:
    found = decode({**FEEDBACK, "kind": "x" * 60_000}, "feedback")
    assert isinstance(found, Rejection)
    assert len(found.detail) < 100


@pytest.mark.parametrize(
    ("topic", "value", "detail"),
    [
        ("sessions", {**SESSION, "user_id": 5}, "user_id: expected string, got integer"),
        ("sessions", {**SESSION, "user_id": ""}, "user_id: expected string of length >= 1"),
        ("sessions", {**SESSION, "country": 5}, "country: expected string or null, got integer"),
        ("sessions", {**SESSION, "user_id": None}, "user_id is null"),
        ("purchases", SESSION, "amount is missing"),
        ("feedback", {**FEEDBACK, "kind": "stars"}, "kind is neither nps nor csat"),
        (
            "sessions",
            {**SESSION, "timestamp": "x"},
            "timestamp is neither RFC 3339 with an offset nor epoch milliseconds",
        ),
        ("sessions", b"[1]", "expected object, got array"),
    ],
)
def test_what_is_wrong_is_said_in_words_of_json(topic: str, value: Any, detail: str) -> None:
    found = decode(value, topic)
    assert isinstance(found, Rejection)
    assert found.detail == detail


@pytest.mark.parametrize(("timestamp", "hinted"), [(RECORD_MS // 1000, True), (RECORD_MS // 10_000, False)])
def test_seconds_in_place_of_milliseconds_are_recognised(timestamp: int, hinted: bool) -> None:
    found = decode({**SESSION, "timestamp": timestamp})
    assert isinstance(found, Rejection)
    assert (found.reason, "look like seconds" in found.detail) == (Reason.TOO_OLD, hinted)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": "1.234"}, Reason.BAD_FIELD),
        ({"amount": -1}, Reason.BAD_FIELD),
        ({"amount": "NaN"}, Reason.BAD_FIELD),
        ({"amount": True}, Reason.BAD_FIELD),
        ({"amount": 10**11}, Reason.BAD_FIELD),
        ({"amount": "1e9999"}, Reason.BAD_FIELD),
        ({"amount": None}, Reason.MISSING_FIELD),
        ({"currency": "XXX"}, Reason.BAD_FIELD),
        ({"currency": "JPY", "amount": "1.5"}, Reason.BAD_FIELD),
        ({"refund_of": ""}, Reason.BAD_FIELD),
    ],
)
def test_bad_money_is_a_bad_field(change: dict[str, Any], expected: Reason) -> None:
    assert reason({**PURCHASE, **change}, "purchases") is expected


def test_the_limits_themselves_are_accepted() -> None:
    assert reason({**SESSION, "timestamp": RECORD_MS + 24 * 3_600_000}) is None
    assert reason({**SESSION, "event_id": "x" * 128, "user_id": "ü" * 256, "country": "c" * 128}) is None
    assert reason({**PURCHASE, "amount": 10**10}, "purchases") is None


def test_apps_that_are_not_named_are_unknown() -> None:
    assert reason(SESSION, apps=("other",)) is Reason.UNKNOWN_APP
    assert reason(SESSION, apps=("demo",)) is None


def test_both_forms_of_a_time_are_the_same_moment() -> None:
    text = decode({**SESSION, "timestamp": "2026-09-21T15:46:40.500+02:00"})
    number = decode({**SESSION, "timestamp": 1_789_998_400_500})
    assert isinstance(text, Event)
    assert text == number


def test_dimensions_are_those_configured_and_null_says_nothing() -> None:
    event = decode(
        {**SESSION, "plan": "gold", "country": None, "platform": "ios"}, dimensions=("plan", "country")
    )
    assert isinstance(event, Event)
    assert event.dims == (("plan", "gold"),)


def test_a_user_is_a_keyed_hash_of_its_own_app() -> None:
    here, there = decode(SESSION), decode({**SESSION, "app_id": "other"})
    assert isinstance(here, Event)
    assert isinstance(there, Event)
    assert len(here.user) == 16
    assert here.user != there.user


def test_a_record_without_a_time_of_its_own_cannot_make_an_event_future() -> None:
    assert isinstance(
        decoder().decode("sessions", json.dumps({**SESSION, "timestamp": 4 * 10**12}).encode(), -1), Event
    )


@pytest.mark.parametrize(("came", "done"), [(-1, NOW), (NOW, NOW), (NOW + 1, NOW), (NOW - 1, NOW - 1)])
def test_what_kafka_has_is_done_whatever_the_clock_of_the_device_says(came: int, done: int) -> None:
    event = decoder().decode("sessions", json.dumps(SESSION).encode(), came)
    identity = decoder().decode("identities", json.dumps({**SESSION, "alias": "v"}).encode(), came)
    for one in (event, identity):
        assert isinstance(one, Event | Identity)
        assert (one.ts_ms, one.done_ms) == (NOW, done)


@pytest.mark.parametrize(("came", "late"), [(-1, True), (NOW, False), (NOW + 1, True), (NOW - 1, False)])
def test_an_erasure_that_kafka_got_after_its_moment_is_late(came: int, late: bool) -> None:
    gone = {"app_id": "demo", "users": ["0" * 32], "erased_until": NOW}
    erasure = decoder().decode("erasures", json.dumps(gone).encode(), came)
    assert isinstance(erasure, Erasure)
    assert erasure.is_late is late


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("12.34", "USD", 1234),
        ("12.340", "USD", 1234),
        ("100.0", "JPY", 100),
        ("1e2", "VND", 100),
        ("0.001", "KWD", 1),
        ("-0", "USD", 0),
    ],
)
def test_amounts_are_exact_minor_units(text: str, currency: str, expected: int) -> None:
    assert minor_units(text, currency) == expected


@pytest.mark.parametrize(
    ("minor", "currency", "text"), [(1234, "USD", "12.34"), (5, "KWD", "0.005"), (7, "JPY", "7")]
)
def test_amounts_are_written_with_all_their_digits(minor: int, currency: str, text: str) -> None:
    assert decimal_text(minor, currency) == text
    assert minor_units(text, currency) == minor
