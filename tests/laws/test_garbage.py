"""Does any garbage stop the decoder? Each gives a rejection with a reason, none an exception, and no reason is out of reach."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.events.decode import Decoder
from stream.events.reasons import Reason
from stream.events.schema import Event, Identity, Rejection
from stream.retention.days import zone
from tests import garbage
from tests.garbage import ANSWERED, JOINED
from tests.laws.profiles import LIMIT, examples
from tests.oracle_events import Accepted, epoch_ms, judge
from tests.strategies import GARBAGE, GOOD, PAID, stories

pytestmark = LIMIT
EARLIEST_MS = epoch_ms("2000-01-01T00:00:00Z")
NOW_MS = GOOD["timestamp"] + 1000
TOPICS = st.sampled_from(garbage.TOPICS)
WHOLE = PAID | ANSWERED | JOINED
HARD_NUMBERS = st.sampled_from([10**400, -(10**400), 2**63, 2**64, 1e308, -0.0, 10**18])
HARD_TEXT = st.sampled_from(
    ["\ud800", "\udfff", "\x00", "9999-12-31T23:59:59Z", "NaN", "🦊" * 129, "[object Object]"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | HARD_NUMBERS | HARD_TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def decoder(apps: frozenset[str] | None = None) -> Decoder:
    return Decoder(zones=lambda app: zone("UTC"), secret=b"secret", apps=apps, earliest_ms=EARLIEST_MS)


DECODER = decoder()


@pytest.mark.parametrize(("topic", "value", "reason"), GARBAGE)
def test_garbage_is_rejected_with_the_reason_that_the_contract_names(
    topic: str, value: bytes, reason: str
) -> None:
    found = DECODER.decode(topic, value, NOW_MS)
    assert isinstance(found, Rejection)
    assert found.reason == reason
    judged = judge(topic, value, NOW_MS, earliest_ms=EARLIEST_MS)
    assert isinstance(judged, frozenset)
    assert reason in judged


def test_every_reason_is_reached() -> None:
    foreign = decoder(frozenset({"another"})).decode("installs", json.dumps(GOOD).encode(), NOW_MS)
    assert isinstance(foreign, Rejection)
    assert {foreign.reason} | {reason for _, _, reason in GARBAGE} == set(Reason)


@examples(300)
@given(topic=TOPICS, value=st.binary(max_size=300), timestamp=st.integers(-1, 2**62))
def test_any_bytes_are_an_answer_and_no_exception(topic: str, value: bytes, timestamp: int) -> None:
    assert isinstance(DECODER.decode(topic, value, timestamp), Rejection)


@examples(150)
@given(
    topic=TOPICS,
    fields=st.dictionaries(
        st.sampled_from([*WHOLE, "country", "refund_of", "duration_seconds", "x"]), VALUES
    ),
)
def test_the_decoder_accepts_what_the_oracle_accepts_whatever_stands_in_a_field(
    topic: str, fields: dict[str, Any]
) -> None:
    value = json.dumps(WHOLE | fields).encode()
    agree(topic, value, NOW_MS)


@examples(100)
@given(data=st.data(), story=stories(size_max=3, garbage=False))
def test_a_good_record_with_a_few_bytes_broken_is_judged_alike(data: st.DataObject, story: Any) -> None:
    record = story.records[0]
    broken = bytearray(record.value)
    for _ in range(data.draw(st.integers(0, 2))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(32, 126))
    agree(record.topic, bytes(broken), record.timestamp)


def agree(topic: str, value: bytes, timestamp: int) -> None:
    """The decoder's verdict is one that the oracle allows."""
    found = DECODER.decode(topic, value, timestamp)
    judged = judge(topic, value, timestamp, earliest_ms=EARLIEST_MS)
    if isinstance(found, Rejection):
        assert isinstance(judged, frozenset), found
        assert found.reason in judged
        return
    assert isinstance(judged, Accepted), judged
    assert (found.app, found.user, found.ts_ms) == (
        judged.app,
        DECODER.user(judged.app, judged.user),
        judged.ts_ms,
    )
    if isinstance(found, Event):
        assert (found.kind, found.event_id, found.dims) == (judged.kind, judged.event_id, judged.dims)
        assert (found.amount_minor, found.currency) == (judged.minor, judged.currency)
        assert (found.survey, found.score) == (judged.survey, judged.score)
    else:
        assert isinstance(found, Identity)
        assert found.alias == DECODER.user(judged.app, judged.alias or "")
