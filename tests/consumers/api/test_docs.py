"""docs/api.md says what the interface does: every parameter, word, path and member, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from consumers.api.status import status
from consumers.web import PROBES
from stream.report.choices import VALUES_PARAMETERS, apps, parse_values, values
from stream.report.query import ACTIVE_PARAMETERS, RETENTION_PARAMETERS, WORDS
from tests.stream.report.counted import APP, ask, ask_active, counted, install

DOCS = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def section(title: str) -> str:
    return re.split(r"^## ", DOCS.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def named(table_row: str) -> list[str]:
    return re.findall(r"`([^`]+)`", table_row.split("|")[1])


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| `")]


def examples(text: str) -> Any:
    return json.loads(text[text.index("    {") :].split("\n\n")[0])


def test_the_parameters_of_the_triangle_are_those_of_the_code() -> None:
    table = section("Retention").split("**Cohorts.**")[0]
    assert {name for row in rows(table) for name in named(row)} == set(RETENTION_PARAMETERS)


def test_the_words_of_every_parameter_are_those_of_the_code() -> None:
    for row in rows(section("Retention").split("**Cohorts.**")[0]):
        for name in named(row):
            if name in WORDS:
                assert re.findall(r"`([^`]+)`", row.split("|")[2]) == list(WORDS[name])


def test_the_parameters_of_actives_are_those_of_the_code() -> None:
    text = section("Active").split("    {")[0]
    assert set(re.findall(r"`([a-z_]+)(?:=day)?`", text)) == set(ACTIVE_PARAMETERS)


def test_every_probe_is_told() -> None:
    assert [name for row in rows(section("Probes")) for name in named(row)] == list(PROBES)


async def test_the_examples_have_the_members_that_answers_have() -> None:
    store = await counted()
    asked = {"from_": "2026-11-22", "to": "2026-11-22"}
    assert shape(examples(section("Retention"))) == shape(
        await ask(store, now="2026-11-23T10:00:00Z", **asked)
    )
    assert shape(examples(section("Active"))["rows"]) == shape(await ask_active(store, **asked))
    assert shape(examples(section("Status"))) == shape(
        status({("sessions", 0): 60}, "log", {}, {}) | {"missing_topics": []}
    )


async def test_the_examples_of_what_can_be_asked_about_have_the_members_of_the_answers() -> None:
    store = await counted(install("anna", "2026-11-20", country="VN"))
    of_apps, of_values = section("Choices").split("`GET /api/v1/values")
    assert shape(examples(of_apps)["apps"]) == shape(await apps(store))
    asked = parse_values({"app": APP, "dimension": "country"})
    assert shape(examples(of_values)) == shape(await values(store, asked))
    for name in VALUES_PARAMETERS:
        assert re.search(rf"[?&`]{name}\b", of_values)


def shape(value: Any) -> Any:
    """The names and their order, lists by their first item."""
    if isinstance(value, dict):
        return [(name, shape(inside)) for name, inside in value.items()]
    return [shape(one) for one in value[:1]] if isinstance(value, list) else None
