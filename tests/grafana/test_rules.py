"""Rules, their tests, their runbook and the way to people, held to each other and run by the real checkers and servers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from consumers.cli import app
from stream.retention.money import MINOR_DIGITS
from tests.grafana.programs import ALERTMANAGER, GRAFANA, RULES, Alertmanager, ask, run
from tests.servers import ROOT
from tests.waiting import wait_until_now

PROMETHEUS = GRAFANA / "prometheus"
CASES = sorted((PROMETHEUS / "tests").glob("*.yml"))
# Gone or behind a flag in Prometheus 3, or not yet there in 2.42.
NOT_EVERYWHERE = (
    "holt_winters",
    "double_exponential_smoothing",
    "mad_over_time",
    "limitk",
    "info(",
    "sort_by_label",
)


def rules() -> list[dict[str, Any]]:
    return [
        rule
        for file in RULES
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def cases(name: str) -> Iterator[dict[str, Any]]:
    for file in CASES:
        for test in yaml.safe_load(file.read_text())["tests"]:
            yield from (case for case in test.get("alert_rule_test", []) if case["alertname"] == name)


def section(name: str) -> str:
    """The section of the runbook for that alert, without its heading."""
    parts = re.split(r"^## (\w+)\n", (ROOT / "docs" / "runbook.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(name, "")


def test_prometheus_takes_the_rules_and_the_configuration() -> None:
    for done in (
        run("promtool", "check", "rules", *RULES),
        run("promtool", "check", "config", PROMETHEUS / "prometheus.yml"),
    ):
        assert done.returncode == 0, done.stdout + done.stderr
        assert "FAILED" not in done.stdout + done.stderr


def test_the_rules_do_what_their_tests_say() -> None:
    done = run("promtool", "test", "rules", *CASES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_tested_silent_firing_and_ending(name: str) -> None:
    fires = [bool(case["exp_alerts"]) for case in cases(name)]
    first = fires.index(True)
    assert False in fires[:first], "silent before it fires"
    assert False in fires[first:], "and again after it"


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_where_and_how_bad(name: str) -> None:
    rule = ALERTS[name]
    labels, notes = rule["labels"], rule["annotations"]
    assert labels["severity"] in ("critical", "warning")
    assert labels["layer"] in ("pipeline", "business")
    assert {"summary", "description", "runbook_url", "dashboard_url"} == set(notes)
    assert notes["runbook_url"].endswith(f"/runbook.md#{name.lower()}")
    assert rule["for"]


@pytest.mark.parametrize("name", ALERTS)
def test_the_runbook_says_what_an_alert_means_and_what_to_do(name: str) -> None:
    text = section(name)
    assert [part in text for part in ("**Means.**", "**First look.**", "**Do.**")] == [True] * 3


def test_the_runbook_has_the_sections_of_the_alerts_in_their_order() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == [
        rule["alert"]
        for layer in ("pipeline", "business")
        for rule in rules()
        if rule.get("labels", {}).get("layer") == layer
    ]


@pytest.mark.parametrize(
    "name", [name for name, rule in ALERTS.items() if rule["labels"]["layer"] == "business"]
)
def test_an_alert_on_users_waits_for_sound_numbers(name: str) -> None:
    assert "and on () retention:numbers_sound:bool == 1" in ALERTS[name]["expr"]


def test_the_runbook_names_commands_that_exist() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"`retention ([a-z-]+)", text)) <= set(commands)


def test_rules_use_what_both_prometheus_2_and_3_know() -> None:
    for rule in rules():
        assert not [word for word in NOT_EVERYWHERE if word in rule["expr"]]
        ranges = re.findall(r"\[(\w+)\]", rule["expr"])
        assert all(span.endswith("m30s") for span in ranges), (
            "a range ends between samples, see recording.yml"
        )


def test_the_rules_know_every_currency() -> None:
    scale = next(
        rule["expr"] for rule in rules() if rule.get("record") == "retention:currency_minor_units:scale"
    )
    listed = [frozenset(names.split("|")) for names in re.findall(r'currency[!=]~"([A-Z|]+)"', scale)]
    without, three, four = (
        {currency for currency, digits in MINOR_DIGITS.items() if digits == wanted} for wanted in (0, 3, 4)
    )
    assert listed == [without, three, four, without | three | four]
    assert set(MINOR_DIGITS.values()) == {0, 2, 3, 4}


def test_prometheus_gives_alerts_what_their_links_need() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    named = {name for file in RULES for name in re.findall(r"\$externalLabels\.(\w+)", file.read_text())}
    assert named == {"docs_url", "grafana_url"}
    assert set(config["global"]["external_labels"]) == named | {"deployment"}
    assert config["alerting"]["alert_relabel_configs"][0]["action"] == "labeldrop"


def test_alertmanager_takes_its_configuration() -> None:
    done = run("amtool", "check-config", ALERTMANAGER)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("layer", "severity", "receiver"),
    [
        ("business", "critical", "growth"),
        ("business", "warning", "growth"),
        ("pipeline", "critical", "on-call"),
        ("pipeline", "warning", "operators"),
    ],
)
def test_an_alert_reaches_those_who_can_do_something(layer: str, severity: str, receiver: str) -> None:
    done = run(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={ALERTMANAGER}",
        f"layer={layer}",
        f"severity={severity}",
    )
    assert done.stdout.strip() == receiver, done.stderr


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    server = Alertmanager(tmp_path)
    server.start()
    yield server
    server.kill()


def post(server: Alertmanager, *alerts: tuple[str, str]) -> None:
    """Sends (alert name, deployment) as Prometheus would, with the labels of its rule."""
    ask(
        f"{server.url}/api/v2/alerts",
        [
            {"labels": {"alertname": name, "deployment": deployment, "app": "game"} | ALERTS[name]["labels"]}
            for name, deployment in alerts
        ],
    )


def held_back(server: Alertmanager) -> set[tuple[str, str]]:
    return {
        (alert["labels"]["alertname"], alert["labels"]["deployment"])
        for alert in ask(f"{server.url}/api/v2/alerts")
        if alert["status"]["state"] == "suppressed" and alert["status"]["inhibitedBy"]
    }


def test_alerts_on_users_are_held_back_while_numbers_are_doubtful(alertmanager: Alertmanager) -> None:
    business = {name for name, rule in ALERTS.items() if rule["labels"]["layer"] == "business"}
    post(alertmanager, *((name, place) for name in business for place in ("one", "two")))
    post(alertmanager, ("RetentionLagGrowing", "one"), ("RetentionDeadLettersRising", "two"))
    # In the other deployment only the slide is not told beside the fall of the same day.
    expected = {(name, "one") for name in business} | {("RetentionChurnDrift", "two")}
    wait_until_now(lambda: held_back(alertmanager) == expected)


def test_what_follows_from_a_cause_is_not_told_beside_it(alertmanager: Alertmanager) -> None:
    follow = {
        "RetentionLagGrowing",
        "RetentionExporterStale",
        "RetentionWatchStale",
        "RetentionVisibilitySlow",
    }
    post(alertmanager, *((name, "one") for name in follow), ("RetentionTargetDown", "one"))
    post(alertmanager, ("RetentionRedisDisconnected", "one"))
    wait_until_now(lambda: held_back(alertmanager) == {(name, "one") for name in follow})
