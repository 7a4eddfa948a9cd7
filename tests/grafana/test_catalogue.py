"""Queries and rules ask for what the roles export, all of it, and nothing else."""

from consumers.metrics import CATALOGUE
from grafana import queries
from tests.grafana.boards import metrics_of, shown
from tests.grafana.test_rules import rules

GENERAL = {"up", "ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total"}


def test_queries_name_metrics_of_the_catalogue_only() -> None:
    known = (
        {metric.name for metric in CATALOGUE}
        | {rule["record"] for rule in rules() if "record" in rule}
        | GENERAL
    )
    asked = {str(query): metrics_of(query.expr) - known for query in shown()}
    asked |= {str(rule): metrics_of(rule["expr"]) - known for rule in rules()}
    asked |= {
        query.expr: metrics_of(query.expr) - known
        for query in vars(queries).values()
        if isinstance(query, queries.Query)
    }
    assert {name: unknown for name, unknown in asked.items() if unknown} == {}


def test_every_metric_is_on_a_panel_or_in_a_rule() -> None:
    used = set().union(
        *(metrics_of(query.expr) for query in shown()), *(metrics_of(rule["expr"]) for rule in rules())
    )
    unseen = {metric.name for metric in CATALOGUE} - used
    assert not unseen, "show it on a panel (grafana/queries.py, grafana/boards) or ask for it in a rule"
