"""Under which names do facts stand? Sets, counters and ledgers of one app; the read model asks for them by the same functions.

A set holds users. A counter has fields and a number for each. A ledger has a number for each user, and none for most.

sets      session:D  other:D (active without a session)  purchase:D  install:D  seen+:D  seen-:D  first_purchase:D  dim:NAME=VALUE
          late:NAME:D  the dimension changed on D, a later day than the user's first; was:D:NAME=VALUE  what it was before
          early:install, early:session:D  bought on the day of the start, but only before it
          apart:first_seen  first seen in another slot than installed
          window:COHORT:KIND:N  active (session, other) or buying (purchase) in the Nth 24 hours after the start
counters  triangle:COHORT:D  n -> users back on day n, 0 -> size      reinstalls  D -> installs after the first
          values:NAME  value -> users      late:NAME  D -> users whose dimension changed on D, a later day than their first
          was:NAME:D  value -> those of them who had it before
          late_hourly:NAME:D  k -> users whose dimension changed in slot k
          currencies  currency -> days of users with money in it
          hourly:D  k -> users active in slot k                   moved:D  k -> users whose money moved in slot k
          feedback:SURVEY:D  score -> answers      feedback:SURVEY:COHORT:D  n:score -> answers n days after the start
ledgers   paid:D:CURRENCY  net minor units      again:D  purchases after the first of that day
          before:COHORT:CURRENCY, before_count:install  what of the start day lies before the start
          before:session:D:CURRENCY, before_count:session:D, before:purchase:D:CURRENCY  the same for cohorts that recur
          window_paid:COHORT:N:CURRENCY  net minor units in the Nth 24 hours after the start
"""

from functools import lru_cache

from stream.retention.days import SLOTS_PER_DAY, iso

Sum = tuple[str, str]

TRIANGLE = "triangle:"
REINSTALLS = "reinstalls"
CURRENCIES = "currencies"
EARLY_INSTALL = "early:install"
APART_FIRST_SEEN = "apart:first_seen"
BEFORE_COUNT_INSTALL = "before_count:install"


@lru_cache(maxsize=65_536)
def set_name(kind: str, day: int) -> str:
    """The name of the set of one kind on one day."""
    return f"{kind}:{iso(day)}"


@lru_cache(maxsize=65_536)
def cell(cohort: str, start: int, day: int) -> Sum:
    """The sum in which a return on `day` of the cohort that began on `start` is counted; its own day holds the size."""
    return f"{TRIANGLE}{cohort}:{iso(start)}", str(day - start)


@lru_cache(maxsize=65_536)
def hour(slot: int) -> Sum:
    """The sum of the users active in one slot."""
    return set_name("hourly", slot // SLOTS_PER_DAY), str(slot % SLOTS_PER_DAY)


@lru_cache(maxsize=65_536)
def moved(slot: int) -> Sum:
    """The sum of the users who paid or were given back something in one slot."""
    return set_name("moved", slot // SLOTS_PER_DAY), str(slot % SLOTS_PER_DAY)


def value_name(dimension: str, value: str) -> str:
    """The set of the users whose dimension has a value."""
    return f"dim:{dimension}={value}"


def late_name(dimension: str, day: int) -> str:
    """The set of the users whose dimension changed on a later day than their first."""
    return set_name("late:" + dimension, day)


def was_name(dimension: str, value: str, day: int) -> str:
    """The set of those of them who had a value before."""
    return f"was:{iso(day)}:{dimension}={value}"


def late_counter(dimension: str) -> str:
    """The counter that knows the days on which a dimension changed."""
    return "late:" + dimension


def late(dimension: str, day: int) -> Sum:
    """The sum of the users whose dimension changed on such a day."""
    return late_counter(dimension), iso(day)


def was_counter(dimension: str, day: int) -> str:
    """The counter that knows the values which a dimension had before it changed on a day."""
    return set_name("was:" + dimension, day)


def late_hour(dimension: str, slot: int) -> Sum:
    """The sum of the users whose dimension changed in one slot of such a day."""
    return set_name("late_hourly:" + dimension, slot // SLOTS_PER_DAY), str(slot % SLOTS_PER_DAY)


def values_counter(dimension: str) -> str:
    """The counter that knows the values of a dimension."""
    return "values:" + dimension


@lru_cache(maxsize=16_384)
def segments(dims: tuple[tuple[str, str], ...]) -> tuple[list[str], dict[Sum, int]]:
    """The sets and sums of some dimensions; many users share them, so neither may be changed."""
    return [value_name(name, value) for name, value in dims], {
        (values_counter(name), value): 1 for name, value in dims
    }


@lru_cache(maxsize=65_536)
def window_name(cohort: str, kind: str, number: int) -> str:
    """The set of one kind in the Nth 24 hours after the start."""
    return f"window:{cohort}:{kind}:{number}"


def window_ledger(cohort: str, number: int, currency: str) -> str:
    """Net minor units in the Nth 24 hours after the start."""
    return f"window_paid:{cohort}:{number}:{currency}"


def paid_ledger(day: int, currency: str) -> str:
    """Net minor units of one day."""
    return f"paid:{iso(day)}:{currency}"


def before_ledger(cohort: str, currency: str, day: int | None = None) -> str:
    """Net minor units of the start day before the start; of a cohort that recurs, of one day."""
    return f"before:{cohort}:{currency}" if day is None else f"before:{cohort}:{iso(day)}:{currency}"


def feedback_counter(survey: str, day: int, cohort: str | None = None) -> str:
    """Answers given on a day, or by the cohort that began on it."""
    return f"feedback:{survey}:{iso(day)}" if cohort is None else f"feedback:{survey}:{cohort}:{iso(day)}"
