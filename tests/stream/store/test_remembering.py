"""Is what was read before only shown where it still stands? A remembering store beside others that write."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import numpy as np
import pytest

from stream.retention.found import Delta
from stream.store.keys import app_prefix
from stream.store.protocol import UserWrite, View
from stream.store.redis import RedisStore
from stream.store.remembering import REFUSED_SECONDS, RememberingReader, Remembers
from stream.store.view_cache import LedgerEntry, SetEntry, ViewCache
from tests.logged import logged
from tests.servers import Valkey
from tests.stream.store.test_store import APP, apply, count, user, write

MIB = 1 << 20


def remembers(bytes_max: int) -> Remembers:
    """At a moment that does not pass."""
    return Remembers(bytes_max, lambda: 0.0)


@pytest.fixture
async def store(valkey: Valkey) -> AsyncIterator[RedisStore]:
    opened = RedisStore.connect(valkey.url, remembers=remembers(MIB))
    yield opened
    await opened.aclose()


@pytest.fixture
async def writer(valkey: Valkey) -> AsyncIterator[RedisStore]:
    opened = RedisStore.connect(valkey.url)
    yield opened
    await opened.aclose()


def calls(valkey: Valkey, command: str) -> int:
    """How often the server was asked a command."""
    found = re.search(rf"cmdstat_{command}:calls=(\d+)", valkey.ask("INFO", "commandstats"))
    return int(found[1]) if found else 0


async def test_only_what_has_changed_is_read_again(
    valkey: Valkey, store: RedisStore, writer: RedisStore
) -> None:
    await apply(writer, write(1, None, b"a", ["s", "t"], {"f": 1}))

    async def seen() -> tuple[int, dict[str, int]]:
        view = await store.view(APP, counters=["c"], sets=["s", "t"])
        return size(view, "s"), view.counters["c"]

    async def read() -> tuple[int, int]:
        before = calls(valkey, "mget"), calls(valkey, "hgetall")
        await seen()
        return calls(valkey, "mget") - before[0], calls(valkey, "hgetall") - before[1]

    assert await seen() == (1, {"f": 1})
    assert await read() == (0, 0)
    await apply(writer, write(2, None, b"a", ["s"]))
    assert await read() == (1, 0)
    await apply(writer, write(3, None, b"a", [], {"f": 1}))
    assert await read() == (0, 1)
    assert await seen() == (2, {"f": 2})


def size(view: View, name: str) -> int:
    return int(np.bitwise_count(view.sets[name]).sum())


async def test_views_are_one_state_while_others_write(store: RedisStore, valkey: Valkey) -> None:
    writers = [RedisStore.connect(valkey.url) for _ in range(2)]
    done = asyncio.Event()

    async def move(one: RedisStore, number: int) -> None:
        """A user goes from set to set; each is in one of them, and all of it is in a counter and a ledger as well."""
        record, at = None, 0
        while not done.is_set():
            delta = Delta([f"s{(at + 1) % 5}"], [f"s{at % 5}"] if at else [], {("c", "moves"): 1}, {"l": 1})
            now = str(at).encode()
            assert await one.apply(APP, 0, [UserWrite(user(number), record, now, delta)]) == {}
            record, at = now, at + 1

    tasks = [asyncio.create_task(move(one, number)) for number, one in enumerate(writers)]
    version, states = 0, set()
    for _ in range(300):
        sets = [f"s{at}" for at in range(5)]
        view = await store.view(APP, counters=["c"], sets=sets, ledgers=["l"])
        users = len(view.ledgers["l"].users)
        assert sum(size(view, name) for name in sets) == users
        assert (
            view.counters["c"].get("moves", 0) == view.ledgers["l"].amounts.sum() == view.version >= version
        )
        version = view.version
        states.add(version)
    done.set()
    await asyncio.gather(*tasks)
    assert len(states) > 50
    for one in writers:
        await one.aclose()


async def test_very_many_sets_may_change_between_two_views(store: RedisStore, writer: RedisStore) -> None:
    names = [f"s{at}" for at in range(3_000)]
    for number, users in ((1, 1), (2, 2)):
        await apply(writer, write(number, None, b"a", names))
        view = await store.view(APP, sets=names)
        assert {size(view, name) for name in names} == {users}


async def test_bitmaps_grow_with_the_users(store: RedisStore, writer: RedisStore, valkey: Valkey) -> None:
    await apply(writer, write(1, None, b"a", ["s"]))
    before = (await store.view(APP, sets=["s", "t"])).sets
    valkey.ask("HSET", "{s0}:rt5:a:demo:n", "users", "70000")
    await apply(writer, write(2, None, b"a", ["s"]))
    after = (await store.view(APP, sets=["s", "t"])).sets
    assert [before[name].size for name in "st"] == [1_024] * 2
    assert [after[name].size for name in "st"] == [2_048] * 2
    assert (size_of(before["s"]), size_of(after["s"])) == (1, 2), "who holds an older one keeps it as it was"


def size_of(bitmap: np.ndarray) -> int:
    return int(np.bitwise_count(bitmap).sum())


async def test_a_flush_leaves_nothing(store: RedisStore, writer: RedisStore, valkey: Valkey) -> None:
    await apply(writer, write(1, None, b"a", ["s"]))
    assert await count(store, "s") == 1
    valkey.ask("FLUSHALL")
    assert await count(store, "s") == 0


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_after_a_broken_connection_everything_is_read_again(
    store: RedisStore, writer: RedisStore, valkey: Valkey, how: str
) -> None:
    await apply(writer, write(1, None, b"a", ["s"]))
    assert await count(store, "s") == 1
    if how == "restart":
        await asyncio.to_thread(valkey.restart)  # without its data
        assert await count(store, "s") == 0
    else:
        valkey.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        another = RedisStore.connect(valkey.url)
        await apply(another, write(2, None, b"a", ["s"]))
        assert await count(store, "s") == 2
        await another.aclose()


class Watched:
    """A store of a user who may be forbidden to have keys tracked, at a time that is moved by hand."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey, self.now = valkey, 0.0
        self.allow("-")
        url = valkey.url.replace("://", "://reader:x@")
        self.store = RedisStore.connect(url, remembers=Remembers(MIB, lambda: self.now))

    def allow(self, sign: str) -> None:
        self._valkey.ask("ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@all", f"{sign}client|tracking")

    def cut(self) -> None:
        """Closes its connections."""
        self._valkey.ask("CLIENT", "KILL", "USER", "reader")

    @property
    def refusals(self) -> int:
        """How often it asked to have keys tracked and was refused."""
        pattern = r"cmdstat_client\|tracking:.*rejected_calls=(\d+)"
        found = re.search(pattern, self._valkey.ask("INFO", "commandstats"))
        return int(found[1]) if found else 0

    async def reads(self) -> tuple[int, int]:
        """How many are in the set, and how many calls it took to read it."""
        before = calls(self._valkey, "mget")
        found = await count(self.store, "s")
        return found, calls(self._valkey, "mget") - before


