"""Every query of every panel and rule has an answer on a real Prometheus.

retention up ──scraped by──> Prometheus with our rules <──ask── what a healthy minute can show
a past of trouble ──promtool──> Prometheus             <──ask── what needs history or an incident
"""

from __future__ import annotations

import math
import os
import re
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana import queries
from grafana.queries import Query
from tests.e2e.running import Up
from tests.grafana.boards import BOARDS, metrics_of, panels, shown
from tests.grafana.past import openmetrics
from tests.grafana.programs import GRAFANA, Prometheus, ask, run
from tests.grafana.shaping import shaped
from tests.grafana.test_rules import ALERTS, rules
from tests.waiting import wait_until_now

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.name != "posix", reason="`up` is for Linux and macOS"),
]
CHOSEN = {
    "app": "demo",
    "day": "07",
    "dimension": "platform",
    "experiment": "variant",
    "control": "A",
    "currency": ".*",
    "__rate_interval": "1m",
}
LONG_AGO_DAYS = 30
WATCHED_SECONDS_MAX = 90  # the churn watch looks at the beginning of every minute


def listed(found: object) -> Iterator[Query]:
    """The queries in a name of grafana/queries.py: one, several, or none."""
    if isinstance(found, Query):
        yield found
    elif isinstance(found, tuple | dict):
        for one in found.values() if isinstance(found, dict) else found:
            yield from listed(one)


NEEDS = {query.expr: query.needs for found in vars(queries).values() for query in listed(found)}


