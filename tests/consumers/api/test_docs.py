"""docs/api.md says what the interface does: every parameter, word, path and member, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from consumers.api import answers
from consumers.api.openapi import OPERATIONS
from consumers.api.parameters import NAMES, parameters
from consumers.status import status
from consumers.web import PROBES
from stream.report.choices import VALUES_PARAMETERS, apps, parse_values, values
from stream.report.query import ACTIVE_PARAMETERS, RETENTION_PARAMETERS, WORDS
from tests.stream.report.counted import (
    APP,
    answer_to,
    ask,
    ask_active,
    ask_compare,
    ask_crr,
    ask_feedback,
    ask_revenue,
    counted,
    install,
    purchase,
    session,
)

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


@pytest.mark.parametrize("title", ["Crr", "Revenue", "Compare", "Feedback"])
def test_the_parameters_and_words_of_every_other_question_are_those_of_the_code(title: str) -> None:
    path = f"/api/v1/{title.lower()}"
    table = section(title.upper() if title == "Crr" else title).split("    {")[0]
    told = {name for row in rows(table) for name in named(row)}
    assert told == set(NAMES[path])
    words = {one["name"]: one["schema"].get("enum") for one in parameters(path, ["country"])}
    for row in rows(table):
        for name in named(row):
            said = re.findall(r"`([a-z_]+)`", row.split("|")[2])
            if said and words[name] and name != "dimension":
                assert said == words[name], name


def test_every_path_is_in_the_list_of_paths() -> None:
    head = DOCS.split("\n## ")[0]
    assert {path for path in OPERATIONS if f"{path}`" not in head} == set()


def test_every_probe_is_told() -> None:
    assert [name for row in rows(section("Probes")) for name in named(row)] == list(PROBES)


async def test_the_examples_have_the_members_that_answers_have() -> None:
    store = await counted()
    asked = {"from_": "2026-11-22", "to": "2026-11-22"}
    assert shape(examples(section("Retention"))) == told(
        await ask(store, now="2026-11-23T10:00:00Z", **asked)
    )
    assert shape(examples(section("Active"))) == told({"rows": await ask_active(store, **asked)})
    assert shape(examples(section("Status"))) == shape(
        status({("sessions", 0): 60}, "log", {}, {}) | {"missing_topics": []}
    )


async def test_the_examples_of_the_other_answers_have_the_members_of_the_answers() -> None:
    store = await counted(
        install("anna", "2026-11-20", variant="old"), session("anna", "2026-11-21"), purchase("anna", "2026-11-20"),
        install("bo", "2026-11-20", variant="new"), answer_to("nps", "bo", "2026-11-20", 9),
    )  # fmt: skip
    asked = {"from_": "2026-11-20", "to": "2026-11-20"}
    assert shape(examples(section("CRR"))) == told(await ask_crr(store, **asked))
    assert shape(examples(section("Revenue"))) == told(await ask_revenue(store, periods="1", **asked))
    compared = await ask_compare(store, a="old", b="new", day="1", **asked)
    assert shape(examples(section("Compare"))) == told(compared)
    assert shape(examples(section("Feedback"))) == told(await ask_feedback(store, **asked))
    assert set(examples(section("Users"))) == set(answers.RECEIPT["required"])


async def test_the_examples_of_what_can_be_asked_about_have_the_members_of_the_answers() -> None:
    store = await counted(install("anna", "2026-11-20", country="VN"))
    of_apps, of_values = section("Choices").split("`GET /api/v1/values")
    assert shape(examples(of_apps)["apps"]) == shape(await apps(store))
    asked = parse_values({"app": APP, "dimension": "country"})
    assert shape(examples(of_values)) == told(await values(store, asked))
    for name in VALUES_PARAMETERS:
        assert re.search(rf"[?&`]{name}\b", of_values)


def told(answer: dict[str, Any]) -> Any:
    """The shape of an answer of the read model, as the interface gives it."""
    return shape(answer | {"known": True})


def shape(value: Any) -> Any:
    """The names and their order, lists by their first item."""
    if isinstance(value, dict):
        return [(name, shape(inside)) for name, inside in value.items()]
    return [shape(one) for one in value[:1]] if isinstance(value, list) else None