@pytest.fixture
async def watched(valkey: Valkey) -> AsyncIterator[Watched]:
    made = Watched(valkey)
    yield made
    await made.store.aclose()


async def test_where_the_server_does_not_track_every_view_reads_everything(
    watched: Watched, writer: RedisStore
) -> None:
    for number in (1, 2):
        await apply(writer, write(number, None, b"a", ["s"]))
        assert await watched.reads() == (number, 1)


async def test_a_refusal_is_met_again_after_a_while_and_not_before(watched: Watched) -> None:
    for times in (1, 2, 3):
        await asyncio.gather(*(watched.reads() for _ in range(20)))
        assert watched.refusals == times, "all questions of that while share one refusal"
        watched.now += REFUSED_SECONDS - 0.1
        await watched.reads()
        assert watched.refusals == times
        watched.now += 0.1


async def test_once_it_may_track_again_what_was_read_is_remembered(
    watched: Watched, writer: RedisStore
) -> None:
    await apply(writer, write(1, None, b"a", ["s"]))
    assert await watched.reads() == (1, 1)
    watched.allow("+")
    assert await watched.reads() == (1, 1), "not before its time"
    watched.now += REFUSED_SECONDS
    assert [await watched.reads() for _ in range(2)] == [(1, 1), (1, 0)]


