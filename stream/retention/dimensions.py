"""Which values have a user's dimensions had, and since when? What the first install says, else what was said first.

A value stands from the slot in which it was said. It changes at most once, when an install says another than what was said before.
Surveys are dimensions too: the group of the latest answer, which changes whenever a later answer is of another group.
"""

from bisect import bisect_right
from typing import NamedTuple

from stream.retention.days import SLOTS_PER_DAY, Zone
from stream.retention.records import Record, has_slot_between
from stream.retention.said import Said, names_of
from stream.retention.summary import Latest

NPS, CSAT = "nps", "csat"
# Dimensions that are read off the latest answer to a survey.
GROUPS = (NPS, CSAT)
NPS_PROMOTER_MIN, NPS_PASSIVE_MIN, CSAT_SATISFIED_MIN = 9, 7, 4

_NOTHING: frozenset[str] = frozenset()

# From this slot on, this value.
Step = tuple[int, str]


class Late(NamedTuple):
    """A dimension whose value changed on a later day than the one on which the user began.

    was     the value before that day, None for none
    slots   when on that day it changed
    """

    name: str
    day: int
    was: str | None
    slots: tuple[int, ...]


def dimensions(record: Record) -> dict[str, str]:
    """The values as everything that is known says them."""
    summary = record.summary
    dims = {name: said[2] for name, said in _first_said(record).items()}
    if summary.first_install is not None:
        dims.update(summary.first_install.dims)
    for survey, answers in summary.latest.items():
        dims[survey] = group_of(survey, max(answers.values()))
    return dims


def dimensions_at(record: Record, slot: int, zone: Zone) -> dict[str, str]:
    """The values as they stood at the end of a slot, without those that were said later."""
    found = {}
    for name, steps in _steps(record, zone).items():
        at = bisect_right(steps, slot, key=lambda step: step[0])
        if at:
            found[name] = steps[at - 1][1]
    return found


def late(record: Record, begun: int | None, zone: Zone) -> tuple[Late, ...]:
    """What was said late by a user who began in slot `begun`; empty for nearly everybody.

    On the first day nothing is late, since there is nobody to be segmented before it. Only what was said in a slot without activity
    or money is late on it too (a refund of nothing can do that): the counters of hours do not tell of such a slot.
    """
    if begun is None or not _may_be_late(record, begun, zone):
        return ()
    hidden = _hidden(record, zone)
    found: list[Late] = []
    for name, steps in sorted(_steps(record, zone).items()):
        was: str | None = None
        for slot, value in steps:
            day = slot // SLOTS_PER_DAY
            if day > begun // SLOTS_PER_DAY or (slot > begun and slot in hidden):
                if found and found[-1][:2] == (name, day):
                    found[-1] = found[-1]._replace(slots=(*found[-1].slots, slot))
                else:
                    found.append(Late(name, day, was, (slot,)))
            was = value
    return tuple(found)


def group_of(survey: str, answer: Latest) -> str:
    """The group that an answer puts the user in: by NPS promoter, passive or detractor, by CSAT satisfied or not."""
    if survey == CSAT:
        return "satisfied" if answer.score >= CSAT_SATISFIED_MIN else "unsatisfied"
    if answer.score >= NPS_PROMOTER_MIN:
        return "promoter"
    return "passive" if answer.score >= NPS_PASSIVE_MIN else "detractor"


def _first_said(record: Record) -> dict[str, Said]:
    """Of each dimension what was said first, by whatever event."""
    first = dict(record.summary.said)
    for name, said in record.said.items():
        if name not in first or said < first[name]:
            first[name] = said
    return first


def _may_be_late(record: Record, begun: int, zone: Zone) -> bool:
    """False for nearly everybody, and found out at little cost."""
    summary, day = record.summary, begun // SLOTS_PER_DAY
    settled: frozenset[str] = _NOTHING
    install = summary.first_install
    if install is not None and install.dims:
        if install.slot // SLOTS_PER_DAY > day:
            return True
        settled = names_of(install.dims)
    for said, others in ((summary.said, record.said), (record.said, summary.said)):
        if not said or said.keys() <= settled:
            continue
        ts_ms, slot = None, begun
        for name, one in said.items():
            if one[0] != ts_ms:  # most often one event said all of it
                ts_ms, slot = one[0], zone.slot(one[0])
            if slot <= begun or name in settled or others.get(name, one) < one:
                continue
            if slot // SLOTS_PER_DAY > day or not _shows(record, slot, said is summary.said):
                return True
    answered = summary.latest.values()
    return bool(answered) and any(max(answers) // SLOTS_PER_DAY > day for answers in answered)


def _shows(record: Record, slot: int, is_kept: bool) -> bool:
    """Whether there was activity, or money moved, in the slot in which a kept event or a session said something."""
    if not is_kept:
        return has_slot_between(record.sessions, slot, slot + 1)
    summary = record.summary
    return any(
        slot in slots for slots in (summary.installs, summary.purchases, summary.answers, summary.money)
    )


def _hidden(record: Record, zone: Zone) -> set[int]:
    """The slots in which something was said first, but neither was there activity nor did money move."""
    first = (
        (zone.slot(said[0]), record.summary.said.get(name) == said)
        for name, said in _first_said(record).items()
    )
    return {slot for slot, is_kept in first if not _shows(record, slot, is_kept)}


def _steps(record: Record, zone: Zone) -> dict[str, list[Step]]:
    """The values of each dimension, one after the other.

    Where a clock goes back over midnight, what is said later may have an earlier date: time says what is first, and each value is
    there from its own date on.
    """
    install = record.summary.first_install
    settled = {} if install is None else dict(install.dims)
    found: dict[str, list[Step]] = {}
    for name, said in _first_said(record).items():
        first = zone.slot(said[0])
        if install is None or name not in settled:
            found[name] = [(first, said[2])]
        elif first < install.slot and said[2] != settled[name]:
            found[name] = [(first, said[2]), (install.slot, settled[name])]
        else:
            found[name] = [(min(first, install.slot), settled[name])]
    for survey, answers in record.summary.latest.items():
        found[survey] = _groups(survey, answers)
    return found


def _groups(survey: str, answers: dict[int, Latest]) -> list[Step]:
    steps: list[Step] = []
    latest: Latest | None = None
    for slot in sorted(answers):
        if latest is None or latest < answers[slot]:
            latest = answers[slot]
            group = group_of(survey, latest)
            if not steps or steps[-1][1] != group:
                steps.append((slot, group))
    return steps
