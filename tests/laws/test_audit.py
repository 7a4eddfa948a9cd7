"""Does the audit see what it must see? One number, one bit or one record put wrong, and it names the difference."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import audit
from stream.store.memory import MemoryStore
from tests.laws.test_mutations import story
from tests.laws.world import Log, World
from tests.strategies import APP


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
