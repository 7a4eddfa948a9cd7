"""Which local date and hour is a moment? Zones, days and slots.

A day is a proleptic ordinal (`date.toordinal`). A slot is `day * 25 + k`, where k counts whole real hours since the first
instant of that local date (0..24: a fall-back day has 25 hours, and 01:xx stands twice). Times are UTC epoch milliseconds.
Zone data comes from the pinned tzdata package and never from the machine, since it identifies the stored numbers.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import tzdata

SLOTS_PER_DAY = 25
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
TZDATA_VERSION: str = tzdata.IANA_VERSION

QUARTER_MS = 900_000
_CACHED_QUARTERS_MAX = 200_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=65_536)
def iso(day: int) -> str:
    """The ISO date of a day, as it stands in keys and answers."""
    return date.fromordinal(day).isoformat()


class Zone:
    """One time zone: from moments to days and slots, and back to the first instant of a day.

    slots   the slot of each quarter of an hour that lies in one slot, as far as it was asked for; see slot()
    """

    def __init__(self, name: str, info: ZoneInfo) -> None:
        self.name = name
        self._info = info
        self.slots: dict[int, int] = {}
        self._starts: dict[int, int] = {}
        self._windows: dict[tuple[int, int], tuple[int, int]] = {}

    def day(self, ms: int) -> int:
        """The local date of a moment, as an ordinal."""
        return (_EPOCH + timedelta(milliseconds=ms)).astimezone(self._info).toordinal()

    def slot(self, ms: int) -> int:
        """The slot of a moment.

        Offsets and transitions lie on quarters of an hour, but not always (St. John's changed at 00:01), so a quarter is
        remembered only when its first and last millisecond share the slot.
        """
        quarter = ms // QUARTER_MS
        known = self.slots.get(quarter)
        if known is not None:
            return known
        slot = self._slot(ms)
        first = quarter * QUARTER_MS
        if self._slot(first) == slot == self._slot(first + QUARTER_MS - 1):
            if len(self.slots) >= _CACHED_QUARTERS_MAX:
                self.slots.clear()
            self.slots[quarter] = slot
        return slot

    def _slot(self, ms: int) -> int:
        day = self.day(ms)
        # A few dates had 26 hours or more (Magadan 2014, Troll every October): the date is right, their last hours are one slot.
        return day * SLOTS_PER_DAY + min((ms - self.day_start_ms(day)) // HOUR_MS, SLOTS_PER_DAY - 1)

    def moment(self, local: datetime) -> int:
        """The moment at which the clocks of the zone show a naive local time: the first of two, after a skipped one."""
        aware = local.replace(tzinfo=self._info).astimezone(UTC)
        return (aware - _EPOCH) // timedelta(milliseconds=1)

    def slot_start_ms(self, slot: int) -> int:
        """The UTC start of a slot."""
        day = slot // SLOTS_PER_DAY
        start = self._starts.get(day)
        if start is None:
            start = self.day_start_ms(day)
        return start + (slot - day * SLOTS_PER_DAY) * HOUR_MS

    def slot_from(self, ms: int) -> int:
        """The first slot that starts at a moment or after it: whatever is smaller starts before."""
        slot = self.slot(ms)
        if self.slot_start_ms(slot) != ms:
            return slot + 1
        # Where a clock goes back over midnight, the last slot of a date starts with the first of the next; else it starts before.
        return slot - 1 if self.slot_start_ms(slot - 1) == ms else slot

    def window(self, start: int, number: int) -> tuple[int, int]:
        """The slots of the nth 24 hours after a slot, first <= slot < end; users share them, so they are remembered."""
        known = self._windows.get((start, number))
        if known is None:
            if len(self._windows) >= _CACHED_QUARTERS_MAX:
                self._windows.clear()
            begin = self.slot_start_ms(start) + number * DAY_MS
            first = self.slot_from(begin) if number else start
            known = self._windows[start, number] = first, self.slot_from(begin + DAY_MS)
        return known

    def day_start_ms(self, day: int) -> int:
        """The first instant of a local date; of a date that a zone skipped, the instant after the skip."""
        start = self._starts.get(day)
        if start is None:
            if len(self._starts) >= _CACHED_QUARTERS_MAX:
                self._starts.clear()
            start = self._starts[day] = self._day_start_ms(day)
        return start

    def _day_start_ms(self, day: int) -> int:
        midnight = datetime.combine(date.fromordinal(day), datetime.min.time(), tzinfo=self._info)
        # fold=0 gives the earlier of two midnights, and the moment of the change where midnight is skipped.
        start = (midnight.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
        if self.day(start - 1) < day:
            return start
        # The gap began before midnight, so the date began earlier than its midnight: halve towards its first instant.
        low, high = start - 3 * HOUR_MS, start
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.day(middle) >= day else (middle, high)
        return high


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """The zone of an IANA name; ValueError for a name that the pinned tzdata does not know."""
    parts = name.split("/")
    if not all(part and part.strip(".") and "\\" not in part for part in parts):
        raise ValueError(f"unknown time zone {name!r}")
    try:
        with resources.files("tzdata").joinpath("zoneinfo", *parts).open("rb") as data:
            return Zone(name, ZoneInfo.from_file(data, key=name))
    except (OSError, ValueError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error
