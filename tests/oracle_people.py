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
        """The person as it stood when only these slots existed. Segments do not move."""
        first = self.first_install
        return replace(
            self,
            acts=[act for act in self.acts if exists(act.slot)],
            first_install=first if first is not None and exists(first) else None,
        )


def people_of(zone: str, events: Iterable[Accepted], erasures: Iterable[Erasure] = ()) -> dict[User, Person]:
    """(app, smallest id of the person) -> person. Who did nothing that exists is nobody."""
    erased = list(erasures)
    living = [event for event in events if not any(_is_erased(event, one) for one in erased)]
    same = _joined(living)
    of_user: dict[User, list[Accepted]] = defaultdict(list)
    for event in _kept(living):
        of_user[min(same[event.app, event.user])].append(event)
    return {user: _person(zone, told) for user, told in of_user.items()}


def _is_erased(event: Accepted, erasure: Erasure) -> bool:
    names = {event.user, event.alias} & erasure.users
    return event.app == erasure.app and bool(names) and event.ts_ms <= erasure.erased_until_ms


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


def _kept(events: Iterable[Accepted]) -> list[Accepted]:
    """Installs, purchases and feedback once per own id and event id, the smaller content; every session; no identity."""
    kept: dict[tuple[str, ...], Accepted] = {}
    for event in events:
        key: tuple[str, ...] = (event.kind, event.app, event.user, event.event_id)
        if event.kind == "session":
            key += (str(event.ts_ms), event.canonical.decode())
        if key not in kept or (event.ts_ms, event.canonical) < (kept[key].ts_ms, kept[key].canonical):
            kept[key] = event
    return [event for event in kept.values() if event.kind != "identity"]


def _person(zone: str, events: list[Accepted]) -> Person:
    # Two ids of one person may have events of one time and one event id: then the smaller content comes first.
    events = sorted(events, key=lambda event: (event.ts_ms, event.event_id.encode(), event.canonical))
    installs = [event for event in events if event.kind == "install"]
    return Person(
        acts=[Act(slot_of(zone, event.ts_ms), event) for event in events],
        dims=_dims(events, installs) | _answered(events),
        first_install=slot_of(zone, installs[0].ts_ms) if installs else None,
    )


def _dims(events: list[Accepted], installs: list[Accepted]) -> dict[str, str]:
    """What the first install says, else what was said first, dimension by dimension."""
    # Time and id can be equal for two sessions, or for two events of different kinds: then the smaller value is said first.
    said = sorted((event.ts_ms, event.event_id.encode(), *told) for event in events for told in event.dims)
    dims = dict(installs[0].dims) if installs else {}
    for _, _, name, value in said:
        dims.setdefault(name, value)
    return dims


def _answered(events: list[Accepted]) -> dict[str, str]:
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
