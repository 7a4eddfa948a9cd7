"""Does the oracle know who is who? Joined ids, kept events, segments and erasure, a small story each."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Any

import pytest

from tests.garbage import GARBAGE, GOOD, NOBODY
from tests.oracle_events import Accepted, epoch_ms, judge
from tests.oracle_people import Person
from tests.told import (
    APP,
    ask,
    csat,
    identity,
    install,
    nps,
    purchase,
    record,
    session,
    shown,
    told,
    users,
)


def only(*records: Any) -> Person:
    """The one person of a story, which is the same in every order."""
    first, *others = [person for order in permutations(records) for person in told(*order).people.values()]
    assert len(others) + 1 == factorial(len(records))
    assert all(vars(other) == vars(first) for other in others)
    return first


def told_by(*records: Any) -> set[str]:
    return {user for _, user in told(*records).people}


@pytest.mark.parametrize(("topic", "value", "reason"), GARBAGE)
def test_garbage_is_refused_for_what_is_wrong_with_it(topic: str, value: bytes, reason: str) -> None:
    verdict = judge(topic, value, GOOD["timestamp"], earliest_ms=epoch_ms("2000-01-01T00:00:00Z"))
    assert isinstance(verdict, frozenset)
    assert reason in verdict


@pytest.mark.parametrize("name", NOBODY)
def test_a_placeholder_joins_nobody_but_may_be_the_id_of_a_user(name: str) -> None:
    oracle = told(session(name, "2026-03-01"), identity("u", name), identity(name, "u"), refused=2)
    assert [user for _, user in oracle.people] == [name]


def test_ids_are_joined_over_chains_and_cycles() -> None:
    chain = [identity("a", "b"), identity("c", "b"), identity("c", "d"), identity("d", "a")]
    person = only(session("a", "2026-03-01"), install("d", "2026-03-02"), *chain)
    assert person.dims == {}
    assert [str(day) for day in sorted(person.any)] == ["2026-03-01", "2026-03-02"]


def test_joining_holds_for_the_past_and_whatever_its_own_time() -> None:
    oracle = told(
        install("a", "2026-03-01"), session("b", "2026-03-02"), identity("a", "b", "2026-05-01"),
    )  # fmt: skip
    asked = {"from_": "2026-03-01", "periods": "1"}
    assert shown(ask(oracle, **asked, as_of="2026-03-02T12:00:00Z"), "users") == [1, 1]


def test_an_identity_event_is_no_activity_and_says_no_dimension() -> None:
    assert told(identity("a", "b")).people == {}
    person = only(identity("a", "b", "2026-03-01", country="US"), session("a", "2026-03-02", country="DE"))
    assert person.dims == {"country": "DE"}
    assert [str(day) for day in person.any] == ["2026-03-02"]


def test_whatever_stands_in_a_field_that_identities_do_not_have_is_ignored() -> None:
    told(identity("a", "b", country=7, amount=-1))


def test_an_alias_equal_to_the_user_joins_nothing() -> None:
    assert told_by(identity("a", "a"), session("a", "2026-03-01"), session("b", "2026-03-01")) == {"a", "b"}


def test_the_same_ids_in_two_apps_stay_two_users() -> None:
    assert len(told(
        identity("a", "b"), session("a", "2026-03-01"), session("b", "2026-03-01", app_id="other"),
    ).people) == 2  # fmt: skip


def test_the_first_install_of_all_ids_is_the_install_and_the_others_are_reinstalls() -> None:
    person = only(
        install("a", "2026-03-05", country="US"),
        install("b", "2026-03-01", country="DE"),
        identity("b", "a"),
    )
    assert [str(day) for day in person.installs] == ["2026-03-01", "2026-03-05"]
    assert person.dims == {"country": "DE"}


def test_one_event_id_of_two_joined_ids_is_one_event_the_smaller_content() -> None:
    twice = purchase("a", "2026-03-02", "5", event_id="p"), purchase("b", "2026-03-01", "7", event_id="p")
    asked = {"from_": "2026-03-01", "to": "2026-03-02", "periods": "0"}

    def total(*more: Any) -> tuple[str, int, int]:
        found = ask(told(*twice, *more), "revenue", **asked)["total"]
        return found["revenue"]["USD"], found["purchases"], found["buyers"]

    assert total() == ("12.00", 2, 2)
    assert total(identity("a", "b")) == ("7.00", 1, 1)


def test_of_two_answers_under_one_id_the_earlier_counts_and_at_one_time_the_smaller_json() -> None:
    assert only(nps("u", "2026-03-02", 0, event_id="f"), nps("u", "2026-03-01", 9, event_id="f")).dims == {
        "nps": "promoter"
    }
    # As text 10 is smaller than 9.
    person = only(nps("u", "2026-03-01", 9, event_id="f"), nps("u", "2026-03-01", 10, event_id="f"))
    assert [act.event.score for act in person.acts] == [10]


def test_feedback_is_activity_and_may_say_a_dimension() -> None:
    oracle = told(csat("u", "2026-03-01", 4, country="VN"))
    asked = {"from_": "2026-03-01", "periods": "0", "cohort": "first_seen"}
    assert users(ask(oracle, **asked, where="country:VN")) == {"2026-03-01": [1]}


def test_a_segment_of_answers_is_that_of_the_latest_one() -> None:
    person = only(nps("u", "2026-03-01", 10), nps("u", "2026-03-02", 6), csat("u", "2026-03-01", 3))
    assert person.dims == {"nps": "detractor", "csat": "unsatisfied"}
    same_time = only(nps("u", "2026-03-01", 8, event_id="b"), nps("u", "2026-03-01", 9, event_id="a"))
    assert same_time.dims == {"nps": "passive"}


def test_promoters_answer_9_or_10_passives_7_or_8_and_4_is_satisfied() -> None:
    names = [only(nps("u", "2026-03-01", score)).dims["nps"] for score in range(11)]
    assert names == ["detractor"] * 7 + ["passive"] * 2 + ["promoter"] * 2
    names = [only(csat("u", "2026-03-01", score)).dims["csat"] for score in range(1, 6)]
    assert names == ["unsatisfied"] * 3 + ["satisfied"] * 2


def test_answers_break_a_triangle_down() -> None:
    oracle = told(
        install("a", "2026-03-01"), nps("a", "2026-03-01", 9), session("a", "2026-03-02"),
        install("b", "2026-03-01"), nps("b", "2026-03-03", 2),
        install("c", "2026-03-01"),
    )  # fmt: skip
    answer = ask(oracle, from_="2026-03-01", periods="1", breakdown="nps")
    assert [(row["segment"], row["cells"][1]["users"]) for row in answer["rows"]] == [
        ("(not set)", 0),
        ("detractor", 0),
        ("promoter", 1),
    ]


def erased(*records: Any, ids: tuple[str, ...], until: str) -> dict[str, list[str]]:
    """Who is left after an erasure, and when they were active."""
    oracle = told(*records)
    oracle.erase(APP, ids, epoch_ms(until))
    return {user: sorted(map(str, person.any)) for (_, user), person in oracle.people.items()}


def test_after_an_erasure_the_user_never_was_and_what_comes_later_is_a_new_one() -> None:
    story = install("u", "2026-03-01"), session("u", "2026-03-02"), session("u", "2026-03-04")
    assert erased(*story, ids=("u",), until="2026-03-03T00:00:00Z") == {"u": ["2026-03-04"]}
    assert erased(*story, ids=("u",), until="2026-03-04T12:00:00Z") == {}
    assert erased(*story, ids=("v",), until="2026-03-04T12:00:00Z") == {
        "u": ["2026-03-01", "2026-03-02", "2026-03-04"]
    }


def test_an_erased_identity_joins_nobody_whichever_side_was_erased() -> None:
    story = session("a", "2026-03-05"), session("b", "2026-03-05"), identity("a", "b", "2026-03-01")
    for ids in (("a",), ("b",)):
        assert set(erased(*story, ids=ids, until="2026-03-02T00:00:00Z")) == {"a", "b"}
    assert set(erased(*story, ids=("a",), until="2026-02-01T00:00:00Z")) == {"a"}


def test_a_content_that_was_erased_hides_no_later_one_under_its_id() -> None:
    story = install("u", "2026-03-01", event_id="i"), install("u", "2026-03-05", event_id="i")
    assert erased(*story, ids=("u",), until="2026-03-02T00:00:00Z") == {"u": ["2026-03-05"]}


def test_an_erasure_is_of_one_app() -> None:
    oracle = told(session("u", "2026-03-01"), session("u", "2026-03-01", app_id="other"))
    oracle.erase("other", ["u"], epoch_ms("2026-03-02T00:00:00Z"))
    assert list(oracle.people) == [(APP, "u")]


def test_a_whole_number_is_written_without_a_point() -> None:
    good = record("feedback", "u", "2026-03-01", kind="csat", score=5)
    assert isinstance(judge(good.topic, good.value, -1, earliest_ms=0), Accepted)
