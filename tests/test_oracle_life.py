"""Does the oracle know who stays, comes back and goes? Actives, lifecycle, CRR, feedback and comparisons, an example each."""

from __future__ import annotations

import pytest

from tests.oracle_rates import holm, newcombe, wilson, z_test
from tests.told import ask, csat, identity, install, nps, purchase, refund, session, told


def test_crr_of_the_contract_is_85() -> None:
    # 1000 at the start, 950 at the end, 100 gained: 850 of the 1000 stayed.
    stayed = [session(f"s{i}", day) for i in range(850) for day in ("2026-03-01", "2026-03-02")]
    left = [session(f"l{i}", "2026-03-01") for i in range(150)]
    back = [session(f"b{i}", day) for i in range(20) for day in ("2026-01-01", "2026-03-02")]
    new = [session(f"n{i}", "2026-03-02") for i in range(80)]
    answer = ask(told(*stayed, *left, *back, *new), "crr", from_="2026-03-02")
    assert answer == {
        "cs": 1000, "ce": 950, "cn": 100, "new": 80, "resurrected": 20, "crr": 85.0, "churn": 15.0, "complete": True,
    }  # fmt: skip


def test_crr_compares_a_range_with_as_many_days_before_it() -> None:
    oracle = told(session("a", "2026-03-01"), session("a", "2026-03-06"), session("b", "2026-02-28"))
    answer = ask(oracle, "crr", from_="2026-03-04", to="2026-03-06")
    assert (answer["cs"], answer["ce"], answer["cn"], answer["crr"]) == (1, 1, 0, 100.0)


def test_crr_is_null_while_the_range_is_open_and_without_anybody_at_its_start() -> None:
    oracle = told(session("a", "2026-03-01"), session("a", "2026-03-02"))
    still = ask(oracle, "crr", from_="2026-03-02", now="2026-03-02T23:59:59Z")
    assert (still["complete"], still["crr"], still["churn"], still["cs"]) == (False, None, None, 1)
    assert ask(oracle, "crr", from_="2026-03-02", now="2026-03-03T00:00:00Z")["crr"] == 100.0
    nobody = ask(oracle, "crr", from_="2026-03-01")
    assert (nobody["complete"], nobody["cs"], nobody["new"], nobody["crr"]) == (True, 0, 1, None)


def test_customers_are_who_bought_and_a_refund_is_no_purchase() -> None:
    oracle = told(
        session("a", "2026-03-01"), purchase("a", "2026-03-02"),
        purchase("b", "2026-03-01"), refund("b", "2026-03-02"), session("b", "2026-03-02"),
        purchase("c", "2026-01-01"), purchase("c", "2026-03-02"),
    )  # fmt: skip
    answer = ask(oracle, "crr", from_="2026-03-02", population="customers")
    assert {name: answer[name] for name in ("cs", "ce", "cn", "new", "resurrected", "churn")} == {
        "cs": 1, "ce": 2, "cn": 2, "new": 1, "resurrected": 1, "churn": 100.0,
    }  # fmt: skip


def test_everybody_active_is_new_returning_or_resurrected_and_who_is_missing_is_dormant() -> None:
    oracle = told(
        install("new", "2026-03-03"),
        session("back", "2026-03-01"), session("back", "2026-03-03"),
        session("again", "2026-03-02"), session("again", "2026-03-03"),
        session("gone", "2026-03-02"),
        install("old", "2026-01-01"), install("old", "2026-03-03"),
    )  # fmt: skip
    asked = {"from_": "2026-03-03"}
    (row,) = ask(oracle, "active", **asked)["rows"]
    assert row == {
        "date": "2026-03-03", "active": 4, "dau": 4, "wau": 5, "mau": 5, "stickiness": 4 / 5,
        "new": 1, "returning": 1, "resurrected": 2, "dormant": 1, "churn": 0.5, "installs": 1, "reinstalls": 1,
        "complete": True,
    }  # fmt: skip
    (row,) = ask(oracle, "active", **asked, as_of="2026-03-03T20:00:00Z")["rows"]
    assert (row["dormant"], row["churn"], row["complete"]) == (None, None, False)


def test_the_row_of_a_week_shows_the_days_that_end_with_its_last_begun_one() -> None:
    oracle = told(session("a", "2026-03-03"), session("b", "2026-03-05"), session("c", "2026-03-01"))
    asked = {"from_": "2026-03-04", "period": "week"}
    (row,) = ask(oracle, "active", **asked, as_of="2026-03-05T10:00:00Z")["rows"]
    assert (row["date"], row["active"], row["dau"], row["wau"]) == ("2026-03-02", 2, 1, 3)
    (row,) = ask(oracle, "active", **asked, week_start="sunday")["rows"]
    assert (row["date"], row["active"], row["dau"], row["wau"]) == ("2026-03-01", 3, 0, 3)


