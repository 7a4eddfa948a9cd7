"""What becomes of the body of a request: records for Kafka, and rejections by the decoder's own reasons."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.decode import Decoder
from stream.events.posted import NotJson, Posted, Unpacker, item, items
from stream.events.reasons import Reason
from stream.events.schema import EVENT_TOPICS, TOPICS, Event, Identity, Rejection
from stream.retention.days import zone

NOW_MS = 1_795_200_000_000
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
DECODER = Decoder(zones=lambda app: zone("UTC"), secret=b"s" * 16, earliest_ms=0)
FIELDS = {"event_id": "e1", "app_id": "shop", "user_id": "anna", "timestamp": NOW_MS - HOUR_MS}
OWN: dict[str, dict[str, Any]] = {
    "install": {"platform": "ios"},
    "session": {"duration_seconds": 4.5},
    "purchase": {"amount": "4.990", "currency": "KWD"},
    "feedback": {"kind": "nps", "score": 9},
    "identity": {"alias": "device-1"},
}


def posted(event: Any, *, app: str | None = None, decoder: Decoder = DECODER) -> Posted | Rejection:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    (one,) = items(b"[" + body + b"]")
    return Unpacker(decoder).record(one, app=app, received_ms=NOW_MS)


def reason(event: Any, **how: Any) -> str:
    found = posted(event, **how)
    assert isinstance(found, Rejection), found
    assert found.detail
    return found.reason.value


def value(event: Any, **how: Any) -> dict[str, Any]:
    found = posted(event, **how)
    assert isinstance(found, Posted), found
    return json.loads(found.value)


@pytest.mark.parametrize("kind", OWN)
def test_every_type_goes_to_its_topic_under_the_user_id_as_the_event_that_it_is(kind: str) -> None:
    event = FIELDS | OWN[kind]
    found = posted({"type": kind, "sent_at": NOW_MS} | event)
    assert isinstance(found, Posted)
    assert TOPICS[found.topic] == kind
    assert (found.key, json.loads(found.value)) == (b"anna", event)
    assert isinstance(DECODER.decode(found.topic, found.value, NOW_MS), Event | Identity)


def test_numbers_and_texts_are_written_as_they_were_sent() -> None:
    body = (
        b'{"type":"purchase", "event_id":"\\u00e9","app_id":"shop","user_id":"a b","timestamp":1,'
        b'"amount":4.9900,"currency":"USD"}'
    )
    found = posted(body)
    assert isinstance(found, Posted)
    assert b'"amount":4.9900' in found.value
    assert b'"event_id":"\\u00e9"' in found.value
    assert found.key == b"a b"


REFUSED: list[tuple[Any, str]] = [
    (5, "not_json"),
    ("text", "not_json"),
    (FIELDS, "missing_field"),
    ({"type": None} | FIELDS, "missing_field"),
    ({"type": "erasure"} | FIELDS, "bad_field"),
    ({"type": "sessions"} | FIELDS, "bad_field"),
    ({"type": 7} | FIELDS, "bad_field"),
    ({"type": "session"} | FIELDS | {"user_id": None}, "missing_field"),
    ({"type": "session"} | FIELDS | {"user_id": 7}, "bad_field"),
    ({"type": "session"} | FIELDS | {"timestamp": "yesterday"}, "bad_timestamp"),
    ({"type": "session"} | FIELDS | {"timestamp": NOW_MS + 25 * HOUR_MS}, "future"),
    ({"type": "session"} | FIELDS | {"timestamp": -1}, "too_old"),
    ({"type": "session", "more": "x" * 70_000} | FIELDS, "too_large"),
    ({"type": "purchase"} | FIELDS | {"amount": 1, "currency": "XXQ"}, "bad_field"),
    ({"type": "session", "sent_at": "now"} | FIELDS, "bad_timestamp"),
]


@pytest.mark.parametrize(("event", "why"), REFUSED)
def test_what_the_workers_would_not_count_is_rejected_with_their_reason(event: Any, why: str) -> None:
    assert reason(event) == why


def test_every_reason_can_be_met() -> None:
    only_shop = Decoder(zones=lambda app: zone("UTC"), secret=b"s" * 16, apps=["shop"], earliest_ms=0)
    event = {"type": "session"} | FIELDS
    met = {reason(other) for other, _ in REFUSED} | {reason(event | {"app_id": "game"}, decoder=only_shop)}
    assert met == {one.value for one in Reason}


def test_a_key_names_the_app_of_events_that_name_none() -> None:
    without = {"type": "session"} | {name: said for name, said in FIELDS.items() if name != "app_id"}
    assert value(without, app="shop")["app_id"] == "shop"
    assert value(without | {"app_id": None}, app="shop")["app_id"] == "shop"
    assert value(without | {"app_id": "shop"}, app="shop")["app_id"] == "shop"
    assert reason(without) == "missing_field"


def test_a_key_opens_no_other_app() -> None:
    for kind, own in OWN.items():
        assert reason({"type": kind} | FIELDS | own, app="game") == "unknown_app"


@pytest.mark.parametrize(
    ("skew_ms", "moved_minutes"),
    [
        (0, 0),
        (5 * MINUTE_MS, 0),
        (-5 * MINUTE_MS, 0),
        (5 * MINUTE_MS + 1, 5),
        (-5 * MINUTE_MS - 1, -5),
        (7 * MINUTE_MS + 29_999, 7),
        (7 * MINUTE_MS + 30_000, 8),
        (-3 * DAY_MS - 100, -3 * 24 * 60),
    ],
)
def test_a_clock_wrong_by_more_than_five_minutes_is_corrected_by_whole_minutes(
    skew_ms: int, moved_minutes: int
) -> None:
    happened_ms = NOW_MS - HOUR_MS
    event = {"type": "session"} | FIELDS | {"timestamp": happened_ms - skew_ms, "sent_at": NOW_MS - skew_ms}
    assert value(event)["timestamp"] == happened_ms - skew_ms + moved_minutes * MINUTE_MS


def test_the_corrected_time_is_what_is_judged() -> None:
    ahead = (
        {"type": "session", "sent_at": NOW_MS + 30 * DAY_MS} | FIELDS | {"timestamp": NOW_MS + 30 * DAY_MS}
    )
    assert value(ahead)["timestamp"] == NOW_MS
    behind = {"type": "session", "sent_at": 1_000} | FIELDS | {"timestamp": "1970-01-01T00:00:00.500Z"}
    assert abs(value(behind)["timestamp"] - NOW_MS) < MINUTE_MS


def test_a_moment_may_be_said_in_either_way() -> None:
    event = (
        {"type": "session"}
        | FIELDS
        | {"timestamp": "2026-11-20T10:00:00+07:00", "sent_at": "2026-11-20T03:00:30Z"}
    )
    at_three = 1_795_143_600_000
    assert (
        value(event)["timestamp"] == at_three + (NOW_MS - at_three - 30_000 + 30_000) // MINUTE_MS * MINUTE_MS
    )
    assert value(event | {"sent_at": None})["timestamp"] == "2026-11-20T10:00:00+07:00"


def test_a_correction_out_of_all_time_is_a_bad_timestamp() -> None:
    event = {"type": "session"} | FIELDS | {"timestamp": 253_402_300_799_000, "sent_at": 0}
    assert reason(event) == "bad_timestamp"


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b'{"a" 1}', b"[1,]", b"[1] x", b"\xef\xbb\xbf[]", b"[" * 100_000, b'[{"a":"\\ud800"},]',
     b'[{"a":"\\ud800"} {}]', b'[{"a":"\\ud800"}', b'[{"a":"\\ud800"}] x', b"nonsense"],
)  # fmt: skip
def test_a_body_that_is_no_json_has_no_items(body: bytes) -> None:
    with pytest.raises(NotJson):
        items(body)


@pytest.mark.parametrize("begin", [b"", b'{"a":', b'[{"a":'])
def test_a_body_that_is_nested_too_deep_is_said_so_and_not_in_the_words_of_python(begin: bytes) -> None:
    with pytest.raises(NotJson, match=r"^nested too deep$"):
        items(begin + b"[" * 100_000)


def test_an_event_that_is_nested_too_deep_is_said_so_and_not_in_the_words_of_python() -> None:
    event = b'{"type":"session","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    assert Unpacker(DECODER).record(event, app=None, received_ms=NOW_MS) == Rejection(
        Reason.NOT_JSON, "nested too deep"
    )


def test_one_event_needs_no_array_and_an_empty_array_has_none() -> None:
    assert len(items(json.dumps(FIELDS).encode())) == 1
    assert list(items(b" [ ] ")) == []


@pytest.mark.parametrize("broken", [b'"\\ud83d"', b'"\xff"', b"NaN", b'"\\udc00\\ud800"'])
def test_a_text_that_is_none_spoils_its_own_event_only(broken: bytes) -> None:
    good = b'{"type":"session","event_id":"e","app_id":"shop","user_id":"u","timestamp":1}'
    body = b"[" + good + b" ,\n" + good[:-1] + b',"product":' + broken + b"}," + good + b"]"
    found = [Unpacker(DECODER).record(one, app=None, received_ms=NOW_MS) for one in items(body)]
    assert [isinstance(one, Posted) for one in found] == [True, False, True]
    assert isinstance(found[1], Rejection)
    assert found[1].reason == Reason.NOT_JSON


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=20,
)


@settings(max_examples=50)
@given(st.lists(JSON, max_size=5), st.booleans())
def test_items_are_those_of_the_array_by_either_way(array: list[Any], spoilt: bool) -> None:
    body = json.dumps([*array, "\ud800"] if spoilt else array).encode()
    found = [json.loads(bytes(one)) for one in items(body)]
    assert found == ([*array, "\ud800"] if spoilt else array)


@settings(max_examples=50)
@given(JSON | st.dictionaries(st.sampled_from(["type", "sent_at", *FIELDS, "amount"]), JSON))
def test_nothing_that_is_posted_raises(event: Any) -> None:
    for kind in (None, *OWN):
        body = event | {"type": kind} if isinstance(event, dict) and kind else event
        assert isinstance(posted(body), Posted | Rejection)


@pytest.mark.parametrize("topic", EVENT_TOPICS)
def test_an_item_becomes_the_record_that_it_was_made_of(topic: str) -> None:
    record = json.dumps(FIELDS | OWN[TOPICS[topic]], separators=(",", ":")).encode()
    made = item(topic, record, sent_at_ms=NOW_MS)
    assert made is not None
    assert posted(made) == Posted(topic, b"anna", record)
    assert item(topic, b"{}") == b'{"type":"%b"}' % TOPICS[topic].encode()
    assert item(topic, b"not json") is None
