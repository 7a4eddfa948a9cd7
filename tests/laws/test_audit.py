"""Does the audit see what it must see? One number, one bit or one record put wrong, and it names the difference."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import audit
from stream.store.memory import MemoryStore
from tests.laws.test_mutations import LATER_MS, START_MS, story
from tests.laws.world import Log, World, decoder_of
from tests.strategies import APP, Record


def counter(users: Any) -> None:
    name = next(name for name in users.counters if name.startswith("triangle:install"))
    users.counters[name]["0"] += 1


def missing_counter(users: Any) -> None:
    users.counters.pop(next(name for name in users.counters if name.startswith("values:")))


def bit(users: Any) -> None:
    next(members for name, members in users.sets.items() if members).pop()


def extra_bit(users: Any) -> None:
    users.sets["session:2024-12-24"] = {0}


def lost_record(users: Any) -> None:
    users.records.popitem()


@pytest.mark.parametrize("harm", [counter, missing_counter, bit, extra_bit, lost_record])
async def test_the_audit_names_what_does_not_add_up(harm: Callable[[Any], None]) -> None:
    store, rng, told = MemoryStore(), random.Random(1), story(1)
    await World(Log(told.records, rng), store, rng).run()
    assert not (await audit(store, APP, Scope(zone("UTC")))).differences
    harm(store._data.apps[0][APP])
    assert (await audit(store, APP, Scope(zone("UTC")))).differences


async def test_ids_that_are_joined_or_erased_are_named_apart_from_the_users() -> None:
    decoder, said = decoder_of("UTC"), [("sessions", {"user_id": user, "event_id": user}) for user in "abc"]
    said.append(("identities", {"user_id": "a", "alias": "b", "event_id": "1"}))
    records = [
        Record(topic, json.dumps({"app_id": APP, "timestamp": START_MS} | fields).encode(), LATER_MS)
        for topic, fields in said
    ]
    gone = {"users": [decoder.user(APP, user).hex() for user in ("c", "never seen")]}
    gone |= {"app_id": APP, "erased_until": LATER_MS}
    records.append(Record("erasures", json.dumps(gone).encode(), LATER_MS))
    store, rng = MemoryStore(), random.Random(1)
    await World(Log(tuple(records), rng), store, rng).run()
    report = await audit(store, APP, Scope(zone("UTC")))
    assert (report.users, report.silent, report.differences) == (1, 3, [])
