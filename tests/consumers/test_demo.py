"""The simulation: the same bytes for the same seed, a known answer that a count of the records agrees with."""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from consumers.demo import Record, Scenario, Traffic, Visits
from consumers.feed import demo_scenario, feed
from stream.events.decode import Decoder
from stream.events.schema import Event, Identity, Rejection
from stream.retention.days import DAY_MS, SLOTS_PER_DAY, zone

FIRST = date(2026, 3, 1).toordinal()
SCENARIO = Scenario(FIRST, 20, 15.0, seed=3)
RICH = replace(SCENARIO, feedback=0.1, second_ids=0.2)


def until(scenario: Scenario, day: int) -> int:
    return zone(scenario.timezone).day_start_ms(day)


def generated(scenario: Scenario, until_ms: int) -> tuple[Traffic, list[Record]]:
    traffic = Traffic(scenario)
    return traffic, list(traffic.records(until_ms))


def decoded(records: list[Record], timezone: str) -> list[Event | Identity | Rejection]:
    decoder = Decoder(zones=lambda app: zone(timezone), secret=b"s" * 16, earliest_ms=0)
    return [decoder.decode(record.topic, record.value, record.ts_ms) for record in records]


def test_the_same_scenario_gives_the_same_bytes() -> None:
    end = until(SCENARIO, FIRST + 20)
    assert generated(SCENARIO, end)[1] == generated(SCENARIO, end)[1]
    assert generated(SCENARIO, end)[1] != generated(replace(SCENARIO, seed=4), end)[1]


def test_a_later_end_only_adds() -> None:
    middle = until(SCENARIO, FIRST + 7) + DAY_MS // 2
    early, late = generated(SCENARIO, middle)[1], generated(SCENARIO, until(SCENARIO, FIRST + 20))[1]
    assert late[: len(early)] == early
    assert all(record.ts_ms >= middle for record in late[len(early) :])