async def test_what_changed_while_it_might_not_track_is_read_again(
    watched: Watched, writer: RedisStore
) -> None:
    watched.allow("+")
    await apply(writer, write(1, None, b"a", ["s"]))
    assert [await watched.reads() for _ in range(2)] == [(1, 1), (1, 0)]
    watched.allow("-")
    watched.cut()
    assert await watched.reads() == (1, 1)
    watched.now += REFUSED_SECONDS
    watched.allow("+")
    await apply(writer, write(2, None, b"a", ["s"]))
    assert [await watched.reads() for _ in range(2)] == [(2, 1), (2, 0)]


async def test_a_refusal_is_told_when_it_begins_and_when_it_is_over(watched: Watched) -> None:
    with logged("stream.store.remembering") as told:
        for _ in range(3):
            await watched.reads()
            watched.now += REFUSED_SECONDS
        watched.allow("+")
        for _ in range(3):
            await watched.reads()
            watched.now += REFUSED_SECONDS
    assert len(told) == 2
    assert "tracks no keys for us" in told[0]
    assert "tracks keys for us again" in told[1]


async def test_no_more_is_remembered_than_the_limit_allows(valkey: Valkey, writer: RedisStore) -> None:
    names = [f"s{at}" for at in range(20)]
    await apply(writer, write(1, None, b"a", names))
    chunk_bytes = 8_192
    store = RedisStore.connect(valkey.url, remembers=remembers(5 * chunk_bytes))
    assert {size(await store.view(APP, sets=names), name) for name in names} == {1}
    before = calls(valkey, "mget")
    await store.view(APP, sets=names[-3:])
    assert calls(valkey, "mget") == before, "the last ones are remembered"
    await store.view(APP, sets=names[:3])
    assert calls(valkey, "mget") == before + 1, "the first ones are not"
    await store.aclose()


async def test_of_apps_that_nobody_is_in_no_length_is_remembered(
    store: RedisStore, writer: RedisStore
) -> None:
    await apply(writer, write(1, None, b"a", ["s"]))
    for app in (APP, *(f"no-app-{at}" for at in range(20))):
        await store.view(app, sets=["s"])
    assert isinstance(store._reader, RememberingReader)
    assert list(store._reader._chunks) == [app_prefix(0, APP)], "any name may be asked for"


def test_what_was_asked_for_longest_ago_goes_first_and_leaves_no_trace() -> None:
    cache = ViewCache(3 * 8_192)
    for name in ("a", "b", "a", "c"):
        entry = cache.entry(name, SetEntry, lambda place, name=name: [] if place else [f"{name}:0"])
        cache.put(entry, entry.decoded({0: b"\1\0"}), [0])
        cache.trim()
    assert cache.remembered() == ["a", "c"]
    assert 2 * 8_192 < cache.size_bytes <= 3 * 8_192
    cache.fall([b"b:0", b"c:0"])
    assert cache.entry("c", SetEntry, lambda place: []).fallen == {0}
    assert cache.entry("a", SetEntry, lambda place: []).fallen == set()
    cache.bytes_max = 0
    cache.trim()
    assert (cache.size_bytes, cache.remembered()) == (0, [])


def test_nobody_can_write_to_what_is_remembered() -> None:
    bitmap, ledger = SetEntry(), LedgerEntry()
    bitmap.keys = ["s:0"]
    with pytest.raises(ValueError, match="read-only"):
        bitmap.decoded({0: b"\1\0"})[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        ledger.decoded({0: {b"1": b"2"}}).amounts[0] = 1
