"""What does a run of the stack put in place of the files beside docker-compose.yml? Secrets, a receiver of alerts, and its hurry.

Secrets are made by the script that makes them for everybody. The receivers of alertmanager.yml are empty as shipped, since nobody's
address can be known; here they are filled in as its comment says. With a hurry of 20 whatever only waits is 20 times as short: how
often Prometheus looks and rules are evaluated, how long an alert must hold, how long Alertmanager gathers. Thresholds, windows and
everything that looks at data stay; with a hurry of 1 the files are used as they are.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from tests.stack.composed import ROOT, Mount, Service
from tests.stack.receiver import URL

SECRETS, PROMETHEUS, ALERTMANAGER = (
    ROOT / "secrets",
    ROOT / "grafana/prometheus",
    ROOT / "grafana/alertmanager",
)
SHOP_KEY = "a-key-of-the-shop"
_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_WAITS = "for|group_wait|group_interval|scrape_interval|evaluation_interval|refresh_interval"
_WAIT = re.compile(rf"^(\s*(?:- )?(?:{_WAITS}): *)(\d+)(ms|s|m|h)\b", re.MULTILINE)
_EMPTY = re.compile(r"^  - name: (\S+)\n(?!    )", re.MULTILINE)


def own(services: dict[str, Service], folder: Path, hurry: float) -> dict[str, Service]:
    """The services with files of this run."""
    places = {
        SECRETS: _secrets(folder),
        ALERTMANAGER: _alertmanager(folder / "alertmanager", hurry),
    }
    if hurry != 1:
        places[PROMETHEUS] = _prometheus(folder / "prometheus", hurry)

    def placed(mount: Mount) -> Mount:
        source = Path(mount.source)
        for old, new in places.items():
            if source.is_relative_to(old):
                return replace(mount, source=str(new / source.relative_to(old)))
        return mount

    settings = {name: f"{seconds / hurry:g}" for name, seconds in _INTERVALS.items()} if hurry != 1 else {}
    return {
        name: replace(
            one,
            mounts=[placed(mount) for mount in one.mounts],
            environment=one.environment | (settings if one.repository == "retention-tracker" else {}),
        )
        for name, one in services.items()
    }


_INTERVALS = {"RETENTION_EXPORTER_REFRESH_SECONDS": 15.0}


def hurried(text: str, hurry: float) -> str:
    """A file of Prometheus or Alertmanager with every wait that much shorter, none below 50 ms."""

    def shorter(found: re.Match[str]) -> str:
        ms = int(float(found[2]) * _UNIT[found[3]] * 1000 / hurry)
        return f"{found[1]}{max(50, ms) if int(found[2]) else 0}ms"

    return _WAIT.sub(shorter, text)


def make_secrets(folder: Path) -> Path:
    """The secrets that `make secrets` makes, in a folder like this repository's; the folder they are in."""
    for needed in (SECRETS / "generate.sh", ROOT / "docs" / "redis-users.acl"):
        place = folder / needed.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(needed, place)
    subprocess.run(["sh", "generate.sh"], cwd=folder / "secrets", check=True, capture_output=True, timeout=10)
    return folder / "secrets"


def _secrets(folder: Path) -> Path:
    made = make_secrets(folder)
    with (made / "write-keys").open("a") as keys:
        keys.write(f"shop={SHOP_KEY}\n")
    return made


def _alertmanager(folder: Path, hurry: float) -> Path:
    folder.mkdir()
    text = (ALERTMANAGER / "alertmanager.yml").read_text()
    text, filled = _EMPTY.subn(
        rf"  - name: \1\n    webhook_configs: [{{url: '{URL}', send_resolved: true}}]\n", text + "\n"
    )
    assert filled, "receivers are empty as shipped"
    (folder / "alertmanager.yml").write_text(hurried(text, hurry) if hurry != 1 else text)
    return folder


def _prometheus(folder: Path, hurry: float) -> Path:
    shutil.copytree(PROMETHEUS, folder)
    for path in folder.rglob("*.yml"):
        path.write_text(hurried(path.read_text(), hurry))
    return folder
