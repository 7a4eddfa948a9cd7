"""The stack of docker-compose.yml, once for all tests of this folder, with two workers and with secrets of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.stack.composed import ROOT, Mount, Service, services
from tests.stack.running import Stack

SECRETS = ROOT / "secrets"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything runs and is healthy."""
    folder = tmp_path_factory.mktemp("stack")
    with Stack(with_secrets(services(), folder / "secrets"), folder) as one:
        one.up({"worker": 2})
        yield one


def with_secrets(every: dict[str, Service], folder: Path) -> dict[str, Service]:
    """The services with secrets that were made for this run, by the script that makes them for everybody."""
    folder.mkdir()
    shutil.copy(SECRETS / "generate.sh", folder)
    subprocess.run(["sh", "generate.sh"], cwd=folder, check=True, capture_output=True, timeout=10)

    def own(mount: Mount) -> Mount:
        path = Path(mount.source)
        return replace(mount, source=str(folder / path.name)) if path.parent == SECRETS else mount

    return {name: replace(one, mounts=[own(mount) for mount in one.mounts]) for name, one in every.items()}
