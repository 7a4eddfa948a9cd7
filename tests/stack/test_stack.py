"""What docker-compose.yml describes runs: in its order, under its users, with its files, and it counts."""

from __future__ import annotations

import json
import signal
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.stack.container import Container
from tests.stack.running import Stack
from tests.waiting import wait_until_now

pytestmark = pytest.mark.e2e
TERMINATED = 143  # 128 + SIGTERM


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_every_service_that_can_be_had_here_becomes_healthy(stack: Stack) -> None:
    assert set(stack.started) | set(stack.absent) | {"topics"} == set(stack.services)


def test_topics_are_there_before_anybody_needs_them(stack: Stack) -> None:
    assert stack.one("topics").code == 0
    assert "installs: 4 partitions, created" in stack.one("topics").tail()


def test_scaled_workers_share_the_partitions(stack: Stack) -> None:
    assert len(stack.running["worker"]) == 2

    def shared() -> bool:
        read = [
            {line for line in one.tail().split() if line.startswith("sessions[")}
            for one in stack.running["worker"]
        ]
        return all(read) and len(set.union(*read)) == 4

    wait_until_now(shared, 30, what="both workers read partitions")


def test_what_is_sent_is_counted(stack: Stack) -> None:
    sent_and_counted(stack, "before")


def sent_and_counted(stack: Stack, app: str) -> None:
    """Simulates installs of an app, and finds all of them once they are counted."""
    ran = stack.one("api").run(
        "retention", "simulate", "--app", app, "--users", "300", "--days", "7", "--wait"
    )
    assert ran.returncode == 0, ran.stderr
    sent = int(ran.stdout.split(" installs")[0].split()[-1].replace(",", ""))
    rows = get(f"{stack.url('api', 8080)}/api/v1/retention?app={app}")["rows"]
    assert sum(row["size"] for row in rows) == sent


def test_the_doctor_finds_nothing_wrong(stack: Stack) -> None:
    said = stack.one("worker").run("retention", "doctor")
    assert said.returncode == 0, said.stdout + said.stderr


def test_containers_have_no_rights_and_cannot_write(stack: Stack) -> None:
    for name, containers in stack.running.items():
        for one in containers:
            if one.code is not None:
                continue
            said = one.run(
                "sh", "-c", "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/1/status; touch /usr/x"
            )
            user, *rights = said.stdout.split("\n")
            assert user == stack.services[name].user.partition(":")[0], name
            assert [line.split()[1] for line in rights if line] == ["0" * 16, "0" * 16, "1"], name
            assert said.returncode != 0, f"{name} writes to its root"


def test_memory_stays_below_its_limits(stack: Stack) -> None:
    for name, containers in stack.running.items():
        for one in containers:
            if one.code is None:
                assert one.resident_bytes() < stack.services[name].memory_bytes, name


def test_a_container_dies_with_what_started_it(stack: Stack) -> None:
    container = slow(stack)
    first = psutil.Process(container.pid)
    container.let_go()
    wait_until_now(
        lambda: not first.is_running() or first.status() == psutil.STATUS_ZOMBIE, 10, what="it is gone"
    )


def slow(stack: Stack) -> Container:
    """A container that goes on for long, and has begun with what it does."""
    command = ["simulate", "--app", "slow", "--users", "5000", "--rate", "1"]
    container = stack.beside(replace(stack.services["topics"], name="slow", command=command))
    wait_until_now(lambda: catches(container, signal.SIGTERM), 20, what="it sees to the signal")
    return container


def test_a_command_that_is_the_first_process_of_a_container_ends_when_told_to(stack: Stack) -> None:
    assert slow(stack).stop() == TERMINATED


def catches(container: Container, number: signal.Signals) -> bool:
    """Whether the first process has a handler for the signal: without one Linux keeps the signal from it."""
    try:
        status = Path(f"/proc/{container.pid}/status").read_text()
    except LookupError:
        return False
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)
