"""Does the oracle read the calendar as the contract does? Periods, windows, criteria and spans, a small story each."""

from __future__ import annotations

from tests.told import ask, install, purchase, refund, session, shown, told, users


def test_weeks_begin_where_the_question_says() -> None:
    # 2026-03-01 is a Sunday: the last day of a week from Monday, the first of one from Sunday.
    oracle = told(install("u", "2026-03-01"), session("u", "2026-03-02"), session("u", "2026-03-08"))
    asked = {"from_": "2026-03-01", "period": "week", "periods": "2"}
    assert users(ask(oracle, **asked)) == {"2026-02-23": [1, 1, 0]}
    assert users(ask(oracle, **asked, week_start="sunday")) == {"2026-03-01": [1, 1, 0]}


def test_months_are_counted_by_the_calendar_not_by_thirty_days() -> None:
    oracle = told(install("u", "2026-01-31"), session("u", "2026-02-01"), session("u", "2026-04-30"))
    answer = ask(oracle, from_="2026-01-15", to="2026-02-02", period="month", periods="3")
    assert users(answer) == {"2026-01-01": [1, 1, 0, 1], "2026-02-01": [0, 0, 0, 0]}


def test_hours_are_real_hours_when_the_clock_jumps_forward() -> None:
    # 01:30 EST is followed by 03:10 EDT within the next real hour.
    oracle = told(
        install("u", "2024-03-10T01:30:00-05:00"),
        session("u", "2024-03-10T03:10:00-04:00"),
        zone="America/New_York",
    )
    answer = ask(oracle, from_="2024-03-10", period="hour", periods="2")
    assert users(answer)["2024-03-10T06:00:00Z"] == [1, 1, 0]
    assert len(answer["rows"]) == 23


def test_the_hour_that_stands_twice_is_two_rows() -> None:
    oracle = told(
        install("u", "2024-11-03T01:30:00-04:00"),
        install("v", "2024-11-03T01:30:00-05:00"),
        session("u", "2024-11-03T01:30:00-05:00"),
        zone="America/New_York",
    )
    answer = ask(oracle, from_="2024-11-03", period="hour", periods="1")
    assert users(answer)["2024-11-03T05:00:00Z"] == [1, 1]
    assert users(answer)["2024-11-03T06:00:00Z"] == [1, 0]
    assert len(answer["rows"]) == 25


def test_two_slots_of_one_real_hour_are_one_row() -> None:
    # At 00:01 on November 7th the clocks of St. John's went back to 23:01 on the 6th: two dates share an hour.
    oracle = told(
        install("u", "2010-11-07T00:00:30-02:30"),
        install("v", "2010-11-06T23:30:00-03:30"),
        zone="America/St_Johns",
    )
    asked = {"from_": "2010-11-06", "to": "2010-11-07", "period": "hour", "periods": "0"}
    assert users(ask(oracle, **asked))["2010-11-07T02:30:00Z"] == [2]
    assert users(ask(oracle, **asked | {"to": "2010-11-06"}))["2010-11-07T02:30:00Z"] == [2]


def test_elapsed_days_are_24_hours_from_the_slot_of_the_start() -> None:
    oracle = told(
        install("early", "2026-03-01T10:00:00Z"),
        session("early", "2026-03-02T09:59:59Z"),
        install("late", "2026-03-01T10:59:00Z"),
        session("late", "2026-03-02T10:00:00Z"),
    )
    answer = ask(oracle, from_="2026-03-01", periods="1", window="elapsed")
    assert users(answer) == {"2026-03-01": [2, 1]}


def test_elapsed_weeks_are_168_hours_also_when_the_clock_changes() -> None:
    # A week after 12:30 on Saturday real time is 13:30 on the clock, since Sunday has 23 hours.
    oracle = told(
        install("u", "2024-03-09T12:30:00-05:00"),
        session("u", "2024-03-16T12:59:00-04:00"),
        install("v", "2024-03-09T12:30:00-05:00"),
        session("v", "2024-03-16T13:00:00-04:00"),
        zone="America/New_York",
    )
    answer = ask(oracle, from_="2024-03-09", period="week", periods="1", window="elapsed")
    assert users(answer) == {"2024-03-04": [2, 1]}


