"""Where does a user begin? The slots at which the cohorts of a record start, and the dimensions it is segmented by."""

from collections.abc import Iterator
from typing import NamedTuple

from stream.retention.days import SLOTS_PER_DAY
from stream.retention.records import Latest, Record

NPS, CSAT = "nps", "csat"
# Dimensions that are read off the latest answer to a survey.
GROUPS = (NPS, CSAT)
NPS_PROMOTER_MIN, NPS_PASSIVE_MIN, CSAT_SATISFIED_MIN = 9, 7, 4


class Anchors(NamedTuple):
    """The slots at which a user's cohorts begin, None where there is no such event, and the dimensions."""

    install_slot: int | None
    seen_slot: int | None
    bought_slot: int | None
    dims: dict[str, str]

    @property
    def install(self) -> int | None:
        """The day of the first install."""
        return _day(self.install_slot)

    @property
    def seen(self) -> int | None:
        """The day of the first activity."""
        return _day(self.seen_slot)

    @property
    def bought(self) -> int | None:
        """The day of the first purchase."""
        return _day(self.bought_slot)

    @property
    def is_seen_apart(self) -> bool:
        """Whether the user was first seen in another slot than installed."""
        return self.seen_slot is not None and self.seen_slot != self.install_slot

    def starts(self) -> Iterator[tuple[str, int]]:
        """The cohorts whose windows are counted, with their slots; first_seen only where it is not the install."""
        if self.install_slot is not None:
            yield "install", self.install_slot
        if self.is_seen_apart and self.seen_slot is not None:
            yield "first_seen", self.seen_slot
        if self.bought_slot is not None:
            yield "first_purchase", self.bought_slot


def anchors(record: Record) -> Anchors:
    """Where the cohorts of this record begin. The dimensions are those of the first install, else the earliest said ones."""
    summary = record.summary
    first = summary.first_install
    bought = min(summary.purchases, default=None)
    slots = [
        slot
        for slot in (
            min(summary.installs, default=None),
            bought,
            min(summary.answers, default=None),
            *record.sessions[:1],
        )
        if slot is not None
    ]
    return Anchors(
        None if first is None else first.slot, min(slots) if slots else None, bought, _dims(record)
    )


def _dims(record: Record) -> dict[str, str]:
    summary = record.summary
    earliest = dict(summary.said)
    for name, said in record.said.items():
        if name not in earliest or said < earliest[name]:
            earliest[name] = said
    dims = {name: said[2] for name, said in earliest.items()}
    if summary.first_install is not None:
        dims.update(summary.first_install.dims)
    for survey, answer in summary.latest.items():
        dims[survey] = group_of(survey, answer)
    return dims


def group_of(survey: str, answer: Latest) -> str:
    """The group that an answer puts the user in: by NPS promoter, passive or detractor, by CSAT satisfied or not."""
    if survey == CSAT:
        return "satisfied" if answer.score >= CSAT_SATISFIED_MIN else "unsatisfied"
    if answer.score >= NPS_PROMOTER_MIN:
        return "promoter"
    return "passive" if answer.score >= NPS_PASSIVE_MIN else "detractor"


def _day(slot: int | None) -> int | None:
    return None if slot is None else slot // SLOTS_PER_DAY
