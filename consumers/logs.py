"""What does a process write to its log? One line for what people act upon, and the same trouble not a thousand times.

The only place that knows structlog: whatever is logged through the standard library, by us or by Faust and aiokafka, leaves through
it, as text or as JSON (RETENTION_LOG_FORMAT).
"""

import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from consumers.setting_values import MASK
from consumers.settings import Settings

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
        # Of each kind the begin of its window, and the lines in it.
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.levelno <= logging.INFO and str(record.msg).startswith("[^"):
            return False  # mode names its services so, also under loggers of ours: they start and stop
        if record.name.startswith(QUIET) and record.levelno >= logging.ERROR:
            # mode says it for every service up to the root; the worker says once why it ends.
            if "Crashed reason" in str(record.msg):
                return False
            # A lost connection is no bug, its stack says nothing. They try again; what ends us we say.
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
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


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, told from those of others."""


def set_up(settings: Settings, *, clients: int = logging.WARNING) -> None:
    """Logs to standard error as the settings say: format, level, folded, with what is known of the batch or the request.

    What libraries log goes the same way; handlers of others stay. `clients` is the level of the libraries that talk to Kafka.
    """
    handler = _Handler(sys.stderr)
    handler.setFormatter(_formatter(settings))
    root = logging.getLogger()
    root.handlers = [one for one in root.handlers if not isinstance(one, _Handler)] + [handler]
    root.setLevel(settings.log_level.upper())
    for one in root.handlers:
        if not any(isinstance(each, FoldRepeats) for each in one.filters):
            one.addFilter(FoldRepeats())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if settings.log_level == "debug" else clients)


def about(**known: Any) -> AbstractContextManager[None]:
    """Every line that is logged inside carries these: of a batch topic, partition, first, next and events; of a request its id.

    Never ids of users, bodies or keys.
    """
    return structlog.contextvars.bound_contextvars(**known)


def _formatter(settings: Settings) -> logging.Formatter:
    is_json = settings.log_format == "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _Masking(settings.secrets()),
            structlog.processors.JSONRenderer(ensure_ascii=False) if is_json else _line,
        ],
    )


def _line(_: Any, __: str, line: MutableMapping[str, Any]) -> str:
    """One line for people: time, level, logger, what happened, and what is known besides; then the stack, if there is one."""
    when, level, logger = line.pop("timestamp"), line.pop("level").upper(), line.pop("logger")
    event, stack = line.pop("event"), line.pop("exception", "")
    known = "".join(f" {name}={value}" for name, value in sorted(line.items()))
    return f"{when} {level} {logger}: {event}{known}" + (f"\n{stack}" if stack else "")


class _Masking:
    """The last door: no secret of the settings gets into a log, whatever an error says."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)

    def __call__(self, _: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in line.items():
            if isinstance(value, str):
                for secret in self._secrets:
                    value = value.replace(secret, MASK)
                line[name] = value
        return line
