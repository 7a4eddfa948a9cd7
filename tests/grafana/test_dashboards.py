"""Dashboards are what the code makes, say what they show, name nothing that is not there, and lead to and from their alerts."""

import json
import re
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import config
from grafana.generate import generated
from tests.grafana.boards import BOARDS, FILES, panels
from tests.grafana.programs import GRAFANA, RULES
from tests.grafana.test_rules import ALERTS

UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
TRANSFORMATIONS = {
    *("sortBy", "groupingToMatrix", "renameByRegex"),
    *("joinByField", "filterFieldsByName", "organize", "convertFieldType"),
}
EVERY_BOARD = pytest.mark.parametrize("uid", BOARDS)


def test_the_committed_dashboards_are_what_the_code_makes() -> None:
    assert {file.name: file.read_text() for file in FILES} == generated(), "run: make dashboards"


def test_the_addresses_of_dashboards_stay() -> None:
    """Links of people and of alerts lead there, so a uid is for ever."""
    assert sorted(BOARDS) == [
        "retention-churn-watch",
        "retention-cohorts",
        "retention-experiments",
        "retention-growth",
        "retention-pipeline",
        "retention-revenue",
    ]
    assert all(board["uid"] == uid for uid, board in BOARDS.items())


@EVERY_BOARD
def test_a_dashboard_is_of_the_types_that_grafana_publishes(uid: str) -> None:
    """Read into the SDK's types and written again it is the same: no field that Grafana does not know, none of another shape."""
    register_default_plugins()
    again = json.loads(json.dumps(Dashboard.from_json(BOARDS[uid]), cls=JSONEncoder))
    assert _without_defaults(again) == _without_defaults(BOARDS[uid])


def _without_defaults(value: Any) -> Any:
    """Without what the SDK adds where the file says nothing; the placement of a legend is another thing."""
    if isinstance(value, dict):
        return {
            key: _without_defaults(inner)
            for key, inner in value.items()
            if key != "placement" or inner == "bottom"
        }
    return [_without_defaults(inner) for inner in value] if isinstance(value, list) else value


@EVERY_BOARD
def test_a_panel_says_what_it_shows_in_which_unit(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert len(panel["description"]) > 20
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    titles = [panel["title"] for panel in panels(BOARDS[uid])]
    assert len(set(titles)) == len(titles)
    assert BOARDS[uid]["description"].endswith(".")


@EVERY_BOARD
def test_panels_have_ids_of_their_own_and_do_not_overlap(uid: str) -> None:
    ids = [panel["id"] for panel in panels(BOARDS[uid])]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in panels(BOARDS[uid]):
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@EVERY_BOARD
def test_no_data_source_is_written_into_a_panel(uid: str) -> None:
    text = (GRAFANA / "dashboards" / f"{uid}.json").read_text()
    assert set(re.findall(r'"uid": "([^"]+)"', text)) == {uid, config.DATASOURCE}
    first = BOARDS[uid]["templating"]["list"][0]
    assert (first["name"], first["type"], first["current"]["value"]) == (
        "datasource",
        "datasource",
        config.DATASOURCE_UID,
    )
    for panel in panels(BOARDS[uid]):
        assert all(target["datasource"]["uid"] == config.DATASOURCE for target in panel["targets"])


@EVERY_BOARD
def test_the_variables_of_queries_and_titles_are_there(uid: str) -> None:
    board = BOARDS[uid]
    declared = {variable["name"] for variable in board["templating"]["list"]}
    text = json.dumps([board["panels"], board.get("annotations", {}), board["templating"]])
    used = set(re.findall(r"\$\{?([a-z]+)", text)) - {"__rate_interval"}
    assert used == declared


@EVERY_BOARD
def test_a_panel_uses_few_transformations(uid: str) -> None:
    used = {step["id"] for panel in panels(BOARDS[uid]) for step in panel.get("transformations", [])}
    assert used <= TRANSFORMATIONS


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_its_panel_and_the_panel_back(name: str) -> None:
    target = ALERTS[name]["annotations"]["dashboard_url"]
    match = re.fullmatch(
        r"\{\{ \$externalLabels\.grafana_url \}\}/d/([a-z-]+)\?viewPanel=panel-(\d+)(&var-app=.*)?", target
    )
    assert match is not None
    panel = next(panel for panel in panels(BOARDS[match[1]]) if panel["id"] == int(match[2]))
    assert f"/alerting/list?search=rule:{name}" in {link["url"] for link in panel["links"]}
    chooses_app = "app" in {variable["name"] for variable in BOARDS[match[1]]["templating"]["list"]}
    assert bool(match[3]) == (chooses_app and ALERTS[name]["labels"]["layer"] == "business")


def test_panels_draw_the_thresholds_of_the_rules() -> None:
    text = "\n".join(file.read_text() for file in RULES)
    assert f"(retention_anomaly_cusum) >= {config.CUSUM_ALERT:g}" in text
    assert f"retention:refresh_age_seconds:min > {config.REFRESH_SECONDS_MAX:g}" in text
    assert f"retention:watch_age_seconds:min > {config.WATCH_SECONDS_MAX:g}" in text
    assert f"retention_event_visible_seconds_bucket[10m30s]))) > {config.VISIBLE_SECONDS_MAX:g}" in text


def test_grafana_loads_the_dashboards_and_the_source_they_name() -> None:
    provisioning = GRAFANA / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert {source["uid"]: source["type"] for source in sources} == {
        config.DATASOURCE_UID: "prometheus",
        "retention-alertmanager": "alertmanager",
    }
    provider = yaml.safe_load((provisioning / "dashboards" / "retention.yml").read_text())["providers"][0]
    assert provider["folder"] == config.FOLDER
    assert provider["allowUiUpdates"] is False
    assert yaml.safe_load((provisioning / "alerting" / "retention.yml").read_text()) == {"apiVersion": 1}


def test_values_that_are_all_0_have_an_axis_that_ends_near_them() -> None:
    """Grafana ends it at 100 where nothing says otherwise: 0 refusals of 100, a CUSUM of 0 far from its threshold of 5."""
    for panel in (one for board in BOARDS.values() for one in panels(board) if one["type"] == "timeseries"):
        defaults = panel["fieldConfig"]["defaults"]
        if defaults["unit"] in ("cps", "recps", "reqps", "percentunit", "short"):
            assert defaults["custom"]["axisSoftMax"] <= 1, panel["title"]
        marks = [
            one["value"]
            for one in defaults.get("thresholds", {}).get("steps", [])
            if one["value"] is not None
        ]
        assert defaults["unit"] != "none" or all(
            defaults["custom"]["axisSoftMin"] <= mark <= defaults["custom"]["axisSoftMax"] for mark in marks
        ), panel["title"]


def test_a_table_of_half_a_screen_shows_all_days_of_an_alert() -> None:
    """Columns are 150 pixels wide where nothing says otherwise; a screen of 1,280 has 640 for half the grid."""
    tables = [one for board in BOARDS.values() for one in panels(board) if "rowField" in json.dumps(one)]
    for panel in (one for one in tables if one["type"] == "table"):
        columns = 1 + len(config.DAYS)
        assert (
            panel["fieldConfig"]["defaults"]["custom"]["minWidth"] * columns
            <= 640 * panel["gridPos"]["w"] / 12
        )
