"""What a person sees of tables and curves, by Grafana's own library: order, names, texts and colours."""

import json
from typing import Any

import pytest
import yaml

from tests.grafana.boards import BOARDS, panels
from tests.grafana.shaping import Field, Samples, shaped
from tests.servers import ROOT

TRANSPARENT = "#00000000"


def sample(number: float, /, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1_764_000_000, str(number)]}


def panel(title: str) -> dict[str, Any]:
    return next(one for board in BOARDS.values() for one in panels(board) if one["title"] == title)


def looked_at(title: str, *answers: Samples) -> list[Field]:
    """The fields of the panel, its queries answered in their order."""
    return shaped([(panel(title), dict(zip("ABC", answers, strict=False)))])[0]


def by_name(fields: list[Field]) -> dict[str, Field]:
    return {field.name: field for field in fields}


def test_the_library_is_that_of_the_grafana_that_compose_runs() -> None:
    image = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]["image"]
    wanted = json.loads((ROOT / ".ci" / "grafana" / "package.json").read_text())["dependencies"][
        "@grafana/data"
    ]
    assert image == f"grafana/grafana:{wanted}"


@pytest.fixture(scope="module")
def triangle() -> list[Field]:
    """Two cohorts in an order that Prometheus may give: of the newer one D3 is not over, and nobody came back on D1."""
    return looked_at(
        "Retention triangle",
        [
            sample(0.125, cohort="2026-11-20", day="03"),
            sample(0.25, cohort="2026-11-20", day="01"),
            sample(1_234, cohort="2026-11-21", day="00"),
            sample(0, cohort="2026-11-21", day="01"),
            sample(200, cohort="2026-11-20", day="00"),
        ],
    )


def test_the_triangle_has_its_newest_cohort_on_top_and_days_from_left_to_right(triangle: list[Field]) -> None:
    assert [field.name for field in triangle] == ["cohort", "users", "D01", "D03"]
    assert triangle[0].texts == ["2026-11-21", "2026-11-20"]


def test_a_cell_that_is_not_over_is_empty_and_nobody_is_0_percent(triangle: list[Field]) -> None:
    seen = by_name(triangle)
    assert seen["D01"].texts == ["0.0%", "25.0%"]
    assert seen["D03"].texts == ["", "12.5%"]
    assert seen["D03"].cells[0].color == TRANSPARENT
    assert TRANSPARENT not in {cell.color for cell in seen["D01"].cells}


def test_users_of_a_cohort_are_told_to_the_last_one(triangle: list[Field]) -> None:
    assert by_name(triangle)["users"].texts == ["1,234", "200"]


def test_more_of_a_cohort_gives_a_stronger_blue() -> None:
    rates = (0, 0.1, 0.2, 0.3, 0.4, 0.5)
    shares = [sample(rate, cohort=f"2026-11-{21 + at}", day="01") for at, rate in enumerate(rates)]
    shades = by_name(looked_at("Retention triangle", shares))["D01"].cells[::-1]
    blue = [int(cell.color[5:7], 16) - int(cell.color[1:3], 16) for cell in shades]
    assert blue == sorted(set(blue))


def test_a_curve_has_its_days_as_numbers_in_order_and_a_gap_where_there_is_none() -> None:
    seen = by_name(
        looked_at(
            "Retention by day",
            [sample(0.3, day="07"), sample(0.5, day="01")],
            [sample(0.45, day="01"), sample(0.2, day="07")],
            [sample(0.55, day="01"), sample(0.4, day="30")],
        )
    )
    assert list(seen) == ["day", "average", "low", "high"]
    assert (seen["day"].type, seen["day"].values, seen["day"].texts) == (
        "number",
        [1, 7, 30],
        ["1", "7", "30"],
    )
    assert seen["average"].values == [0.5, 0.3, None]
    assert seen["high"].values == [0.55, None, 0.4]


@pytest.mark.parametrize(
    ("title", "label"), [("Retention by variant", "value"), ("Lifetime value by day", "currency")]
)
def test_lines_are_in_the_order_of_their_names_whoever_comes_first(title: str, label: str) -> None:
    """The colour of a line is that of its place."""
    answers = [
        [sample(0.5, **{label: "B"}, day="01"), sample(0.2, **{label: "A"}, day="07")],
        [sample(0.2, **{label: "A"}, day="07"), sample(0.5, **{label: "B"}, day="01")],
    ]
    for fields in (looked_at(title, one) for one in answers):
        assert [field.name for field in fields] == ["day", "A", "B"]
        assert [field.values for field in fields] == [[1, 7], [None, 0.2], [0.5, None]]


@pytest.mark.parametrize("title", ["Difference to $control", "z against $control"])
def test_a_loss_is_red_and_a_gain_green(title: str) -> None:
    field = by_name(looked_at(title, [sample(-4, value="B", day="01"), sample(4, value="C", day="01")]))[
        "D01"
    ]
    red, green = ([int(cell.color[at : at + 2], 16) for at in (1, 3)] for cell in field.cells)
    assert red[0] > red[1]
    assert green[0] < green[1]


def test_a_table_of_processes_has_no_column_of_its_own_time() -> None:
    fields = looked_at("Versions", [sample(3, version="1.2.3", python="3.11")])
    assert {field.name: field.texts for field in fields} == {
        "python": ["3.11"],
        "version": ["1.2.3"],
        "processes": ["3"],
    }


def test_no_days_axis_has_another_unit() -> None:
    """Every panel over day n shows D7 as 7; a panel added later, too."""
    trends = [one for board in BOARDS.values() for one in panels(board) if one["type"] == "trend"]
    assert trends
    answers = [
        {target["refId"]: [sample(1, day="07", value="A", currency="USD")] for target in one["targets"]}
        for one in trends
    ]
    for fields in shaped(zip(trends, answers, strict=True)):
        assert by_name(fields)["day"].texts == ["7"]
