"""Until when does a role live, and what does it leave behind? Here with lives that are shorter than those of roles."""

import asyncio
import os
import signal

import pytest

from consumers.life import FAILED, live, told_to_end, until
from consumers.web import CannotListen
from stream.store.protocol import IdentityMismatch, StoreRefused


class Work:
    """Goes on until somebody ends it."""

    ended = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_and_the_exit_code_is_0(number: signal.Signals) -> None:
    work = Work()

    async def life() -> None:
        told = told_to_end()
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        await until(told, work.run())

    assert live(life()) == 0
    assert work.ended


async def test_work_that_ends_by_itself_ends_the_life() -> None:
    await until(asyncio.Event(), asyncio.sleep(0))
    assert len(asyncio.all_tasks()) == 1, "nobody waits for the signal any more"


async def test_work_that_is_told_to_end_has_ended_when_the_life_goes_on() -> None:
    work, told = Work(), asyncio.Event()
    asyncio.get_running_loop().call_soon(told.set)
    await until(told, work.run())
    assert work.ended


async def test_work_that_fails_fails_the_life() -> None:
    async def fails() -> None:
        raise StoreRefused("no")

    with pytest.raises(StoreRefused):
        await until(asyncio.Event(), fails())


@pytest.mark.parametrize("kind", [CannotListen, IdentityMismatch, StoreRefused])
def test_what_people_can_mend_is_one_line_and_exit_code_1(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    async def life() -> None:
        raise kind("this and that")

    assert live(life()) == FAILED
    assert capsys.readouterr().err == "this and that\n"


def test_what_is_a_bug_comes_with_its_stack() -> None:
    async def life() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        live(life())


def test_a_life_may_say_its_exit_code() -> None:
    async def life() -> int:
        return 3

    assert live(life()) == 3