def filled_in(expr: str) -> str:
    """The expression as Grafana sends it: variables replaced by what is chosen."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: CHOSEN[match[1]], expr)


def unanswered(prometheus: Prometheus, wanted: dict[str, str]) -> dict[str, str]:
    """Of {expression: legend} what has no number, or lacks a label that the legend names."""
    left = {}
    for expr, legend in wanted.items():
        labels = set(re.findall(r"\{\{(\w+)\}\}", legend)) - {"day", "instance"}
        found = [one for one in prometheus.query(filled_in(expr)) if not math.isnan(float(one["value"][1]))]
        if not found or not all(labels <= set(one["metric"]) for one in found):
            left[expr] = legend
    return left


def panels_that_need(*needs: str) -> dict[str, str]:
    return {query.expr: query.legend for query in shown() if NEEDS[query.expr] in needs}


def test_every_query_of_a_panel_stands_in_the_list_of_queries() -> None:
    assert {query.expr for query in shown()} <= set(NEEDS)


# --- a healthy minute


def scrape(directory: Path, target: str) -> Path:
    """A configuration that reads `target` once a second, with our rules."""
    config = directory / "prometheus.yml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(GRAFANA / "prometheus" / "rules" / "*.yml")],
                "scrape_configs": [{"job_name": "retention-up", "static_configs": [{"targets": [target]}]}],
            }
        )
    )
    return config


def send(http: str, number: int) -> None:
    """Some users do a little of everything, over HTTP; one event in forty is refused."""
    moment = {"app_id": "demo", "timestamp": int(time.time() * 1000), "platform": "ios", "variant": "A"}
    events: list[dict[str, Any]] = [{"type": "session", "event_id": f"bad-{number}"}]
    for user in range(10):
        who = {"user_id": f"guest-{number}-{user}", "event_id": f"{number}-{user}"} | moment
        events += [
            who | {"type": "install"},
            who | {"type": "session"},
            who | {"type": "purchase", "amount": "4.99", "currency": "USD"},
            who | {"type": "feedback", "kind": "nps", "score": 9},
        ]
    told = ask(f"{http}/api/v1/events", events)
    assert told["accepted"] == 40, told


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Up]]:
    """A running `retention up` with its demo, and a Prometheus that reads it."""
    directory = tmp_path_factory.mktemp("healthy")
    one = Up(directory)
    prometheus = Prometheus(directory, scrape(directory, urllib.parse.urlparse(one.where["http"]).netloc))
    try:
        prometheus.start()
        yield prometheus, one
    finally:
        prometheus.kill()
        one.stop()
        one.out.close()


def test_a_running_system_answers_every_query(healthy: tuple[Prometheus, Up]) -> None:
    prometheus, one = healthy
    wanted = panels_that_need("live") | {rule["record"]: "" for rule in rules() if "record" in rule}
    seconds: set[int] = set()

    def all_answered() -> bool:
        nonlocal wanted
        if (second := int(time.monotonic())) not in seconds:  # once a second, as Prometheus reads
            seconds.add(second)
            send(one.where["http"], second)
        wanted = unanswered(prometheus, wanted)
        return not wanted

    try:
        wait_until_now(all_answered, WATCHED_SECONDS_MAX, what="an answer to every query")
    except AssertionError:
        pytest.fail("no answer to:\n" + "\n".join(wanted))
    wait_until_now(
        lambda: [name for name, rule in ALERTS.items() if prometheus.query(rule["expr"])] == [],
        30,
        what="no alert sees trouble once the last event is counted",
    )


def test_a_running_system_fills_every_choice(healthy: tuple[Prometheus, Up]) -> None:
    prometheus, _ = healthy
    for board in BOARDS.values():
        for variable in board["templating"]["list"]:
            if variable["type"] != "query":
                continue
            match = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert match is not None
            about = urllib.parse.urlencode({"match[]": filled_in(match[1])})
            values = ask(f"{prometheus.url}/api/v1/label/{match[2]}/values?{about}")["data"]
            assert values, variable["name"]
            assert CHOSEN[variable["name"]] in [*values, ".*"]


def test_grafana_makes_rows_and_columns_of_the_answers(healthy: tuple[Prometheus, Up]) -> None:
    """A transformation that names a label which the query does not give leaves an empty panel, and says nothing."""
    prometheus, _ = healthy
    made = [panel for board in BOARDS.values() for panel in panels(board) if "transformations" in panel]
    assert all(target["instant"] and target["format"] == "table" for one in made for target in one["targets"])
    answers = [
        {target["refId"]: prometheus.query(filled_in(target["expr"])) for target in one["targets"]}
        for one in made
    ]
    for panel, fields in zip(made, shaped(zip(made, answers, strict=True)), strict=True):
        assert len(fields) > 1, panel["title"]
        assert all(any(value is not None for value in field.values) for field in fields), panel["title"]
        assert panel["type"] != "trend" or "day" in {field.name for field in fields}, panel["title"]


# --- a past of trouble


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with an hour of trouble and eight days before it."""
    directory = tmp_path_factory.mktemp("troubled")
    (directory / "past.txt").write_text(openmetrics(int(time.time())))
    done = run(
        "promtool",
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        directory / "past.txt",
        directory / "prometheus",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (directory / "empty.yml").write_text("{}")
    server = Prometheus(directory, directory / "empty.yml")
    server.start()
    yield server
    server.kill()


def test_trouble_and_history_answer_the_other_queries(troubled: Prometheus) -> None:
    assert unanswered(troubled, panels_that_need("history", "incident", "setting")) == {}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_sees_its_trouble(troubled: Prometheus, name: str) -> None:
    expr = ALERTS[name]["expr"]
    at = time.time() - (LONG_AGO_DAYS * 86_400 if name == "RetentionExporterAbsent" else 0)
    assert troubled.query(expr, at)


def test_the_past_holds_only_what_is_asked_for() -> None:
    names = {line.split()[2] for line in openmetrics(1_700_000_000).splitlines() if line.startswith("# TYPE")}
    asked = set().union(
        *(metrics_of(query.expr) for query in shown()),
        *(metrics_of(rule["expr"]) for rule in ALERTS.values()),
    )
    assert {re.sub(r"_bucket$", "", name) for name in names} <= asked
