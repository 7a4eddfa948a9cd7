"""Who bought when, and for how much? The purchases of an answer, entry by entry: one for each buyer and day.

Buyers are few among users, so everything about money is counted over lists of them and not over bitmaps. They are numbered through,
so that a number of each is an array.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.report.revenue_rows import Rows
from stream.report.sets import Bitmap, cohort_names, cohort_of
from stream.retention.names import BEFORE_COUNT_INSTALL, before_ledger, paid_ledger, set_name
from stream.store.protocol import Ledger, View

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
_WORD_USERS = 64
_AGAIN = "again"
_PURCHASE = "purchase"


class Entries(NamedTuple):
    """A number for some buyers on some days; buyers are numbered as in `Buyers`. In the order of days."""

    buyers: Ints
    days: Ints
    numbers: Ints

    def where(self, holds: npt.NDArray[np.bool_]) -> "Entries":
        """Some of the entries."""
        return Entries(self.buyers[holds], self.days[holds], self.numbers[holds])


class Buyers(NamedTuple):
    """Everybody who bought, or whose money went back, on the days of an answer.

    places      of every user the place among the buyers, -1 for who is none; empty where nobody is one
    starts      the day on which each buyer starts in a row, 0 for who is in none
    purchases   how often somebody bought on a day
    paid        net minor units of a day, by currency
    """

    places: Places
    starts: Ints
    purchases: Entries
    paid: dict[str, Entries]

    def own(self, entries: Entries) -> Entries:
        """The entries of members from the day of their start on."""
        starts = self.starts[entries.buyers]
        return entries.where((starts > 0) & (entries.days >= starts))


def names_of(rows: Rows, cohort: str, currencies: Sequence[str]) -> tuple[list[str], list[str]]:
    """The sets and the ledgers that are needed."""
    sets = [name for day in rows.days for name in cohort_names(cohort, day)]
    sets += [set_name(_PURCHASE, day) for day in rows.days_to_now]
    ledgers = [set_name(_AGAIN, day) for day in rows.days_to_now]
    ledgers += [paid_ledger(day, currency) for currency in currencies for day in rows.days_of_cells]
    ledgers += [before_ledger(cohort, currency) for currency in currencies]
    return sets, [*ledgers, BEFORE_COUNT_INSTALL] if cohort == "install" else ledgers


def buyers_of(rows: Rows, cohort: str, currencies: Sequence[str], view: View, keep: Bitmap | None) -> Buyers:
    """The buyers among the users to keep."""
    bought = [
        _bought(view.sets[set_name(_PURCHASE, day)], view.ledgers[set_name(_AGAIN, day)], keep)
        for day in rows.days_to_now
    ]
    paid = {
        currency: [_kept(view.ledgers[paid_ledger(day, currency)], keep) for day in rows.days_of_cells]
        for currency in currencies
    }
    known = [ledger.users for ledger in bought] + [one.users for some in paid.values() for one in some]
    users, places = _numbered(known, max((bitmap.size for bitmap in view.sets.values()), default=0))
    octets, bits = users >> 3, (0x80 >> (users & 7)).astype(np.uint8)
    starts = np.zeros(users.size, np.int64)
    for day in rows.days:
        members = cohort_of(view.sets.__getitem__, cohort, day).view(np.uint8)
        starts[(members[octets] & bits) != 0] = day
    return Buyers(
        places,
        starts,
        _entries(places, rows.days_to_now, bought),
        {currency: _entries(places, rows.days_of_cells, some) for currency, some in paid.items()},
    )


def _numbered(known: Sequence[Ints], words: int) -> tuple[Ints, Places]:
    """The users who are in any of the lists, in order, and of every user the place among them or -1."""
    named = np.zeros(words * _WORD_USERS, np.bool_)
    for users in known:
        named[users] = True
    found = np.flatnonzero(named)
    places = np.full(named.size if found.size else 0, -1, np.int32)
    places[found] = np.arange(found.size)
    return found, places


def own_purchases(buyers: Buyers, cohort: str, view: View) -> Entries:
    """The purchases of members that are not before their start."""
    own = buyers.own(buyers.purchases)
    if cohort != "install":
        return own  # nobody is seen, or buys, before doing so for the first time
    before = _of_buyers(buyers, view.ledgers[BEFORE_COUNT_INSTALL])
    starting = own.days == buyers.starts[own.buyers]
    own = own._replace(numbers=own.numbers - np.where(starting, before[own.buyers], 0))
    return own.where(own.numbers > 0)


def own_payments(buyers: Buyers, cohort: str, currency: str, view: View) -> Entries:
    """The net minor units of members that are not before their start.

    What lies before it on its own day is taken off by entries of their own: the day may have come to nothing and have none.
    """
    own = buyers.own(buyers.paid[currency])
    before = _of_buyers(buyers, view.ledgers[before_ledger(cohort, currency)])
    some = np.flatnonzero((before != 0) & (buyers.starts > 0))
    more = Entries(some, buyers.starts[some], -before[some])
    return Entries(*(np.concatenate(pair) for pair in zip(own, more, strict=True)))


def _of_buyers(buyers: Buyers, ledger: Ledger) -> Ints:
    """The number of each buyer in a ledger."""
    numbers = np.zeros(buyers.starts.size, np.int64)
    if buyers.starts.size:
        places = buyers.places[ledger.users]
        numbers[places[places >= 0]] = ledger.amounts[places >= 0]
    return numbers


def _bought(users: Bitmap, again: Ledger, keep: Bitmap | None) -> Ledger:
    """How often each of the buyers of one day bought."""
    places = places_of(users if keep is None else users & keep)
    numbers = np.ones(places.size, np.int64)
    more = _kept(again, keep)
    numbers[np.searchsorted(places, more.users)] += more.amounts
    return Ledger(places, numbers)


def _kept(ledger: Ledger, keep: Bitmap | None) -> Ledger:
    if keep is None or not ledger.users.size:
        return ledger
    holds = _holds(keep, ledger.users)
    return Ledger(ledger.users[holds], ledger.amounts[holds])


def _entries(places: Places, days: Sequence[int], some: Sequence[Ledger]) -> Entries:
    sizes = [ledger.users.size for ledger in some]
    nothing = np.zeros(0, np.int64)
    return Entries(
        places[np.concatenate([nothing, *(ledger.users for ledger in some)])].astype(np.int64),
        np.repeat(np.array(days, np.int64), sizes),
        np.concatenate([nothing, *(ledger.amounts for ledger in some)]),
    )


def places_of(users: Bitmap) -> Ints:
    """The places of the bits of a bitmap that has few, in order; the highest bit of each byte comes first."""
    words = np.flatnonzero(users != 0)  # to find true values is several times as fast as to find numbers
    bits = np.flatnonzero(np.unpackbits(users[words].view(np.uint8)).view(np.bool_))
    return words[bits // _WORD_USERS] * _WORD_USERS + bits % _WORD_USERS


def _holds(users: Bitmap, places: Ints) -> npt.NDArray[np.bool_]:
    """Whether each of the places is in the bitmap."""
    octets: npt.NDArray[np.uint8] = users.view(np.uint8)
    inside: npt.NDArray[np.bool_] = (octets[places >> 3] & (0x80 >> (places & 7))) != 0
    return inside
