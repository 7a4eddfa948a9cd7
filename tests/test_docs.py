"""The docs say what the code says."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from consumers.settings import Settings
from stream.events.decode import Decoder
from stream.events.schema import EVENT_TOPICS, TOPICS, Event, Identity
from stream.retention.days import zone

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("*.md")]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "metrics.md", "reasons.md", "commands.md"])
def test_a_generated_page_is_as_the_code_has_it(name: str) -> None:
    text = (DOCS / name).read_text()
    assert text == generator().page(name, text), "run: python docs/generate.py"


def test_every_generated_page_is_tested() -> None:
    assert set(generator().PAGES) == {"settings.md", "metrics.md", "reasons.md", "commands.md"}


def test_the_page_of_events_names_every_topic_and_dimension() -> None:
    text = (DOCS / "events.md").read_text()
    for word in (*TOPICS, *TOPICS.values(), *Settings().dimensions):
        assert f"`{word}`" in text


def test_the_examples_of_events_are_events() -> None:
    block = re.search(r"```json\n(.*?)```", (DOCS / "events.md").read_text(), re.DOTALL)
    assert block is not None
    decoder = Decoder(zones=lambda app: zone("UTC"), secret=b"s" * 16, earliest_ms=0)
    for topic, line in zip(EVENT_TOPICS, block[1].splitlines(), strict=True):
        assert json.loads(line)["app_id"] == "shop"
        assert isinstance(decoder.decode(topic, line.encode(), 1_795_200_000_000), Event | Identity)


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page says behind its `#`."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^):]+)\)", page.read_text()):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
