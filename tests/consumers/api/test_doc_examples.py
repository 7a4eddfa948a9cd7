"""Every question that stands in the docs can be asked as it stands, and answers what its page says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from consumers import demo
from consumers.api.parameters import NAMES
from stream.report.presets import PRESETS
from tests.consumers.api.test_api import Place
from tests.stream.report.counted import APP, counted, event

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# A word in capitals stands for what the reader has.
PLACEHOLDERS = {
    "app=A": "app=demo",
    "a=X": "a=A",
    "b=Y": "b=B",
    "user_id=U": "user_id=anna",
    "dimension=D": "dimension=country",
}
PRODUCTS = ("Amplitude", "Mixpanel", "PostHog", "GA4 and Firebase", "AppsFlyer", "Adjust", "Countly")


def asked(page: Path) -> Iterable[str]:
    """The questions of a page, as they stand there."""
    yield from re.findall(r"/api/v1/[a-z]+\?[^\s'`\"|)]+", page.read_text())


QUESTIONS = sorted({(page.name, question) for page in PAGES for question in asked(page)})


def filled(question: str) -> str:
    for placeholder, word in PLACEHOLDERS.items():
        question = re.sub(rf"([?&]){placeholder}(?=&|$)", rf"\1{word}", question)
    return question


@pytest.mark.parametrize(("page", "question"), QUESTIONS)
async def test_a_question_of_the_docs_is_answered(page: str, question: str) -> None:
    place = Place(await counted())
    async with place.client:
        if urlsplit(question).path == "/api/v1/users":
            response = await place.client.delete(filled(question))
            assert response.status == 403, "nobody may, where no key is set"
        else:
            await place.get(filled(question))


def test_every_path_has_a_question_in_its_section_and_every_product_one_of_its_own() -> None:
    api = {urlsplit(question).path for page, question in QUESTIONS if page == "api.md"}
    assert set(NAMES) <= api
    text = (ROOT / "docs" / "definitions.md").read_text()
    parts = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    for product in PRODUCTS:
        assert "/api/v1/retention?" in parts[product]
        assert "**Not matched:**" in parts[product]
    named = {
        match
        for question in asked(ROOT / "docs" / "definitions.md")
        for match in re.findall(r"preset=(\w+)", question)
    }
    assert named == set(PRESETS)


def test_values_that_are_compared_in_the_docs_are_those_of_the_demo() -> None:
    known = {
        "variant": {name for name, _ in demo.VARIANTS},
        "country": {name for name, _ in demo.COUNTRIES},
    }
    compared = 0
    for _, question in QUESTIONS:
        url = urlsplit(filled(question))
        words = dict(parse_qsl(url.query))
        if url.path == "/api/v1/compare" and "app" in words:
            values = words["variants"].split(",") if "variants" in words else [words["a"], words["b"]]
            assert {*values} <= known[words.get("dimension", "variant")], question
            compared += 1
    assert compared > 2


async def test_a_day_is_what_each_product_says_it_is() -> None:
    """AppsFlyer's and Adjust's own examples: dates for the one, 24 hours for the other."""
    store = await counted(
        event("installs", "flyer", "2026-02-01T22:44:00Z"),
        event("sessions", "flyer", "2026-02-02T01:12:00Z"),
        event("installs", "adjusted", "2026-02-03T17:00:00Z"),
        event("sessions", "adjusted", "2026-02-04T16:59:00Z"),
        event("sessions", "adjusted", "2026-02-04T17:00:00Z", event_id="next"),
    )
    place = Place(store)
    async with place.client:
        back = {}
        for preset in ("appsflyer", "adjust", "amplitude"):
            question = f"/api/v1/retention?app={APP}&from=2026-02-01&to=2026-02-03&periods=1&preset={preset}"
            rows: list[dict[str, Any]] = (await place.get(question))["rows"]
            back[preset] = [rows[0]["cells"][1]["users"], rows[2]["cells"][1]["users"]]
    assert back == {"appsflyer": [1, 1], "adjust": [0, 1], "amplitude": [0, 1]}