def test_a_demo_started_a_day_later_repeats_what_it_said_before() -> None:
    now = until(SCENARIO, FIRST + 80) + DAY_MS // 3
    today, tomorrow = (generated(demo_scenario(ms, "UTC"), ms)[1] for ms in (now, now + DAY_MS))
    first = demo_scenario(now + DAY_MS, "UTC").first_day
    kept = {
        record
        for record in today
        if record.value.startswith(b'{"event_id":"u') and int(record.key.split(b"-")[1]) >= first
    }
    assert kept
    assert kept <= set(tomorrow)


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_the_known_answer_is_what_a_count_of_the_records_gives(timezone: str) -> None:
    # The first days of March 2026 hold a change to summer time in New York.
    scenario = replace(RICH, timezone=timezone)
    traffic, records = generated(scenario, until(scenario, FIRST + 20) - DAY_MS // 3)
    installed: dict[bytes, int] = {}
    active: dict[bytes, set[int]] = defaultdict(set)
    events = decoded(records, timezone)
    same = {event.alias: event.user for event in events if isinstance(event, Identity)}
    for event in events:
        if isinstance(event, Event) and event.kind == "install":
            installed[event.user] = event.slot // SLOTS_PER_DAY
        elif isinstance(event, Event) and event.kind == "session":
            active[same.get(event.user, event.user)].add(event.slot // SLOTS_PER_DAY)
    sizes = Counter(installed.values())
    retained = Counter((day, on - day) for user, day in installed.items() for on in active[user] if on > day)
    answer = traffic.answer
    assert {day: size for day, size in answer.sizes.items() if size} == dict(sizes)
    assert {key: users for key, users in answer.retained.items() if users} == dict(retained)
    assert {day: users for day, users in answer.active.items() if users} == Counter(
        day for days in active.values() for day in days
    )


def test_every_record_counts_and_no_id_stands_for_two_events() -> None:
    _, records = generated(RICH, until(SCENARIO, FIRST + 20))
    events = decoded(records, "UTC")
    assert not [event for event in events if isinstance(event, Rejection)]
    ids = Counter((event.kind, event.user, event.event_id) for event in events if isinstance(event, Event))
    assert max(ids.values()) == 1


def test_records_come_in_the_order_of_event_time() -> None:
    times = [record.ts_ms for record in generated(SCENARIO, until(SCENARIO, FIRST + 20))[1]]
    assert times == sorted(times)


def test_garbage_and_repeats_change_no_answer() -> None:
    end = until(SCENARIO, FIRST + 20)
    clean, _ = generated(SCENARIO, end)
    rough, records = generated(replace(SCENARIO, garbage=0.1, repeats=0.1), end)
    assert clean.answer.sizes == rough.answer.sizes
    assert clean.answer.retained == rough.answer.retained
    assert rough.answer.records["repeats"] > 0
    rejected = [event for event in decoded(records, "UTC") if isinstance(event, Rejection)]
    assert len(rejected) == rough.answer.records["garbage"] > 0
    assert len({event.reason for event in rejected}) >= 4


def test_feedback_and_second_ids_change_no_answer() -> None:
    end = until(SCENARIO, FIRST + 20)
    plain, before = generated(SCENARIO, end)
    rich, after = generated(RICH, end)
    assert (rich.answer.sizes, rich.answer.retained, rich.answer.active) == (
        plain.answer.sizes,
        plain.answer.retained,
        plain.answer.active,
    )
    assert rich.answer.records["feedback"] > 50 < rich.answer.records["identities"]
    assert len(after) - len(before) == rich.answer.records["feedback"] + rich.answer.records["identities"]


def test_feedback_is_of_both_kinds_and_second_ids_are_used() -> None:
    _, records = generated(RICH, until(SCENARIO, FIRST + 20))
    said = [json.loads(record.value) for record in records]
    assert {event["kind"] for event in said if "kind" in event} == {"nps", "csat"}
    ids = {event["alias"] for event in said if "alias" in event}
    assert {event["user_id"] for event in said if event["user_id"].endswith("-web")} <= ids
    assert sum(event["user_id"] in ids for event in said) > len(ids) / 2
    assert all(record.key.decode() == event["user_id"] for record, event in zip(records, said, strict=True))


def test_visits_change_no_answer_of_a_date_and_are_never_of_who_installs_on_it() -> None:
    day = FIRST + 12
    begin, end = until(RICH, day), until(RICH, day + 1)
    records = list(Traffic(RICH).records(end))
    visits = Visits(records[bisect_left([one.ts_ms for one in records], begin) :], day)
    # Every hour of the date, its first and its last second included.
    more = [visits.next(ms) for ms in (*range(begin, end, DAY_MS // 24), end - 1000)]
    extra = [one for one in more if one is not None]
    assert len(extra) == 25
    before, after = (decoded(found, "UTC") for found in (records, records + extra))
    assert not [event for event in after if isinstance(event, Rejection)]
    assert came(before) == came(after)
    assert all(
        event.slot // SLOTS_PER_DAY == day for event in after[len(before) :] if isinstance(event, Event)
    )
    ids = Counter(
        (event.user, event.event_id)
        for event in after
        if isinstance(event, Event) and event.kind == "session"
    )
    assert max(ids.values()) == 1
    assert all(int(one.key.split(b"-")[1]) < day for one in extra)


class Sent:
    """Keeps what the feed sends, with the time at which it did."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms, self.acknowledged = now_ms, 0
        self.records: list[tuple[int, str, bytes]] = []

    async def put(
        self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        self.records.append((self.now_ms(), topic, value))

    async def flush(self) -> None:
        self.acknowledged = len(self.records)


async def test_live_something_comes_every_few_seconds_also_at_midnight() -> None:
    class Enough(Exception):
        pass

    begin = until(SCENARIO, FIRST + 80) - 5 * 60_000  # the last minutes of a date and the first of the next
    now = [begin]

    async def sleep(seconds: float) -> None:
        now[0] += round(seconds * 1000)
        if now[0] > begin + 15 * 60_000:
            raise Enough

    live, history = Sent(lambda: now[0]), Sent(lambda: now[0])
    with pytest.raises(Enough):
        await feed(history, live, timezone="UTC", now_ms=lambda: now[0], sleep=sleep)
    times = [begin, *(at for at, _, _ in live.records), begin + 15 * 60_000]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 6_000
    events = [json.loads(value) for _, _, value in live.records]
    assert len({event["event_id"] for event in events}) == len(events) > 200
    assert len({event["user_id"] for event in events}) > 20, "many users, not one"


def test_where_nobody_comes_back_nobody_visits() -> None:
    assert Visits([], FIRST).next(until(SCENARIO, FIRST)) is None


def came(events: list[Event | Identity | Rejection]) -> set[tuple[bytes, int]]:
    return {
        (event.user, event.slot // SLOTS_PER_DAY)
        for event in events
        if isinstance(event, Event) and event.kind == "session"
    }


def test_garbage_is_what_it_is_called() -> None:
    traffic = Traffic(replace(SCENARIO, garbage=1.0))
    assert all(
        isinstance(event, Rejection)
        for event in decoded(list(traffic.records(until(SCENARIO, FIRST + 2)))[1::2], "UTC")
    )


def test_the_shape_is_believable() -> None:
    traffic, records = generated(Scenario(FIRST, 40, 200.0), until(SCENARIO, FIRST + 40))
    rates = [back / size for back, size in (traffic.answer.rate(n, FIRST + 39) for n in (1, 3, 7, 14, 30))]
    assert rates == sorted(rates, reverse=True)
    assert 0.35 < rates[0] < 0.47
    assert 0.02 < rates[-1] < 0.08
    assert 0.02 < traffic.answer.records["purchases"] / len(records) < 0.04


def test_the_answer_as_json_speaks_the_words_of_the_interface() -> None:
    traffic, _ = generated(SCENARIO, until(SCENARIO, FIRST + 20))
    answer = json.loads(json.dumps(traffic.answer.as_json(SCENARIO, FIRST + 19)))
    assert answer["rows"][0]["cohort"] == "2026-03-01"
    assert [cell["n"] for cell in answer["rows"][0]["cells"]] == list(range(20))
    assert [cell["n"] for cell in answer["rows"][-1]["cells"]] == [0]
    assert all(row["cells"][0]["users"] == row["size"] for row in answer["rows"])
