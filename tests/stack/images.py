"""Which programs of this machine stand for the images, and what do they find where the image would have it?

Versions differ (Debian's Prometheus and Alertmanager are older than those of the file, Python is the one of the tests); what is
started, with which arguments, files, user and rights, is what docker-compose.yml says.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from consumers.local.servers import Missing, store_binary
from tests.servers import kafka_libraries, missing
from tests.stack.composed import ROOT, Mount

_HERE = Path(__file__).parent
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """What `docker run` would know of an image."""

    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    workdir: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    mounts: list[Mount] = field(default_factory=list)
    owned: list[str] = field(default_factory=list)  # folders that belong to the user of the image
    user: str = "0:0"


class NotHere(Exception):
    """No program of this machine can stand for the image."""


def image(repository: str, scratch: Path) -> Image:
    """The stand-in of an image; `scratch` is a folder of its own. NotHere for those that have none."""
    makers = {
        "retention-tracker": _ours,
        "apache/kafka": _kafka,
        "valkey/valkey": _valkey,
        "prom/prometheus": _prometheus,
        "prom/alertmanager": _alertmanager,
    }
    if repository not in makers:
        raise NotHere(repository)
    return makers[repository](scratch)


def _ours(scratch: Path) -> Image:
    """As the Dockerfile says in its last stage, with the packages of this environment instead of those of the lock."""
    said = last_stage((ROOT / "Dockerfile").read_text())
    environment = dict(pair.split("=", 1) for pair in shlex.split(said.get("ENV", "")))
    environment["PATH"] = environment["PATH"].replace("$PATH", _PATH)
    return Image(
        entrypoint=json.loads(said["ENTRYPOINT"]),
        command=json.loads(said["CMD"]),
        workdir=said["WORKDIR"],
        environment=environment,
        mounts=[_see(ROOT), _see(Path(sys.base_prefix)), _lay(Path(sys.prefix), "/opt/retention")],
        user=said["USER"],
    )


def last_stage(text: str) -> dict[str, str]:
    """The last word of each instruction in the last stage of a Dockerfile."""
    stage = re.split(r"^FROM ", text, flags=re.MULTILINE)[-1].replace("\\\n", " ")
    return dict(re.findall(r"^([A-Z]+) (.+)$", stage, re.MULTILINE))


def _kafka(scratch: Path) -> Image:
    # The settings go the image's own way: Kafka brings the class that makes server.properties of KAFKA_... variables.
    for folder in ("config", "logs"):
        (scratch / folder).mkdir()
        (scratch / folder).chmod(0o777)
    return Image(
        environment={"PATH": _PATH},
        mounts=[
            _lay(kafka_libraries(), "/opt/kafka/libs"),
            Mount("bind", str(scratch / "config"), "/opt/kafka/config", False),
            Mount("bind", str(scratch / "logs"), "/opt/kafka/logs", False),
            _lay(_HERE / "kafka", "/etc/kafka/docker"),
        ],
        owned=["/var/lib/kafka/data"],
        user="1000:1000",
    )


def _valkey(scratch: Path) -> Image:
    try:
        server = store_binary()
    except Missing as error:
        missing(str(error))
    programs = [
        _lay(server, "/usr/local/bin/valkey-server"),
        _lay(_found("redis-cli"), "/usr/local/bin/valkey-cli"),
    ]
    return Image(environment={"PATH": _PATH}, mounts=programs, workdir="/data", owned=["/data"])


def _prometheus(scratch: Path) -> Image:
    programs = [_lay(_found(name), f"/bin/{name}") for name in ("prometheus", "promtool")]
    return Image(
        entrypoint=["/bin/prometheus"],
        environment={"PATH": _PATH},
        mounts=programs,
        workdir="/prometheus",
        owned=["/prometheus"],
        user="65534:65534",
    )


def _alertmanager(scratch: Path) -> Image:
    programs = [
        _lay(_found("prometheus-alertmanager"), "/bin/alertmanager"),
        _lay(_found("amtool"), "/bin/amtool"),
    ]
    return Image(
        entrypoint=["/bin/alertmanager"],
        environment={"PATH": _PATH},
        mounts=programs,
        workdir="/alertmanager",
        owned=["/alertmanager"],
        user="65534:65534",
    )


def _see(path: Path) -> Mount:
    return _lay(path, str(path))


def _lay(path: Path, target: str) -> Mount:
    return Mount("bind", str(path.resolve()), target, True)


def _found(program: str) -> Path:
    found = shutil.which(program)
    return Path(found) if found else missing(f"{program} is not here (.ci/run installs it)")
