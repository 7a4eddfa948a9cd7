"""The users of docs/redis-users.acl: what each of them may do, and above all what not."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import redis.asyncio as aioredis
from redis.exceptions import NoPermissionError, ResponseError

from stream.store.keys import app_prefix, shard_prefix
from stream.store.protocol import StoreRefused, StoreUnavailable
from stream.store.redis import RedisStore
from tests.servers import Valkey
from tests.stream.store.acl import redis_users
from tests.stream.store.test_store import write

ROLES = {"worker": "password-of-worker", "reader": "password-of-reader", "admin": "password-of-admin"}
USERS = ROLES | {"operator": "password-of-operator"}
DOCS = Path(__file__).parents[3] / "docs"
# A command in a text in backticks, or as a line of its own with what it is for behind it.
_SAID = re.compile(r"`redis-cli ([A-Z][^`]*)`|^    redis-cli ([A-Z].*?)(?:  .*)?$", re.MULTILINE)
IDENTITY = {"layout": "3"}
APP = app_prefix(0, "shop")
LEASE = shard_prefix(0) + "lease"

NOBODY = [
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "save", ""),
    ("ACL", "LIST"),
    ("ACL", "SETUSER", "worker", "allkeys"),
    ("SHUTDOWN",),
    ("MONITOR",),
    ("REPLICAOF", "192.0.2.1", "6379"),
    ("MODULE", "LIST"),
    ("SCRIPT", "FLUSH"),
    ("FUNCTION", "LIST"),
    ("EVAL", "return 1", "0"),
    ("CLIENT", "LIST"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("SAVE",),
    ("SWAPDB", "0", "1"),
    ("PUBLISH", "channel", "x"),
    ("SUBSCRIBE", "channel"),
    ("MIGRATE", "192.0.2.1", "6379", "k", "0", "1"),
    ("GET", "foreign"),
    ("SET", "foreign", "x"),
    ("HGETALL", "session:1"),
    ("DEL", "foreign"),
    ("GET", "rt3:a:shop:n"),
]
WRITES = [
    ("HSET", APP + "n", "users", "1"),
    ("SET", APP + "d:x", "x"),
    ("DEL", APP + "n"),
    ("SET", LEASE, "x"),
]
READS = [("HGETALL", APP + "n"), ("HGETALL", shard_prefix(0) + "identity"), ("GET", APP + "d:x")]

As = Callable[[str], "aioredis.Redis"]


@pytest.fixture
def valkey(make_valkey: Callable[..., Valkey]) -> Valkey:
    """One that writes into the folder of the test: an operator has it write files."""
    return make_valkey(keep=True)


@pytest.fixture
async def as_(valkey: Valkey) -> AsyncIterator[As]:
    redis_users(valkey, **USERS)
    clients: list[aioredis.Redis] = []

    def client(user: str) -> aioredis.Redis:
        clients.append(aioredis.Redis(port=valkey.port, username=user, password=USERS[user]))
        return clients[-1]

    yield client
    for one in clients:
        await one.aclose()


@pytest.mark.parametrize("user", ROLES)
async def test_nobody_may_do_what_no_role_does(as_: As, user: str) -> None:
    client = as_(user)
    for command in NOBODY:
        with pytest.raises(NoPermissionError):
            await client.execute_command(*command)


def said_to_operators() -> list[list[str]]:
    """Every command of Redis that the pages tell, as words."""
    texts = [(DOCS / page).read_text() for page in ("operations.md", "runbook.md")]
    return [shlex.split(one or line) for text in texts for one, line in _SAID.findall(text)]


async def test_what_the_pages_tell_an_operator_only_the_operator_may(as_: As) -> None:
    told = [*said_to_operators(), ["INFO"], ["CONFIG", "SET", "maxmemory-policy", "noeviction"]]
    assert {" ".join(one[:2]) for one in told} >= {
        "BGSAVE",
        "FLUSHALL",
        "CONFIG SET",
        "SLOWLOG GET",
        "ACL SETUSER",
    }
    await as_("operator").execute_command("ACL", "SETUSER", "worker", ">old")
    for command in told:
        for user in ROLES if command != ["INFO"] else ():
            with pytest.raises(NoPermissionError):
                await as_(user).execute_command(*command)
        await as_("operator").execute_command(*command)


async def test_an_operator_reads_and_writes_no_key(as_: As) -> None:
    for command in (*READS, *WRITES, ("EVAL", "return 1", "0"), ("SHUTDOWN",)):
        with pytest.raises(NoPermissionError):
            await as_("operator").execute_command(*command)


async def test_who_may_write_what(as_: As) -> None:
    for user, allowed in {"worker": WRITES, "reader": [], "admin": [("SET", LEASE, "x")]}.items():
        client = as_(user)
        for command in READS:
            await client.execute_command(*command)
        for command in WRITES:
            if command in allowed:
                await client.execute_command(*command)
            else:
                with pytest.raises(NoPermissionError):
                    await client.execute_command(*command)


async def test_a_script_gives_no_right_that_its_caller_has_not(as_: As) -> None:
    for user in ("worker", "reader"):
        client = as_(user)
        for command in (
            "redis.call('FLUSHALL')",
            "redis.call('GET', 'foreign')",
            "redis.call('CONFIG', 'GET', '*')",
        ):
            digest = await client.script_load(f"return {command}")
            run = client.evalsha if user == "worker" else client.evalsha_ro
            with pytest.raises(ResponseError, match=r"ACL|NOPERM|permission|not allowed|Write commands"):
                await run(digest, 0)
    with pytest.raises(NoPermissionError):
        await as_("reader").evalsha(digest, 0)


async def test_without_a_user_nobody_gets_in(as_: As, valkey: Valkey) -> None:
    for url in (valkey.url, f"redis://worker:wrong@127.0.0.1:{valkey.port}/0"):
        store = RedisStore.connect(url)
        with pytest.raises(StoreRefused) as caught:
            await store.zones()
        assert "wrong" not in str(caught.value).replace("WRONGPASS", "")
        await store.aclose()


def store_of(valkey: Valkey, user: str) -> RedisStore:
    return RedisStore.connect(f"redis://{user}:{USERS[user]}@127.0.0.1:{valkey.port}/0")


async def test_a_reader_waits_for_a_worker_to_begin_and_then_only_looks(as_: As, valkey: Valkey) -> None:
    reader, worker, admin = (store_of(valkey, user) for user in ("reader", "worker", "admin"))
    with pytest.raises(StoreUnavailable, match="no worker has begun") as caught:
        await reader.open(IDENTITY)
    assert not isinstance(caught.value, StoreRefused), "a role waits for it"
    await worker.open(IDENTITY)
    await worker.claim_zone("shop", "UTC")
    await reader.open(IDENTITY)
    assert await reader.zones() == {"shop": "UTC"}
    assert await reader.read("shop", 0, [b"u" * 16]) == [None]
    for asked in ({"counters": ["x"]}, {"counters": ["x"], "sets": ["y"], "ledgers": ["z"]}):
        assert (await reader.view("shop", **asked)).version == 0
    with pytest.raises(StoreRefused):
        await reader.pause(1)
    assert await admin.pause(1)
    await admin.resume()
    for store in (reader, worker, admin):
        await store.aclose()


async def test_a_reader_remembers_and_reads_the_records_of_a_set_alone(as_: As, valkey: Valkey) -> None:
    worker = store_of(valkey, "worker")
    reader = RedisStore.connect(
        f"redis://reader:{USERS['reader']}@127.0.0.1:{valkey.port}/0", remembers_bytes_max=1 << 20
    )
    await worker.apply("shop", 0, [write(1, None, b"in", ["s"]), write(2, None, b"out", [])])
    among = (await reader.view("shop", sets=["s"])).sets["s"]
    assert [one.record async for one in reader.stored_users("shop", among)] == [b"in"]
    before = (await as_("worker").info("commandstats"))["cmdstat_mget"]["calls"]
    await reader.view("shop", sets=["s"])
    assert (await as_("worker").info("commandstats"))["cmdstat_mget"]["calls"] == before
    for store in (worker, reader):
        await store.aclose()
