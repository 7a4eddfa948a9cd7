"""How does a role live? Until it is told to end, or finds that it cannot go on, which it says in one line."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from consumers.web import CannotListen
from stream.store.protocol import IdentityMismatch, StoreRefused

FAILED = 1


def live(life: Coroutine[Any, Any, int | None]) -> int:
    """The whole of it. Gives the exit code of the process: that of the life, 0 where it has none."""
    try:
        return asyncio.run(life) or 0
    except (CannotListen, IdentityMismatch, StoreRefused) as error:
        print(error, file=sys.stderr)
        return FAILED


def told_to_end() -> asyncio.Event:
    """Is set by SIGINT and SIGTERM, from now on."""
    told = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, told.set)
    return told


async def until(told: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Works until told, or until the work has ended; nothing of it goes on afterwards. Raises what the work raises."""
    stop, working = asyncio.create_task(told.wait()), asyncio.create_task(work)
    try:
        await asyncio.wait({stop, working}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (stop, working):
            task.cancel()
        await asyncio.gather(stop, working, return_exceptions=True)
