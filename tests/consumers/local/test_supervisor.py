"""Rules of supervised processes, with small programs in their place."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from consumers.local.supervisor import LOOP_ENDS, Role, tied
from tests.waiting import wait_until, wait_until_now

SLEEP = "import time; time.sleep(600)"
Make = Callable[..., Role]


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
async def make(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    monkeypatch.setattr("consumers.local.supervisor.BACKOFF_SECONDS", (0.01,))
    roles: list[Role] = []

    def role(code: str, **more: object) -> Role:
        log = tmp_path / f"{len(roles)}.log"
        log.touch()
        roles.append(Role("it", lambda: python(code), env={}, log=log, say=said.append, **more))  # type: ignore[arg-type]
        roles[-1].start()
        return roles[-1]

    yield role
    for one in roles:
        await one.stop(1)


async def test_a_program_that_ends_is_started_again_and_the_reason_is_said(
    make: Make, said: list[str]
) -> None:
    role = make("import sys; print('no such zone'); sys.exit(3)")
    await wait_until(lambda: role.ends >= 2)
    assert said[0].startswith("it ended (exit 3): no such zone; starting it again in ")


async def test_a_program_that_is_killed_is_started_again(make: Make, said: list[str]) -> None:
    role = make(SLEEP)
    await wait_until(lambda: role.up)
    first = role.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await wait_until(lambda: role.up and role.pid not in (None, first))
    assert "killed by SIGKILL" in said[0]


async def test_a_crash_loop_is_said_once_for_so_many_ends(make: Make, said: list[str]) -> None:
    role = make("raise SystemExit(1)")
    await wait_until(lambda: role.ends >= LOOP_ENDS)
    assert [text for text in said if "keeps ending" in text][:1] == [
        f"it keeps ending, {LOOP_ENDS} times in 60 s: see {role.log}"
    ]


async def test_the_last_error_of_the_log_is_the_reason(make: Make) -> None:
    role = make(
        "print('12:00 ERROR x: the disk is full'); print('12:00 INFO x: stopped'); raise SystemExit(1)"
    )
    await wait_until(lambda: role.ends)
    assert role.last_words() == "12:00 ERROR x: the disk is full"


async def test_the_head_of_a_log_line_is_no_part_of_the_reason(make: Make) -> None:
    line = "2026-11-26T10:00:00.123456Z ERROR consumers.ingest.worker: ending: WentBack: the store fell back"
    role = make(f"print({line!r}); raise SystemExit(1)")
    await wait_until(lambda: role.ends)
    assert role.last_words() == "ending: WentBack: the store fell back"


async def test_a_role_is_up_only_when_its_check_has_passed(make: Make) -> None:
    passed = asyncio.Event()

    async def check() -> None:
        await passed.wait()

    role = make(SLEEP, started=check)
    await wait_until(lambda: role.pid)
    assert not role.up
    passed.set()
    await wait_until(lambda: role.up)


async def test_a_role_whose_check_fails_is_started_again(make: Make, said: list[str]) -> None:
    async def check() -> None:
        if role.ends == 0:
            raise OSError("no topics")

    role = make(SLEEP, started=check)
    await wait_until(lambda: role.up)
    assert role.ends == 1
    assert said[0] == "it does not get ready: no topics"


async def test_stop_asks_first_and_kills_what_does_not_listen(make: Make) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    role = make(deaf)
    await wait_until(lambda: role.log.read_text())
    pid = role.pid
    await role.stop(0.1)
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_stop_takes_grandchildren_along(make: Make) -> None:
    child = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-S', '-c', {SLEEP!r}])\n"
        "print(p.pid, flush=True); p.wait()"
    )
    role = make(child)
    pid = int(await wait_until(lambda: role.log.read_text().strip()))
    await role.stop(1)
    await wait_until(lambda: not psutil.pid_exists(pid))


async def test_a_stopped_role_is_not_restarted(make: Make) -> None:
    role = make(SLEEP)
    await wait_until(lambda: role.pid)
    await role.stop(1)
    await role.restart()
    assert role.pid is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_child_dies_with_its_parent_even_when_that_is_killed() -> None:
    code = (
        "import subprocess, sys; from consumers.local.supervisor import tied\n"
        f"p = subprocess.Popen(tied([sys.executable, '-S', '-c', {SLEEP!r}])); print(p.pid, flush=True); p.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        wait_until_now(lambda: SLEEP in child.cmdline())
        parent.kill()
    wait_until_now(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_child_whose_parent_died_first_does_not_start() -> None:
    command = tied(python("print('started')"))
    command[4] = "1"  # a parent that is not ours
    ended = subprocess.run(command, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")


async def test_the_log_is_not_blamed_for_a_signal(make: Make, said: list[str]) -> None:
    role = make(f"print('ERROR old: unrelated', flush=True); {SLEEP}")
    await wait_until(lambda: role.log.read_text())
    assert role.pid is not None
    os.kill(role.pid, signal.SIGKILL)
    await wait_until(lambda: said)
    assert said[0].startswith("it ended (killed by SIGKILL); starting it again in ")
    assert role.last_words() == "killed by SIGKILL"


async def test_the_same_reason_is_repeated_once(make: Make, said: list[str]) -> None:
    role = make("raise SystemExit('another secret')")
    await wait_until(lambda: role.ends >= LOOP_ENDS)
    assert sum("another secret" in text for text in said) == 1
    assert sum("for the same reason" in text for text in said) == 1