def test_an_elapsed_cell_spans_from_its_first_member_there_could_be_to_its_last() -> None:
    oracle = told(install("u", "2026-03-01"))
    asked = {"from_": "2026-03-01", "periods": "1", "window": "elapsed"}

    def complete(now: str) -> list[bool]:
        return shown(ask(oracle, now=now, **asked), "complete")

    assert complete("2026-03-01T23:59:59Z") == [False]
    assert complete("2026-03-02T00:00:00Z") == [False, False]
    assert complete("2026-03-03T00:00:00Z") == [True, False]
    assert complete("2026-03-03T23:59:59Z") == [True, False]
    assert complete("2026-03-04T00:00:00Z") == [True, True]


def test_a_calendar_cell_is_absent_then_open_then_complete() -> None:
    asked = {"from_": "2026-03-01", "period": "week", "periods": "2"}

    def row(now: str) -> tuple[bool, list[bool]]:
        answer = ask(told(), now=now, **asked)
        return answer["rows"][0]["size_complete"], shown(answer, "complete")

    assert row("2026-02-23T00:00:00Z") == (False, [False])
    assert row("2026-03-01T23:59:59Z") == (False, [False])
    assert row("2026-03-02T00:00:00Z") == (True, [True, False])
    assert row("2026-03-09T00:00:00Z") == (True, [True, True, False])


def test_a_cohort_that_has_begun_has_a_row_and_a_later_one_has_none() -> None:
    answer = ask(told(), from_="2026-03-01", to="2026-03-09", periods="0", now="2026-03-02T10:00:00Z")
    assert [(row["cohort"], row["size"], row["size_complete"]) for row in answer["rows"]] == [
        ("2026-03-01", 0, True),
        ("2026-03-02", 0, False),
    ]
    assert [row["cells"][0]["rate"] for row in answer["rows"]] == [None, None]


def test_criteria_look_at_one_period_at_it_or_later_and_up_to_it() -> None:
    oracle = told(install("u", "2026-03-01"), session("u", "2026-03-01"), session("u", "2026-03-03"))
    asked = {"from_": "2026-03-01", "periods": "3"}
    assert shown(ask(oracle, **asked), "users") == [1, 0, 1, 0]
    assert shown(ask(oracle, **asked, criterion="on_or_after"), "users") == [1, 1, 1, 0]
    assert shown(ask(oracle, **asked, criterion="up_to"), "users") == [1, 0, 1, 1]


def test_period_0_of_purchases_begins_with_the_slot_of_the_start() -> None:
    oracle = told(
        install("u", "2026-03-01T12:30:00Z"),
        purchase("u", "2026-03-01T12:00:00Z"),
        install("v", "2026-03-01T12:30:00Z"),
        purchase("v", "2026-03-01T11:59:59Z"),
        purchase("v", "2026-03-02"),
    )
    asked = {"from_": "2026-03-01", "periods": "1", "return_": "purchase"}
    assert shown(ask(oracle, **asked), "users") == [1, 1]
    assert shown(ask(oracle, **asked, criterion="on_or_after"), "users") == [2, 1]
    assert shown(ask(oracle, **asked, criterion="up_to"), "users") == [1, 1]


def test_each_member_of_a_week_has_its_own_start() -> None:
    oracle = told(
        install("u", "2026-03-04"), purchase("u", "2026-03-03"), purchase("u", "2026-03-09"),
        install("v", "2026-03-02"), purchase("v", "2026-03-03"),
    )  # fmt: skip
    answer = ask(oracle, from_="2026-03-02", period="week", periods="1", return_="purchase")
    assert users(answer) == {"2026-03-02": [1, 1]}


def test_a_starting_purchase_counts_and_a_refund_starts_nothing() -> None:
    oracle = told(refund("u", "2026-03-01"), purchase("u", "2026-03-02"), purchase("u", "2026-03-03"))
    asked = {"from_": "2026-03-01", "to": "2026-03-03", "periods": "1", "return_": "purchase"}
    assert users(ask(oracle, **asked, cohort="first_purchase")) == {
        "2026-03-01": [0, 0],
        "2026-03-02": [1, 1],
        "2026-03-03": [0, 0],
    }
    assert users(ask(oracle, **asked, cohort="purchase"))["2026-03-03"] == [1, 0]
    assert users(ask(oracle, **asked, cohort="first_seen"))["2026-03-02"] == [1, 1]


def test_a_recurring_cohort_starts_with_the_first_event_of_its_kind_in_the_period() -> None:
    oracle = told(
        session("u", "2026-03-02T10:00:00Z"),
        purchase("u", "2026-03-02T09:00:00Z"),
        session("u", "2026-03-10T10:00:00Z"),
        purchase("u", "2026-03-10T11:00:00Z"),
    )
    asked = {"from_": "2026-03-02", "to": "2026-03-09", "period": "week", "periods": "1", "cohort": "session"}
    assert users(ask(oracle, **asked)) == {"2026-03-02": [1, 1], "2026-03-09": [1, 0]}
    assert users(ask(oracle, **asked, return_="purchase")) == {"2026-03-02": [0, 1], "2026-03-09": [1, 0]}


