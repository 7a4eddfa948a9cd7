"""What does a worker write to its log? Assignments and trouble, and the same trouble not a thousand times."""

import logging
import re
import sys
import time
from collections.abc import Callable

REPEATS_MAX = 3
WINDOW_SECONDS = 30.0
KINDS_MAX = 1_000
# INFO of these says that services start and stop; their warnings are useful.
QUIET = ("faust", "mode", "aiokafka", "kafka")

_CHANGING = re.compile(r"0x[0-9a-f]+|\d+")


class FoldRepeats(logging.Filter):
    """Lets few lines of one kind through per window, and says with the next one how many were left out.

    Of one kind are lines of one logger that differ in numbers only. A broker that is away for 20 s is 1,500 lines otherwise.
    """

    def __init__(
        self,
        *,
        repeats_max: int = REPEATS_MAX,
        window_seconds: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._repeats_max = repeats_max
        self._window_seconds = window_seconds
        self._clock = clock
        self._seen: dict[
            tuple[str, str], tuple[float, int]
        ] = {}  # kind -> (begin of the window, lines in it)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.levelno <= logging.INFO and str(record.msg).startswith("[^"):
            return False  # mode names its services so, also under loggers of ours: they start and stop
        if record.name.startswith(QUIET) and record.levelno >= logging.ERROR:
            if "Crashed reason" in str(record.msg):
                return (
                    False  # mode says it for every service up to the root; the worker says once why it ends
                )
            record.exc_info = record.exc_text = None  # a lost connection is no bug, its stack says nothing
            record.levelno, record.levelname = (
                logging.WARNING,
                "WARNING",
            )  # they try again; what ends us we say
        kind = record.name, _CHANGING.sub("#", str(record.msg))
        now = self._clock()
        began, lines = self._seen.get(kind, (now, 0))
        if now - began >= self._window_seconds:
            left_out, began, lines = lines - self._repeats_max, now, 0
            if left_out > 0:
                record.msg = f"{record.msg} (and {left_out} more like this)"
        if len(self._seen) >= KINDS_MAX:
            self._seen.clear()
        self._seen[kind] = began, lines + 1
        return lines < self._repeats_max


def set_up(level: str) -> None:
    """Logs to standard error, folded. Keeps the handlers that are there."""
    if not logging.root.handlers:
        logging.basicConfig(
            level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
    for handler in logging.root.handlers:
        if not any(isinstance(one, FoldRepeats) for one in handler.filters):
            handler.addFilter(FoldRepeats())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
