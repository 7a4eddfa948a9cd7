"""What does one parameter say? Its text, checked, as a value; a wrong one is told what to change.

Every report has its own set of parameters; how each of them is written is the same everywhere and stands here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from stream.events.schema import APP_ID

CELLS_MAX = 100_000
LIMIT_DEFAULT, LIMIT_MAX = 10, 1_000
CONDITIONS_MAX = 32

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CLOCK = r"\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
_MOMENT = re.compile(_DATE.pattern + "[Tt ]" + _CLOCK + r"([Zz]|[+ -]\d{2}:?\d{2})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Room for zones and windows at both ends of the calendar that Python knows.
_FIRST_DAY, _LAST_DAY = date(2, 1, 1).toordinal(), date(9998, 12, 31).toordinal()

Where = tuple[tuple[str, str], ...]


class QueryError(ValueError):
    """A question that cannot be answered; the text says what to change."""

    @property
    def detail(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Asked:
    """What every report is asked by: first and last day, as_of as a moment or as a local date; or None."""

    app: str
    first: int | None = None
    last: int | None = None
    as_of_ms: int | None = None
    as_of_day: int | None = None


def moment_text(ms: int) -> str:
    """A moment as answers show it: UTC, `Z`, a fraction only where there is one."""
    moment = (_EPOCH + timedelta(milliseconds=ms)).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if ms % 1000 else "seconds") + "Z"


def asked_of(given: Mapping[str, str], allowed: Sequence[str]) -> dict[str, Any]:
    """The fields of `Asked`; refuses parameters that are not `allowed`."""
    for name in given:
        if name not in allowed:
            raise QueryError(f"there is no parameter {name!r} here; the parameters are {', '.join(allowed)}")
    app = given.get("app", "")
    if not app:
        raise QueryError("app is missing: say which app, as in ?app=demo")
    if not APP_ID.fullmatch(app):
        raise QueryError(f"app={app!r} is no app id: lower-case letters, digits, '_' and '-', at most 64")
    first, last = day_of(given, "from"), day_of(given, "to")
    if first is not None and last is not None and first > last:
        raise QueryError(f"from={given['from']} is after to={given['to']}; swap them")
    return {"app": app, "first": first, "last": last} | _as_of(given.get("as_of"))


def word_of(given: Mapping[str, str], name: str, words: Sequence[str], default: str | None = None) -> str:
    """One of some words; the first of them where none is given, or the default."""
    word = given.get(name, default or words[0])
    if word not in words:
        raise QueryError(f"{name}={word!r} is unknown; choose one of {', '.join(words)}")
    return word


def number_of(given: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """A whole number, None where none is given."""
    text = given.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or not least <= int(text) <= most:
        why = f"; an answer holds at most {CELLS_MAX:,} cells" if name == "periods" else ""
        raise QueryError(f"{name}={text!r} must be a whole number from {least} to {most}{why}")
    return int(text)


def day_of(given: Mapping[str, str], name: str) -> int | None:
    """A date as an ordinal, None where none is given."""
    text = given.get(name)
    return None if text is None else _date(name, text)


def _date(name: str, text: str) -> int:
    try:
        day = date.fromisoformat(text).toordinal() if _DATE.fullmatch(text) else 0
    except ValueError:
        day = 0
    if day and not _FIRST_DAY <= day <= _LAST_DAY:
        raise QueryError(f"{name}={text!r} is not between the years 2 and 9998")
    if not day:
        raise QueryError(f"{name}={text!r} is no date; write it like 2026-11-20")
    return day


def _as_of(text: str | None) -> dict[str, int | None]:
    if text is None:
        return {}
    if _DATE.fullmatch(text):
        return {"as_of_day": _date("as_of", text)}
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        # A plus that nobody percent-encoded arrives as a space.
        moment = datetime.fromisoformat((text[:11] + text[11:].replace(" ", "+")).upper())
        ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise QueryError(
            f"as_of={text!r} is no time; write RFC 3339 with an offset like 2026-11-23T10:00:00Z, or a date"
        ) from None
    if not _FIRST_DAY <= moment.toordinal() <= _LAST_DAY:
        raise QueryError(f"as_of={text!r} is too far away; years 2 to 9998 are possible")
    return {"as_of_ms": ms}


def where_of(text: str | None, dimensions: Sequence[str] | None) -> Where:
    """The conditions of `where`, as a sorted set; `dimensions` are the names it may use, None allows any."""
    if text is None:
        return ()
    conditions = text.split(",")
    if len(conditions) > CONDITIONS_MAX:
        raise QueryError(f"where has {len(conditions)} conditions; at most {CONDITIONS_MAX} are possible")
    return tuple(sorted({_condition(part, dimensions) for part in conditions}))


def _condition(part: str, dimensions: Sequence[str] | None) -> tuple[str, str]:
    name, colon, value = part.partition(":")
    if not colon or not name or not value:
        raise QueryError(
            f"where={part!r} is not name:value; separate conditions by ',' and write ',' ':' '%' inside "
            "a value as %2C %3A %25 (percent-encoded once more in the URL)"
        )
    check_dimension("where", unquote(name), dimensions)
    try:
        return unquote(name), unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise QueryError(f"where={part!r}: the percent-encoded bytes of the value are not UTF-8") from None


def check_dimension(parameter: str, name: str, dimensions: Sequence[str] | None) -> None:
    """Raises QueryError for a name that is no dimension."""
    if dimensions is not None and name not in dimensions:
        raise QueryError(
            f"{parameter}: there is no dimension {name!r}; the dimensions are {', '.join(dimensions)}"
        )
    if not name:
        raise QueryError(f"{parameter} names no dimension")
