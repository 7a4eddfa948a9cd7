"""On which local date, in which hour, in which period is a moment? Found by walking the zone minute by minute.

A slot is (local date, k), k = whole real hours since the first instant of that date; slots are compared as such pairs. A period is
named by its key: the first local date of it, for hours the UTC start of the slot in epoch milliseconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from tests.oracle_events import epoch_ms

Slot = tuple[date, int]
Key = date | int

DAY = timedelta(days=1)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
WEEK_STARTS = {"monday": 0, "sunday": 6}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=100_000)
def local_date(zone: str, ms: int) -> date:
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(zone)).date()


@cache
def day_start_ms(zone: str, day: date) -> int:
    """The first instant of a local date, found by walking minute by minute."""
    minute = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    while minute.astimezone(ZoneInfo(zone)).date() < day:
        minute += timedelta(minutes=1)
    return (minute - _EPOCH) // timedelta(milliseconds=1)


def slot_of(zone: str, ms: int) -> Slot:
    day = local_date(zone, ms)
    return day, (ms - day_start_ms(zone, day)) // HOUR_MS


def slot_start_ms(zone: str, slot: Slot) -> int:
    return day_start_ms(zone, slot[0]) + slot[1] * HOUR_MS


@cache
def hours_of_day(zone: str, day: date) -> tuple[int, ...]:
    """The UTC starts of all slots of a local date, one that comes back after the next date began among them."""
    start = day_start_ms(zone, day)
    minutes = (start + i * MINUTE_MS for i in range(27 * 60))
    return tuple(
        sorted({start + slot_of(zone, ms)[1] * HOUR_MS for ms in minutes if local_date(zone, ms) == day})
    )


def begin(period: str, day: date, week_start: str = "monday") -> date:
    """The first date of the day, week or month that a date lies in."""
    match period:
        case "week":
            while day.weekday() != WEEK_STARTS[week_start]:
                day -= DAY
        case "month":
            day = day.replace(day=1)
    return day


def after(period: str, start: date, periods: int = 1) -> date:
    """The first date of the day, week or month that comes so many periods after the one that begins on `start`."""
    for _ in range(periods):
        match period:
            case "day":
                start += DAY
            case "week":
                start += 7 * DAY
            case "month":
                start = (start + 31 * DAY).replace(day=1)
    return start


def key_of(zone: str, period: str, slot: Slot, week_start: str = "monday") -> Key:
    """The period that a slot lies in."""
    return slot_start_ms(zone, slot) if period == "hour" else begin(period, slot[0], week_start)


def periods_between(zone: str, period: str, start: Slot, slot: Slot, week_start: str = "monday") -> int:
    """The period of a slot minus the period of the start; for hours the real hours from slot start to slot start."""
    if period == "hour":
        return (slot_start_ms(zone, slot) - slot_start_ms(zone, start)) // HOUR_MS
    one, other = (begin(period, day, week_start) for day, _ in (start, slot))
    match period:
        case "week":
            return (other - one).days // 7
        case "month":
            return (other.year - one.year) * 12 + other.month - one.month
    return (other - one).days


def key_start_ms(zone: str, period: str, key: Key, periods: int = 0) -> int:
    """The first instant of the period that comes so many periods after this one."""
    if isinstance(key, int):
        return key + periods * HOUR_MS
    return day_start_ms(zone, after(period, key, periods))


def key_text(key: Key) -> str:
    """A cohort as answers name it."""
    if isinstance(key, int):
        return (_EPOCH + timedelta(milliseconds=key)).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    return key.isoformat()


def moment_ms(zone: str, text: str) -> int:
    """The moment that `as_of` names; a date alone is its first instant."""
    return epoch_ms(text) if "T" in text else day_start_ms(zone, date.fromisoformat(text))
