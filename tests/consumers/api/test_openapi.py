"""The interface does what its description says: schemathesis asks everything that may be asked, and some that may not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from consumers.api.app import Api
from consumers.api.openapi import OPERATIONS
from consumers.api.parameters import NAMES, parameters
from consumers.settings import Settings
from stream.store.memory import MemoryStore
from tests.consumers.api.served import served
from tests.consumers.api.test_api import FakeKafka
from tests.stream.report.counted import APP, answer_to, install, purchase, session

EXAMPLES = 15
PAGE = {"/", "/page/{name}"}  # for people; what it shows comes from the paths that are described
RANGE = {"app": APP, "from": "2026-11-10", "to": "2026-11-20"}
SERVED = [
    path
    for path in OPERATIONS
    if path
    in {
        route.resource.canonical
        for route in Api(Settings(), MemoryStore(), FakeKafka().open, lambda: 0)
        .application(lambda: b"")
        .router.routes()
        if route.resource
    }
]


def small_history() -> list[Any]:
    """Twenty users over ten days, all kinds of events."""
    rng, first, records = random.Random(7), date(2026, 11, 10), []
    for i in range(20):
        user, start = f"user {i}", rng.randrange(8)
        days = [(first + timedelta(days=start + n)).isoformat() for n in range(5)]
        records.append(install(user, days[0], country=rng.choice(["VN", "US"]), variant=rng.choice("AB")))
        records += [session(user, day) for day in days if rng.random() < 0.6]
        records += [purchase(user, day) for day in days if rng.random() < 0.2]
        records += [
            answer_to("nps", user, days[1], rng.randrange(11)),
            answer_to("csat", user, days[2], rng.randrange(1, 6)),
        ]
    return records


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An API over a small filled store."""
    with served(small_history()) as url:
        yield url


@pytest.fixture(scope="module")
def described(url: str) -> Any:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


def test_the_description_is_valid(described: Any) -> None:
    OpenAPIV31SpecValidator(described.raw_schema).validate()


def test_everything_that_is_served_is_described(described: Any) -> None:
    routes = (
        Api(Settings(), MemoryStore(), FakeKafka().open, lambda: 0).application(lambda: b"").router.routes()
    )
    found = {route.resource.canonical for route in routes if route.resource}
    assert set(described.raw_schema["paths"]) == found - PAGE


def test_every_parameter_is_described_where_it_is_taken() -> None:
    for path, names in NAMES.items():
        found = parameters(path, ["country"])
        assert [one["name"] for one in found] == list(names)
        assert all(one["description"].endswith(".") for one in found)


def ask(operation: Any, mode: GenerationMode, **given_: Any) -> None:
    """Asks many times; each answer must have a status, a type and members that the description has."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(mode, **given_))
    def once(case: Any) -> None:
        # What fits the description may still be refused: from after to, too many cells, words that do not go together.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    once()


@pytest.mark.slow
@pytest.mark.parametrize("path", SERVED)
def test_what_may_be_asked_is_answered_as_described(described: Any, path: str) -> None:
    ask(
        described[path][OPERATIONS[path].method.upper()],
        GenerationMode.POSITIVE,
        query=RANGE if path in NAMES else None,
    )


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in SERVED if path in NAMES])
def test_what_may_not_be_asked_is_refused_as_described(described: Any, path: str) -> None:
    ask(described[path][OPERATIONS[path].method.upper()], GenerationMode.NEGATIVE)
