"""Prometheus and Alertmanager of docker-compose.yml, with the files they have there: everybody is scraped, every rule loads."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.grafana.test_rules import rules
from tests.stack.running import Stack
from tests.waiting import wait_until_now

pytestmark = pytest.mark.e2e


def asked(stack: Stack, path: str) -> Any:
    with urllib.request.urlopen(stack.url("prometheus", 9090) + "/api/v1/" + path, timeout=10) as answer:
        return json.load(answer)["data"]


def query(stack: Stack, text: str) -> list[Any]:
    return asked(stack, "query?" + urllib.parse.urlencode({"query": text}))["result"]


def test_every_worker_and_every_role_is_scraped(stack: Stack) -> None:
    def up() -> bool:
        targets = asked(stack, "targets?state=active")["activeTargets"]
        jobs = [one["labels"]["job"] for one in targets if one["health"] == "up"]
        return jobs.count("retention-worker") == 2 and len(jobs) == len(targets)

    wait_until_now(up, 60, what="all targets up")


def test_all_rules_are_loaded_and_none_fails(stack: Stack) -> None:
    def health() -> dict[str, str]:
        groups = asked(stack, "rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    wait_until_now(lambda: "unknown" not in health().values(), 60, what="every rule was evaluated")
    assert set(health().values()) == {"ok"}
    assert {rule.get("alert") or rule["record"] for rule in rules()} == health().keys()


def test_prometheus_knows_whom_to_tell(stack: Stack) -> None:
    found = wait_until_now(
        lambda: asked(stack, "alertmanagers")["activeAlertmanagers"], 30, what="Alertmanager"
    )
    assert [one["url"] for one in found] == ["http://alertmanager:9093/api/v2/alerts"]