def test_nps_and_csat_are_over_answers_not_over_users() -> None:
    oracle = told(
        *(nps("u", f"2026-03-0{day}", score) for day, score in ((1, 10), (2, 9), (3, 8), (4, 6))),
        csat("u", "2026-03-01", 3), csat("v", "2026-03-01", 4), identity("u", "v"),
    )  # fmt: skip
    assert ask(oracle, "feedback", from_="2026-03-01", to="2026-03-04") == {
        "nps": 25.0,
        "csat": 0.5,
        "answers": {"nps": 4, "csat": 2},
    }
    assert ask(oracle, "feedback", from_="2026-03-04")["nps"] == -100.0
    assert ask(oracle, "feedback", from_="2026-03-04", now="2026-03-03")["answers"]["nps"] == 0
    assert ask(oracle, "feedback", from_="2026-04-01") == {
        "nps": None,
        "csat": None,
        "answers": {"nps": 0, "csat": 0},
    }


# Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10.
DIFFERENCES = [
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0000),
    ((10, 10), (0, 10), 0.6075, 1.0000),
]


@pytest.mark.parametrize(("one", "other", "low", "high"), DIFFERENCES)
def test_the_interval_of_a_difference_is_the_published_one(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    # Published for the first minus the second; ours is b minus a.
    assert newcombe(other, one) == pytest.approx((low, high), abs=5e-5)


# Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
SHARES = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]


@pytest.mark.parametrize(("users", "size", "low", "high"), SHARES)
def test_the_interval_of_a_share_is_the_published_one(users: int, size: int, low: float, high: float) -> None:
    assert wilson(users, size) == pytest.approx((low, high), abs=5e-5)


def test_the_z_test_is_the_chi_square_test_of_a_table_of_four() -> None:
    # 15 and 25 of 50: chi-square 4.1667 without correction, p 0.0412.
    z, p = z_test((15, 50), (25, 50))
    assert z is not None
    assert (z * z, p) == pytest.approx((4.1667, 0.04123), abs=5e-5)
    assert z_test((25, 50), (15, 50))[0] == -z
    assert z_test((0, 5), (0, 9)) == z_test((5, 5), (9, 9)) == (None, None)


def test_holm_multiplies_the_smallest_p_most_and_never_turns_their_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]


def test_compare_takes_cohorts_whose_day_is_over() -> None:
    def user(name: str, day: int, variant: str, *back: int) -> list[object]:
        return [
            install(name, f"2026-03-0{day}", variant=variant),
            *(session(name, f"2026-03-0{day + n}") for n in back),
        ]

    oracle = told(
        *user("a", 1, "A"), *user("b", 1, "A", 2), *user("c", 1, "B", 2), *user("d", 2, "B", 1, 2),
        *user("open", 3, "A", 2), *user("none", 1, "C", 2), session("a", "2026-03-01", country="VN"),
    )  # fmt: skip
    asked = {
        "dimension": "variant",
        "day": "2",
        "from_": "2026-03-01",
        "to": "2026-03-09",
        "now": "2026-03-05",
    }
    answer = ask(oracle, "compare", **asked, a="A", b="B")
    assert (answer["a"]["users"], answer["a"]["size"]) == (1, 2)
    assert (answer["b"]["users"], answer["b"]["size"]) == (2, 2)
    assert answer["difference"] == 0.5
    assert (answer["low"], answer["high"]) == newcombe((1, 2), (2, 2))
    assert (answer["z"], answer["p"]) == z_test((1, 2), (2, 2))
    some = ask(oracle, "compare", **asked, a="A", b="B", where="country:VN")
    assert (some["a"]["size"], some["b"]["size"]) == (1, 0)
    nobody = ask(oracle, "compare", **asked, a="A", b="X")
    assert [nobody[name] for name in ("difference", "low", "high", "z", "p")] == [None] * 5
    many = ask(oracle, "compare", **asked, variants="A,B,C,X")
    assert [(one["variant"], one["users"], one["size"]) for one in many["variants"]] == [
        ("A", 1, 2), ("B", 2, 2), ("C", 1, 1), ("X", 0, 0),
    ]  # fmt: skip
    assert [(pair["a"], pair["b"]) for pair in many["pairs"]] == [
        ("A", "B"), ("A", "C"), ("A", "X"), ("B", "C"), ("B", "X"), ("C", "X"),
    ]  # fmt: skip
    tested = [z_test((1, 2), (2, 2))[1], z_test((1, 2), (1, 1))[1], None, None, None, None]
    assert [pair["p"] for pair in many["pairs"]] == holm(tested)
