"""The live page as it is served: its bytes, its headers, and nothing else from the disk."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from consumers.api.app import Api
from consumers.api.assets import INDEX, SECURITY, TYPES, assets
from consumers.settings import Settings
from stream.report.query import WORDS
from stream.store.memory import MemoryStore

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "consumers" / "api" / "page"
FILES = sorted(path for path in PAGE.rglob("*") if path.is_file())
OURS = [path for path in FILES if path.parent == PAGE]
LINES_MAX = 250


@pytest.fixture
async def client() -> AsyncIterator[TestClient[Any, Any]]:
    async def no_kafka() -> Any:
        raise AssertionError("the page needs no Kafka")

    api = Api(Settings(), MemoryStore(), no_kafka, now_ms=lambda: 0)
    async with TestClient(TestServer(api.application(lambda: b""))) as client:
        yield client


async def test_the_page_is_at_the_root_and_its_files_are_as_on_disk(client: TestClient[Any, Any]) -> None:
    response = await client.get("/")
    assert (response.status, await response.read()) == (200, (PAGE / INDEX).read_bytes())
    for name in assets():
        response = await client.get(f"/page/{name}")
        assert (response.status, await response.read()) == (200, (PAGE / name).read_bytes())
        assert response.headers["Content-Type"] == TYPES[Path(name).suffix]


async def test_everything_of_the_page_has_the_headers_that_keep_it_to_itself(
    client: TestClient[Any, Any],
) -> None:
    for path in ("/", "/page/main.js", "/page/base.css"):
        response = await client.get(path)
        assert {name: response.headers[name] for name in SECURITY} == SECURITY
        assert response.headers["Cache-Control"] == "no-cache"
    policy = SECURITY["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


async def test_what_the_browser_has_is_not_sent_again(client: TestClient[Any, Any]) -> None:
    tag = (await client.get("/page/main.js")).headers["ETag"]
    for said in (tag, f"W/{tag}", f'"another", {tag}'):
        response = await client.get("/page/main.js", headers={"If-None-Match": said})
        assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", tag)
    assert (await client.get("/page/main.js", headers={"If-None-Match": '"another"'})).status == 200


async def test_a_head_says_what_a_get_would(client: TestClient[Any, Any]) -> None:
    for path in ("/", "/page/main.js"):
        get, head = await client.get(path), await client.head(path)
        assert (head.status, await head.read()) == (200, b"")
        for name in ("Content-Type", "ETag", "Content-Security-Policy", "Content-Length"):
            assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "/page/",
        "/page/nothing.js",
        "/page/vendor",
        "/page/vendor/README.md",
        "/page/../app.py",
        "/page/..%2fapp.py",
        "/page/%2e%2e/app.py",
        "/page/vendor/..%2f..%2fapp.py",
        "/page/%2fetc%2fpasswd",
        "/page//etc/passwd",
        "/page/main.js%00.html",
        "/page/..\\app.py",
        "/page/%FF",
        "/index.html",
        "/favicon.ico",
    ],
)
async def test_what_is_no_file_of_the_page_is_not_found(client: TestClient[Any, Any], path: str) -> None:
    response = await client.get(URL(path, encoded=True))
    assert response.status == 404
    assert response.content_type == "application/problem+json"


async def test_the_page_cannot_be_written(client: TestClient[Any, Any]) -> None:
    assert (await client.post("/")).status == 405
    assert (await client.put("/page/main.js", data=b"")).status == 405


async def test_the_page_is_there_while_the_numbers_are_not() -> None:
    async def no_kafka() -> Any:
        raise AssertionError

    api = Api(Settings(), MemoryStore(), no_kafka, now_ms=lambda: 0)
    api.waiting = "waiting for Redis"
    async with TestClient(TestServer(api.application(lambda: b""))) as client:
        assert (await client.get("/")).status == 200
        assert (await client.get("/api/v1/apps")).status == 503


def test_every_file_that_the_page_names_is_served() -> None:
    served = set(assets())
    html = (PAGE / INDEX).read_text()
    named = set(re.findall(r'(?:src|href)="/page/([^"]+)"', html))
    for path in OURS:
        if path.suffix == ".js":
            named |= set(re.findall(r'from "\./([^"]+)"', path.read_text()))
    assert named | {INDEX} == served


def test_nothing_on_the_page_comes_from_elsewhere_and_nothing_makes_markup_of_data() -> None:
    for path in OURS:
        text = path.read_text()
        addresses = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, path.name
        sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc|style="
        assert not re.search(sinks, text), path.name


def test_the_files_of_the_page_are_short_and_open_with_the_question_they_answer() -> None:
    for path in OURS:
        lines = path.read_text().splitlines()
        assert len(lines) <= LINES_MAX, path.name
        if path.suffix in (".js", ".css"):
            assert "?" in " ".join(lines[:2]), path.name


class Controls(HTMLParser):
    """The words that each picker of the page offers."""

    def __init__(self) -> None:
        super().__init__()
        self.words: dict[str, list[str]] = {}
        self._name: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "select":
            self._name = given.get("data-param")
        elif tag == "option" and self._name:
            self.words.setdefault(self._name, []).append(given.get("value") or "")


def test_the_pickers_offer_the_words_of_the_interface() -> None:
    controls = Controls()
    controls.feed((PAGE / INDEX).read_text())
    for name, words in WORDS.items():
        none = {""} if name == "preset" else set()
        assert set(controls.words[name]) == {*words} | none, name


def test_the_docs_name_the_words_of_the_address_and_no_others() -> None:
    table = (PAGE / "state.js").read_text().split("DEFAULTS = Object.freeze({")[1].split("})")[0]
    words = re.findall(r"(\w+): \"", table)
    assert len(words) > 10
    docs = (ROOT / "docs" / "api.md").read_text().split("\n## Page\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in docs.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(words)


@pytest.mark.slow
def test_the_wheel_holds_the_whole_page(tmp_path: Path) -> None:
    source = tmp_path / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if name.split("/")[0] in ("consumers", "stream", "pyproject.toml", "README.md", "LICENSE"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    built = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(tmp_path),
        ".",
    ]
    subprocess.run(built, cwd=source, check=True, timeout=60)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        for path in FILES:
            assert packed.read(str(path.relative_to(ROOT))) == path.read_bytes()
