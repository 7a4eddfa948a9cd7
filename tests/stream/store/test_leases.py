"""Does whoever makes applies wait know for sure that they do? The lease of an audit, and that of views that find no rest."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import AuditBusy, audit
from stream.store.keys import shard_prefix
from stream.store.lease import given_back, taken
from stream.store.nodes import Nodes, nodes
from stream.store.protocol import Store, StorePaused
from stream.store.redis import RedisStore
from stream.store.views import Names, Part
from tests.servers import Valkey
from tests.stream.store.test_store import APP

# Reads of a view before it takes the lease; and room for another view to come in between.
READS, ROUND_TRIPS = 5, 20


class Restless:
    """Reads parts whose versions nobody else has, until the lease is held; then it takes its time."""

    def __init__(self, servers: Nodes, *, rests: bool) -> None:
        self._nodes, self._rests = servers, rests
        self._parts: dict[str, int] = {}
        self._inside: list[str] = []
        self.together: set[frozenset[str]] = set()  # apps whose views read under the lease at the same time

    async def part(self, shard: int, app: str, names: Names) -> Part:
        self._parts[app] = self._parts.get(app, 0) + 1
        if self._parts[app] <= READS * 2:
            return Part([], [], [], 0, -1)
        self._inside.append(app)
        for _ in range(ROUND_TRIPS):
            self.together.add(frozenset(self._inside))
            assert await self._nodes.ask(shard, lambda redis: redis.exists(shard_prefix(shard) + "lease"))
        self._inside.remove(app)
        return Part([], [], [], 0, 0 if self._rests else -1)

    async def aclose(self) -> None:
        """The servers are the store's."""


async def test_views_hold_the_lease_one_after_the_other(valkey: Valkey) -> None:
    servers = nodes(valkey.url, 2, timeout_seconds=5)
    reader = Restless(servers, rests=True)
    store = RedisStore(servers, 2, reader)
    await asyncio.gather(store.view("shop"), store.view("game"))
    assert reader.together == {frozenset({"shop"}), frozenset({"game"})}
    await store.aclose()


async def test_a_view_that_outlives_its_lease_is_none(valkey: Valkey) -> None:
    servers = nodes(valkey.url, 2, timeout_seconds=5)
    store = RedisStore(servers, 2, Restless(servers, rests=False))
    with pytest.raises(StorePaused, match="lease ended"):
        await store.view("shop")
    await store.aclose()


async def test_a_lease_that_cannot_be_had_of_all_shards_is_kept_of_none(valkey: Valkey) -> None:
    valkey.ask("SET", shard_prefix(1) + "lease", "another")
    store = RedisStore.connect(valkey.url, 2)
    assert not await store.pause(30)
    assert valkey.ask("EXISTS", shard_prefix(0) + "lease") == ":0\r\n"
    assert valkey.ask("EXISTS", shard_prefix(1) + "lease") == ":1\r\n"
    await store.aclose()


async def test_a_lease_that_ended_is_not_held_again(store: Store) -> None:
    assert await store.pause(30)
    assert await store.pause(30, again=True)
    await store.resume()
    assert not await store.pause(30, again=True)


async def test_an_audit_whose_lease_ended_meanwhile_compares_nothing(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisStore.connect(valkey.url)
    counters = store.stored_counters

    async def late(app: str) -> dict[int, dict[str, dict[str, int]]]:
        valkey.ask("PEXPIRE", shard_prefix(0) + "lease", "0")
        return await counters(app)

    monkeypatch.setattr(store, "stored_counters", late)
    with pytest.raises(AuditBusy, match="lost while counting"):
        await audit(store, APP, Scope(zone("UTC")))
    await store.aclose()


@pytest.mark.parametrize("meanwhile", [("SET", "another"), ("PEXPIRE", "0")])
async def test_a_lease_that_changes_hands_at_that_moment_is_not_taken_back(
    valkey: Valkey, meanwhile: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, (command, value), begin = shard_prefix(0) + "lease", meanwhile, Pipeline.multi

    def late(asked: Pipeline) -> None:
        """Somebody comes between the question whose it is and the change."""
        valkey.ask(command, key, value)
        begin(asked)

    monkeypatch.setattr(Pipeline, "multi", late)
    async with Redis.from_url(valkey.url) as redis:
        for change in (taken(redis, key, b"mine", 30_000, again=True), given_back(redis, key, b"mine")):
            valkey.ask("SET", key, "mine")
            assert not await change
            assert (valkey.ask("EXISTS", key) == ":1\r\n") == (command == "SET")
