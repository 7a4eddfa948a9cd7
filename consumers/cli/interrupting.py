"""How does a command end well that was interrupted in the middle of its work? It is told, and may finish what it has begun."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Inside of it the first SIGINT or SIGTERM calls `stop`; the next one ends the command at once, as outside.

    Gives a list that then holds the exit code: 130, as shells have it, or 143.
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    codes: list[int] = []

    def give_back() -> None:
        for number in SIGNALS:
            if loop.remove_signal_handler(number):
                signal.signal(number, before[number])

    def tell(number: int) -> None:
        codes.append(128 + number)
        give_back()
        stop()

    for number in SIGNALS:
        loop.add_signal_handler(number, tell, number)
    try:
        yield codes
    finally:
        give_back()