def test_brackets_have_labels_and_span_from_their_first_to_their_last_period() -> None:
    oracle = told(install("u", "2026-03-01"), session("u", "2026-03-06"))
    asked = {"from_": "2026-03-01", "brackets": "1-3,4-7,9-9"}
    answer = ask(oracle, now="2026-03-08T12:00:00Z", **asked)
    (row,) = answer["rows"]
    assert [(cell["n"], cell["label"], cell["users"], cell["complete"]) for cell in row["cells"]] == [
        (0, "0", 1, True),
        (1, "1-3", 0, True),
        (4, "4-7", 1, False),
    ]
    assert [cell["label"] for cell in answer["average"]] == ["0", "1-3"]
    later = ask(oracle, **asked, criterion="on_or_after")
    assert list(zip(shown(later, "label"), shown(later, "users"), strict=True)) == [
        ("0", 1), ("1-3", 1), ("4-7", 1), ("9", 0),
    ]  # fmt: skip


def test_as_of_hides_later_dates_and_shows_its_own_whole() -> None:
    oracle = told(
        install("u", "2026-03-01"), session("u", "2026-03-02T23:00:00Z"), session("u", "2026-03-03")
    )
    answer = ask(oracle, from_="2026-03-01", periods="3", as_of="2026-03-02T10:00:00Z")
    assert shown(answer, "users") == [1, 1]
    assert shown(answer, "complete") == [True, False]


def test_with_hours_or_elapsed_windows_as_of_hides_later_slots() -> None:
    oracle = told(install("u", "2026-03-01T09:00:00Z"), session("u", "2026-03-02T11:00:00Z"))
    asked = {"from_": "2026-03-01", "periods": "1", "window": "elapsed"}
    assert shown(ask(oracle, **asked, as_of="2026-03-02T10:59:00Z"), "users") == [1, 0]
    assert shown(ask(oracle, **asked, as_of="2026-03-02T11:00:00Z"), "users") == [1, 1]
    hours = {"from_": "2026-03-01", "period": "hour", "periods": "0", "as_of": "2026-03-01T08:59:00Z"}
    assert sum(map(sum, users(ask(oracle, **hours)).values())) == 0
    hours["as_of"] = "2026-03-01T09:00:00Z"
    assert sum(map(sum, users(ask(oracle, **hours)).values())) == 1


def test_the_average_pools_complete_cells_only() -> None:
    oracle = told(
        install("a", "2026-03-01"), install("b", "2026-03-01"), session("a", "2026-03-02"),
        install("c", "2026-03-02"), session("c", "2026-03-03"),
    )  # fmt: skip
    answer = ask(oracle, from_="2026-03-01", to="2026-03-02", periods="1", now="2026-03-03T12:00:00Z")
    assert [(cell["n"], cell["users"], cell["size"]) for cell in answer["average"]] == [(0, 3, 3), (1, 1, 2)]


def test_a_date_as_as_of_is_its_first_instant_in_the_zone() -> None:
    oracle = told(zone="Asia/Kolkata")
    answer = ask(oracle, from_="2026-03-01", periods="5", as_of="2026-03-02")
    assert answer["as_of_ms"] == 1_772_389_800_000  # 2026-03-01T18:30:00Z
    assert shown(answer, "complete") == [True, False]


def test_an_hour_has_a_row_once_it_has_begun() -> None:
    answer = ask(told(), from_="2026-03-01", period="hour", periods="1", now="2026-03-01T01:00:00Z")
    assert {row["cohort"]: len(row["cells"]) for row in answer["rows"]} == {
        "2026-03-01T00:00:00Z": 2,
        "2026-03-01T01:00:00Z": 1,
    }


def test_without_dates_the_last_30_days_are_meant_and_a_period_that_has_begun_is_whole() -> None:
    cohorts = [row["cohort"] for row in ask(told(), periods="0", now="2026-03-30")["rows"]]
    assert (cohorts[0], cohorts[-1], len(cohorts)) == ("2026-03-01", "2026-03-30", 30)
    month = ask(told(), from_="2026-03-20", period="month", periods="0", now="2026-03-10")
    assert [row["cohort"] for row in month["rows"]] == ["2026-03-01"]
