"""What was logged? Line by line, also where a command of another test has set logging up to fold what repeats."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def logged(name: str) -> Iterator[list[str]]:
    """The lines that this logger gets inside, from level INFO."""
    lines: list[str] = []
    logger = logging.getLogger(name)
    before, handler = logger.level, logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
