"""What did a user pay and answer on one day? Entries in the ledgers of money and purchases, and scores in counters.

A start cuts its own day in two: what lies before its slot is in no cell of the cohort, so it is noted apart (`before`). There is
something for very few users.
"""

from collections.abc import Sequence

from stream.retention.anchors import Anchors
from stream.retention.days import SLOTS_PER_DAY
from stream.retention.found import Facts, slots_between
from stream.retention.names import (
    BEFORE_COUNT_INSTALL,
    CURRENCIES,
    EARLY_INSTALL,
    before_ledger,
    feedback_counter,
    moved,
    paid_ledger,
    set_name,
)
from stream.retention.records import Record
from stream.retention.summary import Summary


def add_money(
    record: Record, start: Anchors, day: int, sessions: Sequence[int], purchases: Sequence[int], found: Facts
) -> None:
    """The ledgers of one day, whose slots of sessions and purchases are given."""
    summary = record.summary
    first, end = day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY
    slots = slots_between(summary.money, first, end)
    if not (slots or purchases):
        return
    for currency in {name for slot in slots for name in summary.money[slot]}:
        # Also where the day comes to nothing: what of it lies before a start, or in a window, may not.
        found.sums[CURRENCIES, currency] = found.sums.get((CURRENCIES, currency), 0) + 1
    for currency, amount_minor in _sum(summary, slots).items():
        found.ledgers[paid_ledger(day, currency)] = amount_minor
    for slot in slots:
        found.sums[moved(slot)] = 1
    again = sum(summary.purchases[slot] for slot in purchases) - 1
    if again > 0:
        found.ledgers[set_name("again", day)] = again
    earliest = min((*slots, *purchases), default=end)
    if day == start.install and start.install_slot is not None and earliest < start.install_slot:
        _add_before(summary, slots, "install", start.install_slot, None, found)
        _add_early(summary, purchases, start.install_slot, EARLY_INSTALL, BEFORE_COUNT_INSTALL, found)
    if day == start.seen and start.seen_slot is not None and earliest < start.seen_slot:
        _add_before(summary, slots, "first_seen", start.seen_slot, None, found)
    if day == start.bought and start.bought_slot is not None and earliest < start.bought_slot:
        _add_before(summary, slots, "first_purchase", start.bought_slot, None, found)
    if sessions and earliest < sessions[0]:
        _add_before(summary, slots, "session", sessions[0], day, found)
        names = set_name("early:session", day), set_name("before_count:session", day)
        _add_early(summary, purchases, sessions[0], *names, found)
    if purchases and earliest < (first_bought := min(purchases)):
        _add_before(summary, slots, "purchase", first_bought, day, found)


def _add_before(
    summary: Summary, slots: Sequence[int], cohort: str, start: int, day: int | None, found: Facts
) -> None:
    for currency, amount_minor in _sum(summary, [slot for slot in slots if slot < start]).items():
        found.ledgers[before_ledger(cohort, currency, day)] = amount_minor


def _add_early(
    summary: Summary, purchases: Sequence[int], start: int, early: str, count: str, found: Facts
) -> None:
    before = [slot for slot in purchases if slot < start]
    if before:
        found.ledgers[count] = sum(summary.purchases[slot] for slot in before)
        if len(before) == len(purchases):
            found.sets.add(early)


def _sum(summary: Summary, slots: Sequence[int]) -> dict[str, int]:
    """Net minor units by currency; a currency whose amounts cancel out is not there."""
    total: dict[str, int] = {}
    for slot in slots:
        for currency, amount_minor in summary.money[slot].items():
            total[currency] = total.get(currency, 0) + amount_minor
    return {currency: amount_minor for currency, amount_minor in total.items() if amount_minor}


def add_answers(summary: Summary, start: Anchors, day: int, answers: Sequence[int], found: Facts) -> None:
    """The scores of one day, by itself and for the cohorts of the user."""
    cohorts = [
        (name, begun) for name, begun in (("install", start.install), ("first_seen", start.seen)) if begun
    ]
    for slot in answers:
        for (survey, score), count in summary.answers[slot].items():
            _count(found, feedback_counter(survey, day), str(score), count)
            for cohort, begun in cohorts:
                if day >= begun:
                    _count(found, feedback_counter(survey, begun, cohort), f"{day - begun}:{score}", count)


def _count(found: Facts, counter: str, field: str, amount: int) -> None:
    found.sums[counter, field] = found.sums.get((counter, field), 0) + amount
