"""Who are the users, and what did each of them do? Every event that exists, given to the person that its id belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from tests.oracle_calendar import Slot, slot_of
from tests.oracle_events import Accepted

NOT_SET = "(not set)"
User = tuple[str, str]


class Act(NamedTuple):
    """Something that a person did, and the slot in which the zone puts it."""

    slot: Slot
    event: Accepted

    @property
    def kind(self) -> str:
        """A refund is money and nothing else."""
        return "refund" if self.event.is_refund else self.event.kind


class Erasure(NamedTuple):
    """What these ids did until then never was."""

    app: str
    users: frozenset[str]
    erased_until_ms: int


@dataclass(eq=False)
class Person:
    """All that one user did, in the order of (timestamp, event id)."""

    acts: list[Act] = field(default_factory=list)
    dims: dict[str, str] = field(default_factory=dict)
    first_install: Slot | None = None

    def slots(self, kind: str) -> list[Slot]:
        """When the person did something of a kind: session, purchase or any."""
        if kind == "any":
            return [act.slot for act in self.acts if act.kind != "refund"]
        return [act.slot for act in self.acts if act.kind == kind]

    @property
    def sessions(self) -> set[date]:
        return {day for day, _ in self.slots("session")}

    @property
    def purchases(self) -> set[date]:
        return {day for day, _ in self.slots("purchase")}

    @property
    def any(self) -> set[date]:
        return {day for day, _ in self.slots("any")}

    @property
    def installs(self) -> list[date]:
        """The install, then re-installs."""
        return [day for day, _ in self.slots("install")]

    def was(self, kind: str, first: date, last: date) -> bool:
        """Whether there is something of a kind from one local date to another."""
        return any(first <= day <= last for day, _ in self.slots(kind))

    def as_of(self, exists: Callable[[Slot], bool]) -> Person:
        """The person as it stood when only these slots existed: what was not said yet is not known."""
        first = self.first_install
        return replace(
            self,
            acts=[act for act in self.acts if exists(act.slot)],
            dims=_dims(self.acts, exists) | _answered(act.event for act in self.acts if exists(act.slot)),
            first_install=first if first is not None and exists(first) else None,
        )


def people_of(zone: str, events: Iterable[Accepted], erasures: Iterable[Erasure] = ()) -> dict[User, Person]:
    """(app, smallest id of the person) -> person. Who did nothing that exists is nobody."""
    erased = list(erasures)
    living = [event for event in events if not any(_is_erased(event, one) for one in erased)]
    same = _joined(living)
    of_user: dict[User, list[Accepted]] = defaultdict(list)
    for event in _kept(living, same):
        of_user[min(same[event.app, event.user])].append(event)
    return {user: _person(zone, told) for user, told in of_user.items()}


def _is_erased(event: Accepted, erasure: Erasure) -> bool:
    """Its own time says so, or Kafka had it by then, whatever the device's clock said."""
    done_ms = event.ts_ms if event.came_ms < 0 else min(event.ts_ms, event.came_ms)
    names = {event.user, event.alias} & erasure.users
    return event.app == erasure.app and bool(names) and done_ms <= erasure.erased_until_ms


def _joined(events: Iterable[Accepted]) -> dict[User, set[User]]:
    """Every id -> all ids of the same person: sets of ids that grow together until no identity event joins two more."""
    same: dict[User, set[User]] = {}
    for event in events:
        for name in (event.user, event.alias):
            if name is not None:
                same.setdefault((event.app, name), {(event.app, name)})
    for event in events:
        if event.alias is not None:
            together = same[event.app, event.user] | same[event.app, event.alias]
            for user in together:
                same[user] = together
    return same


def _kept(events: Iterable[Accepted], same: dict[User, set[User]]) -> list[Accepted]:
    """Installs, purchases and feedback once per person and event id, the smaller content; every session; no identity."""
    kept: dict[tuple[object, ...], Accepted] = {}
    for event in events:
        key: tuple[object, ...] = (event.kind, min(same[event.app, event.user]), event.event_id)
        if event.kind == "session":
            key += (event.ts_ms, event.canonical)
        if key not in kept or (event.ts_ms, event.canonical) < (kept[key].ts_ms, kept[key].canonical):
            kept[key] = event
    return [event for event in kept.values() if event.kind != "identity"]


def _person(zone: str, events: list[Accepted]) -> Person:
    events = sorted(events, key=lambda event: (event.ts_ms, event.event_id.encode(), event.canonical))
    acts = [Act(slot_of(zone, event.ts_ms), event) for event in events]
    installs = [act.slot for act in acts if act.event.kind == "install"]
    person = Person(acts=acts, first_install=installs[0] if installs else None)
    return person.as_of(lambda slot: True)


def _dims(acts: list[Act], exists: Callable[[Slot], bool]) -> dict[str, str]:
    """What the first install says, else what was said first, dimension by dimension; of that, what exists.

    Where a clock goes back over midnight, a later event may have an earlier date: time says what is first, the date since when it
    is there.
    """
    installs = [act for act in acts if act.event.kind == "install"]
    # Time and id can be equal for two sessions, or for two events of different kinds: then the smaller value is said first.
    said = sorted(
        (act.event.ts_ms, act.event.event_id.encode(), *told, act.slot)
        for act in acts
        for told in act.event.dims
    )
    dims = dict(installs[0].event.dims) if installs and exists(installs[0].slot) else {}
    first: set[str] = set()
    for _, _, name, value, slot in said:
        if name not in first and exists(slot):
            dims.setdefault(name, value)
        first.add(name)
    return dims


def _answered(events: Iterable[Accepted]) -> dict[str, str]:
    """The segments of the latest answers: the last by (timestamp, event id), of equal ones the higher score."""
    latest: dict[str, int] = {}
    answers = [event for event in events if event.kind == "feedback"]
    for event in sorted(answers, key=lambda event: (event.ts_ms, event.event_id.encode(), event.score)):
        latest[event.survey] = event.score
    dims = {}
    if "nps" in latest:
        dims["nps"] = "promoter" if latest["nps"] >= 9 else "passive" if latest["nps"] >= 7 else "detractor"
    if "csat" in latest:
        dims["csat"] = "satisfied" if latest["csat"] >= 4 else "unsatisfied"
    return dims
