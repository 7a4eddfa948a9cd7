"""Is a plan right, however the events are cut? The short way equals the long way, and deltas add up to facts."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream import pipeline
from stream.events.schema import Dims, Event
from stream.known import Known
from stream.pipeline import fields_needed, plan, plan_stored
from stream.retention.days import Zone, zone
from stream.retention.facts import facts
from stream.retention.names import hour
from stream.retention.records import Incomplete, Record
from stream.retention.scope import ELAPSED, FAMILIES, HOURS, MONEY, Scope
from stream.retention.summary import summarise
from stream.shortcuts import Plan, plan_append, plan_known
from stream.store.codec import decode
from stream.store.kept import decode_kept
from stream.store.protocol import UserWrite

ZONE = zone("Australia/Lord_Howe")
SCOPE = Scope(ZONE)
USER = b"u" * 16
START = 1_711_950_000_000  # the clock goes back by half an hour some days later
HOUR, DAY = 3_600_000, 86_400_000
DIMS = [(), (("country", "VN"),), (("country", "US"), ("platform", "ios")), (("other", "q"),)]


def alike(write: UserWrite | None) -> Any:
    """A write without the order in which it names sets."""
    if write is None:
        return None
    delta = write.delta
    return (
        write.user,
        write.expected,
        write.record,
        set(delta.joins),
        set(delta.leaves),
        delta.sums,
        delta.ledgers,
        write.parts,
    )


def lasting(known: Known | None, scope: Scope) -> Any:
    """What is known of a user, without what depends on which event came last, and without windows where nobody counts them."""
    assert known is not None
    passing = {"quiet_dims"} if ELAPSED in scope.families else {"quiet_dims", "starts"}
    return {name: getattr(known, name) for name in known.__struct_fields__ if name not in passing}


class One:
    """One user, written by plans as a store would."""

    def __init__(self, scope: Scope = SCOPE) -> None:
        self.scope = scope
        self.stored: bytes | None = None
        self.known: Known | None = None
        self.parts: dict[bytes, bytes] = {}
        self.sets: set[str] = set()
        self.sums: Counter[Any] = Counter()
        self.ledgers: Counter[str] = Counter()

    def feed(self, events: list[Event], append: bool) -> None:
        in_full = planned = self._plan(events)
        for short in self._short(events) if append else ():
            if short is not None:
                assert alike(short.write) == alike(in_full.write)
                assert lasting(short.known, self.scope) == lasting(in_full.known, self.scope)
                planned = short
        self._take(planned)

    def _short(self, events: list[Event]) -> list[Plan | None]:
        """The plans of who has nothing but the record, and of who remembers the user."""
        stored = plan_stored(USER, self.stored, events, self.scope)
        if self.known is None:
            return [stored]
        return [stored, plan_known(USER, self.known, events, self.scope)]

    def _plan(self, events: list[Event]) -> Plan:
        needed = fields_needed(self.stored, events)
        try:
            return plan(
                USER,
                self.stored,
                events,
                self.scope,
                {name: self.parts[name] for name in needed if name in self.parts},
            )
        except Incomplete:
            return plan(USER, self.stored, events, self.scope, self.parts, whole=True)

    def _take(self, planned: Plan) -> None:
        self.known = planned.known
        write = planned.write
        if write is None:
            return
        assert write.expected == self.stored
        assert all(self.parts.get(name) == old for name, old, _ in write.parts)
        assert self.sets.isdisjoint(write.delta.joins)
        assert self.sets.issuperset(write.delta.leaves)
        assert all(write.delta.sums.values())
        assert all(write.delta.ledgers.values())
        self.stored = write.record
        self.parts.update({name: new for name, _, new in write.parts})
        self.sets = (self.sets | set(write.delta.joins)) - set(write.delta.leaves)
        self.sums.update(write.delta.sums)
        self.ledgers.update(write.delta.ledgers)

    def record(self) -> Record:
        assert self.stored is not None
        record = decode(self.stored, self.scope.zone)
        if record.apart:
            record.kept = dict(decode_kept(data, self.scope.zone) for data in self.parts.values())
            assert summarise(record.kept) == record.summary
        return record


# The decoder hands out one object for equal dimensions, and the short ways compare objects.
@st.composite
def events(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(["session", "session", "session", "install", "purchase", "feedback"]))
    hours = st.sampled_from([0, 1, 7, 23, 24, 25, 48, 140, 141, 24 * 40])
    ts_ms = START + draw(hours) * HOUR + draw(st.integers(0, 2))
    event = Event(
        kind,
        "demo",
        USER,
        f"e{draw(st.integers(0, 3))}",
        ts_ms,
        ZONE.slot(ts_ms),
        draw(st.sampled_from(DIMS)),
    )
    if kind == "purchase":
        event.amount_minor, event.currency = draw(st.integers(0, 4)), "USD"
        event.refund_of = draw(st.sampled_from(["", "", "x"]))
    if kind == "feedback":
        event.survey, event.score = draw(st.sampled_from([("nps", 9), ("nps", 3), ("csat", 5), ("csat", 1)]))
    return event


@pytest.mark.parametrize("inline_max", [32, 2, 1])
@given(found=st.lists(events(), min_size=1, max_size=14), seed=st.integers(0, 2**32))
def test_any_order_and_any_cut_give_the_same_record_and_its_facts(
    found: list[Event], seed: int, inline_max: int
) -> None:
    rng = random.Random(seed)
    ends = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "KEPT_INLINE_MAX", inline_max)
        for _ in range(3):
            rng.shuffle(found)
            one, rest = One(), list(found)
            while rest:
                size = rng.randint(1, 4)
                one.feed(rest[:size], append=rng.random() < 0.7)
                rest = rest[size:]
            adds_up = facts(one.record(), SCOPE)
            assert adds_up.sets == one.sets
            assert adds_up.sums == {key: amount for key, amount in one.sums.items() if amount}
            entries = {key: amount for key, amount in one.ledgers.items() if amount}
            assert {key: amount for key, amount in adds_up.ledgers.items() if amount} == entries
            ends.append((one.stored, one.parts))
    assert all(end == ends[0] for end in ends)


@given(found=st.lists(events(), min_size=1, max_size=14))
def test_events_that_are_counted_already_write_nothing(found: list[Event]) -> None:
    one = One()
    one.feed(found, append=False)
    assert plan(USER, one.stored, found, SCOPE).write is None
    assert plan(USER, one.stored, found[::-1] * 2, SCOPE).write is None


# Clocks went back to 23:01 of the day before at one minute past midnight: what came later has the earlier date.
OVER_MIDNIGHT = zone("America/St_Johns"), 1_162_089_060_000
US = (("country", "US"),)
SAID = [US, (("country", "VN"),), (("country", "US"), ("platform", "ios")), ()]


def anything(rng: random.Random, kinds: list[str], said: list[Dims], zone: Zone, start_ms: int) -> Event:
    """An event within days around a moment, of few hours, so that others are in the same."""
    hours = rng.choice([0, 0, 1, 2, 3, 23, 24, 25, 26, 48, 49, 24 * 9])
    ts_ms = start_ms + hours * HOUR + rng.choice([-1, 0, 0, 1, 20, 59]) * 60_000
    event = Event(rng.choice(kinds), "demo", USER, f"e{rng.randrange(20)}", ts_ms, zone.slot(ts_ms))
    event.dims = rng.choice(said)
    if event.kind == "purchase":
        event.amount_minor, event.currency, event.refund_of = (
            rng.randrange(3),
            "USD",
            rng.choice(["", "", "x"]),
        )
    if event.kind == "feedback":
        event.survey, event.score = "nps", rng.choice([3, 9])
    return event


@settings(max_examples=2_000)
@given(seed=st.integers(0, 2**64))
def test_sessions_in_any_order_are_written_on_the_short_way_as_in_full(seed: int) -> None:
    rng = random.Random(seed)
    where = rng.choice([(ZONE, START), OVER_MIDNIGHT])
    one = One(Scope(where[0], frozenset(rng.choice([FAMILIES, FAMILIES, (), (ELAPSED,), (HOURS, MONEY)]))))
    said = rng.sample(SAID, rng.randint(1, 4))
    others = ["install", "install", "purchase", "purchase", "feedback"]
    for kinds in (others, *[["session"]] * rng.randint(1, 6)):
        some = [anything(rng, kinds, said, *where) for _ in range(rng.randint(1, 4))]
        one.feed(some, append=True)
    assert facts(one.record(), one.scope).sets == one.sets


def journey(*kinds_and_days: tuple[str, int]) -> list[Event]:
    moments = [(kind, START + day * DAY + at) for at, (kind, day) in enumerate(kinds_and_days)]
    return [
        Event(kind, "demo", USER, f"e{ts_ms}", ts_ms, ZONE.slot(ts_ms), DIMS[2]) for kind, ts_ms in moments
    ]


def test_sessions_before_any_install_take_the_short_way_too() -> None:
    one = One()
    for step in ([("session", 0), ("session", 2)], [("session", 5)]):
        events = journey(*step)
        assert None not in one._short(events)
        one.feed(events, append=True)
    assert facts(one.record(), SCOPE).sets == one.sets


def test_what_a_session_said_between_the_first_purchase_and_the_install_is_not_lost_on_the_short_way() -> (
    None
):
    one, events = One(), journey(("purchase", 0), ("install", 4), ("session", 2))
    events[0].amount_minor, events[0].currency, events[0].dims = 1, "USD", ()
    events[2].dims = (("country", "VN"),)  # until the install said otherwise
    one.feed(events[:2], append=False)
    assert one.known is not None
    one.feed(events[2:], append=True)
    adds_up = facts(one.record(), SCOPE)
    assert adds_up.sets == one.sets
    assert "was:2024-04-05:country=VN" in one.sets


def test_the_usual_journey_never_takes_the_long_way() -> None:
    """Install, first sessions, later sessions: three short plans, each the same as the long one."""
    one = One()
    steps = (
        [("install", 0)],
        [("session", 0), ("session", 1)],
        [("session", 3)],
        [("session", 3), ("session", 9)],
    )
    for step in steps:
        events = journey(*step)
        assert None not in one._short(events)
        one.feed(events, append=True)
    assert facts(one.record(), SCOPE).sets == one.sets


def test_sessions_before_others_take_the_short_way_too() -> None:
    one = One()
    for step in ([("install", 0)], [("session", 9)], [("session", 5)], [("session", 2), ("session", 7)]):
        events = journey(*step)
        assert None not in one._short(events)
        one.feed(events, append=True)
    assert facts(one.record(), SCOPE).sets == one.sets


def test_an_earlier_session_of_an_hour_that_is_known_says_since_when_and_no_more() -> None:
    one = One()
    install, late, early = journey(("install", 0), ("session", 0), ("session", 0))
    late.ts_ms, late.slot = early.ts_ms + 1, early.slot
    for event in (install, late):
        one.feed([event], append=True)
    planned = one._short([early])[1]
    assert planned is not None
    assert planned.write is not None
    assert planned.write.delta == ([], [], {}, {})
    assert planned.known is not None
    assert planned.known.quiet_ms == early.ts_ms
    one.feed([early], append=True)


def test_which_of_two_sessions_of_one_moment_said_it_first_is_told_in_full() -> None:
    one = One()
    install, first, second = journey(("install", 0), ("session", 1), ("session", 1))
    one.feed([install], append=True)
    second.ts_ms = first.ts_ms
    assert one._short([second, first]) == [None, None]


def test_sessions_after_a_purchase_take_the_short_way_again() -> None:
    one = One()
    for step in ([("install", 0)], [("session", 0)], [("purchase", 1)]):
        one.feed(journey(*step), append=True)
    events = journey(("session", 2), ("session", 3))
    assert None not in one._short(events)
    one.feed(events, append=True)
    assert facts(one.record(), SCOPE).sets == one.sets


def test_a_later_session_costs_one_byte_two_memberships_two_cells_and_an_hour() -> None:
    one = One()
    one.feed([Event("install", "demo", USER, "i", START, ZONE.slot(START))], append=False)
    one.feed([Event("session", "demo", USER, "s", START, ZONE.slot(START))], append=False)
    before = one.stored
    later = START + DAY
    planned = (
        plan_append(USER, one.known, [Event("session", "demo", USER, "t", later, ZONE.slot(later))], SCOPE)
        if one.known
        else None
    )
    assert planned is not None
    assert planned.write is not None
    assert planned.write.record[:-1] == before
    assert planned.write.delta.joins == ["session:2024-04-02", "window:install:session:1"]
    assert planned.write.delta.sums == {
        ("triangle:install:2024-04-01", "1"): 1,
        ("triangle:first_seen:2024-04-01", "1"): 1,
        hour(ZONE.slot(later)): 1,
    }
