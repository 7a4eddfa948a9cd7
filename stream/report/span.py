"""Which days is a question about, and which of them are over? What the zone and the clock make of its dates."""

from dataclasses import dataclass

from stream.report.parameters import Asked
from stream.retention.days import Zone

DAYS_DEFAULT = 30


@dataclass(frozen=True, slots=True)
class Span:
    """The days of one question, as ordinals.

    first, last   the cohorts (or rows) asked for that have begun; last < first where none has
    today         the local date of as_of: later activity does not exist
    begun         the last day that has begun at as_of; later than today only in the hour after a clock went
                  back over midnight
    """

    zone: Zone
    as_of_ms: int
    first: int
    last: int
    today: int
    begun: int

    @property
    def days(self) -> range:
        """The days that have a row."""
        return range(self.first, self.last + 1)

    def complete(self, day: int) -> bool:
        """Whether a day is over."""
        return day < self.begun


def span_of(asked: Asked, zone: Zone, now_ms: int) -> Span:
    """The calendar of a question; `now_ms` is its as_of where it names none. Without dates 30 days."""
    as_of_ms = asked.as_of_ms
    if as_of_ms is None:
        # An answer shows whole seconds, so it is worked out for one.
        as_of_ms = zone.day_start_ms(asked.as_of_day) if asked.as_of_day else now_ms // 1000 * 1000
    today = zone.day(as_of_ms)
    begun = today
    while as_of_ms >= zone.day_start_ms(begun + 1):
        begun += 1
    last = today if asked.last is None else asked.last
    first = last - DAYS_DEFAULT + 1 if asked.first is None else asked.first
    if asked.last is None and first > last:
        last = first
    return Span(zone, as_of_ms, first, min(last, today), today, begun)
