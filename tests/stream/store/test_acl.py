"""The users of docs/redis-users.acl, on Valkey, and on Redis over TLS: what each of them may do, and above all what not."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import redis.asyncio as aioredis
from redis.exceptions import NoPermissionError, ResponseError

from stream.store.calls import answered
from stream.store.keys import app_prefix, shard_prefix
from stream.store.protocol import StoreRefused, StoreUnavailable
from stream.store.redis import RedisStore
from stream.store.remembering import Remembers
from tests.redis_server import PASSWORDS, SecureRedis
from tests.secure import Certificates
from tests.servers import HOST, Valkey
from tests.stream.store.acl import DOCS, redis_users, replica_line
from tests.stream.store.test_store import write
from tests.waiting import wait_until

ROLES = ("worker", "reader", "admin")
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
    ("GET", "rt5:a:shop:n"),
]
WRITES = [
    ("HSET", APP + "n", "users", "1"),
    ("SET", APP + "d:x", "x"),
    ("DEL", APP + "n"),
    ("SET", LEASE, "x"),
]
READS = [("HGETALL", APP + "n"), ("HGETALL", shard_prefix(0) + "identity"), ("GET", APP + "d:x")]


class KnownValkey(NamedTuple):
    """A Valkey with the users; like SecureRedis, but without TLS."""

    port: int
    trust: Mapping[str, str] = MappingProxyType({})

    def url_of(self, user: str) -> str:
        return f"redis://{user}:{PASSWORDS[user]}@127.0.0.1:{self.port}/0"


As = Callable[[str], "aioredis.Redis"]


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> SecureRedis | KnownValkey:
    """Writes into the folder of the test: an operator has it write files."""
    if request.param == "redis":
        redis: SecureRedis = request.getfixturevalue("secure_redis")
        return redis
    make_valkey: Callable[..., Valkey] = request.getfixturevalue("make_valkey")
    valkey = make_valkey(keep=True)
    redis_users(valkey, **PASSWORDS)
    return KnownValkey(valkey.port)


@pytest.fixture
async def as_(server: SecureRedis | KnownValkey) -> AsyncIterator[As]:
    clients: list[aioredis.Redis] = []

    def client(user: str) -> aioredis.Redis:
        clients.append(aioredis.Redis.from_url(server.url_of(user), driver_info=None, **server.trust))
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
            with pytest.raises((StoreRefused, ResponseError), match=r"Redis refuses|command is not allowed"):
                await answered(run(digest, 0))
    with pytest.raises(NoPermissionError):
        await as_("reader").evalsha(digest, 0)


async def test_without_a_user_nobody_gets_in(server: SecureRedis | KnownValkey) -> None:
    right = server.url_of("worker")
    for url in (
        right.replace(f"worker:{PASSWORDS['worker']}@", ""),
        right.replace(PASSWORDS["worker"], "wrong"),
    ):
        store = RedisStore.connect(url, **server.trust)
        with pytest.raises(StoreRefused, match="Redis refuses") as caught:
            await store.zones()
        assert "wrong" not in str(caught.value).replace("WRONGPASS", "")
        await store.aclose()


def store_of(server: SecureRedis | KnownValkey, user: str, **more: Any) -> RedisStore:
    return RedisStore.connect(server.url_of(user), **more, **server.trust)


async def test_a_reader_waits_for_a_worker_to_begin_and_then_only_looks(
    server: SecureRedis | KnownValkey,
) -> None:
    reader, worker, admin = (store_of(server, user) for user in ("reader", "worker", "admin"))
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


async def test_a_reader_remembers_and_reads_the_records_of_a_set_alone(
    as_: As, server: SecureRedis | KnownValkey
) -> None:
    worker, reader = (
        store_of(server, "worker"),
        store_of(server, "reader", remembers=Remembers(1 << 20, lambda: 0.0)),
    )
    await worker.apply("shop", 0, [write(1, None, b"in", ["s"]), write(2, None, b"out", [])])
    among = (await reader.view("shop", sets=["s"])).sets["s"]
    assert [one.record async for one in reader.stored_users("shop", among)] == [b"in"]
    before = (await as_("worker").info("commandstats"))["cmdstat_mget"]["calls"]
    await reader.view("shop", sets=["s"])
    assert (await as_("worker").info("commandstats"))["cmdstat_mget"]["calls"] == before
    for store in (worker, reader):
        await store.aclose()


async def test_a_store_asks_its_server_for_nothing_but_its_limit_that_its_user_may_not_do(
    as_: As, server: SecureRedis | KnownValkey
) -> None:
    worker, admin = store_of(server, "worker"), store_of(server, "admin")
    reader = store_of(server, "reader", remembers=Remembers(1 << 20, lambda: 0.0))
    await worker.open(IDENTITY)
    await worker.apply("shop", 0, [write(1, None, b"in", ["s"], {"f": 1})])
    for store in (reader, admin):
        await store.open(IDENTITY)
        await store.view("shop", counters=["c"], sets=["s"])
        await store.memory()
    assert await admin.pause(1)
    await admin.stored_counters("shop")
    await admin.resume()
    operator = as_("operator")
    await operator.execute_command("ACL", "SETUSER", "operator", "+acl|log")
    assert {entry["object"] for entry in await operator.acl_log()} == {"config|get"}
    for store in (worker, reader, admin):
        await store.aclose()


async def test_a_replica_follows_as_the_user_of_the_page(
    make_redis: Callable[..., SecureRedis], tmp_path: Path
) -> None:
    certificates = Certificates(tmp_path)
    master, replica = make_redis(certificates), make_redis(certificates)
    for command in (
        ("ACL", "SETUSER", *replica_line("password-of-replica").split()[1:]),
        ("CONFIG", "SET", "repl-diskless-sync-delay", "0"),
        ("CONFIG", "SET", "tls-replication", "yes"),
        ("CONFIG", "SET", "masteruser", "replica", "masterauth", "password-of-replica"),
    ):
        for server in (master, replica):
            assert server.ask(*command) == "+OK\r\n", command
    master.ask("SET", "k", "v")
    assert replica.ask("REPLICAOF", HOST, str(master.port)) == "+OK\r\n"
    await wait_until(lambda: replica.ask("GET", "k") == "$1\r\nv\r\n", what=replica.tail())
    assert master.ask("ACL", "LOG") == "*0\r\n"
