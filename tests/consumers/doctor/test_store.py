"""Does the doctor see what is wrong with a Redis, on real ones that are wrong?"""

import time
from collections.abc import Callable

import pytest

from consumers.doctor.findings import Finding, Told
from consumers.doctor.store import store_findings
from consumers.identity import claim
from consumers.settings import Settings
from stream.store.protocol import Position, Progress
from stream.store.redis import RedisStore
from tests.cluster import RedisCluster
from tests.servers import Valkey


def settings(url: str, **more: object) -> Settings:
    return Settings(redis_url=url, user_id_secret="0123456789abcdef", **more)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def seen(ours: Settings, at_ms: int | None = None) -> dict[str, list[Finding]]:
    """The findings by what was looked at, those that are all right left out."""
    found: dict[str, list[Finding]] = {}
    for one in (await store_findings(ours, at_ms or now_ms()))[0]:
        if one.told is not Told.OK:
            found.setdefault(one.check, []).append(one)
    return found


async def test_a_server_that_is_as_it_should_be_gives_nothing_to_do(
    make_valkey: Callable[..., Valkey],
) -> None:
    assert await seen(settings(make_valkey(keep=True).url)) == {}


@pytest.mark.parametrize(
    ("check", "told", "word", "configs"),
    [
        (
            "redis memory",
            Told.WRONG,
            "allkeys-lru",
            [("maxmemory", "1gb"), ("maxmemory-policy", "allkeys-lru")],
        ),
        ("redis memory", Told.WARNING, "volatile-ttl", [("maxmemory-policy", "volatile-ttl")]),
        ("redis memory", Told.WRONG, "full", [("maxmemory", "1000000")]),
        ("redis files", Told.WARNING, "nothing on disk", [("appendonly", "no")]),
        ("redis files", Told.WARNING, "snapshots only", [("appendonly", "no"), ("save", "60 1")]),
        (
            "redis listpacks",
            Told.WARNING,
            "hash-max-listpack-entries 8",
            [("hash-max-listpack-entries", "8")],
        ),
    ],
)
async def test_a_setting_that_is_wrong_is_named_with_what_to_do(
    make_valkey: Callable[..., Valkey], check: str, told: Told, word: str, configs: list[tuple[str, str]]
) -> None:
    valkey = make_valkey(keep=True)
    for name, value in configs:
        assert valkey.ask("CONFIG", "SET", name, value) == "+OK\r\n"
    ((name, [one]),) = (await seen(settings(valkey.url))).items()
    assert (name, one.told) == (check, told)
    assert word in one.seen
    assert one.do


async def test_numbers_of_other_settings_are_named_and_nothing_is_claimed(
    make_valkey: Callable[..., Valkey],
) -> None:
    valkey = make_valkey(keep=True)
    ours = settings(valkey.url)
    await seen(ours)
    assert valkey.ask("DBSIZE") == ":0\r\n"
    store = RedisStore.connect(valkey.url)
    await claim(ours, store)
    await store.claim_zone("shop", "UTC")
    await store.aclose()
    assert await seen(ours) == {}
    other = settings(valkey.url, timezone="Asia/Kolkata", families="money", shards=2)
    said = " ".join(one.seen for one in (await seen(other))["identity"])
    assert "families=" in said
    assert "shards=1" in said
    assert "Asia/Kolkata" in said


async def test_what_was_counted_of_a_log_that_is_gone_is_still_known_when_a_new_one_is_counted(
    make_valkey: Callable[..., Valkey],
) -> None:
    ours = settings(make_valkey().url)
    store = RedisStore.connect(ours.redis_url.get_secret_value())
    await claim(ours, store)
    where, old, new = ("sessions", 0), Position(9, "old"), Position(2, "new")
    await store.advance(0, Progress(where, None, old, {"applied": 5, "dead_letters": 3, "erased": 1}))
    await store.advance(0, Progress(where, old, new, {"applied": 2}))
    await store.aclose()
    counted = (await store_findings(ours, now_ms()))[1]
    assert counted is not None
    assert (counted.positions, counted.records) == ({where: new}, 11)
    assert [counted.of_other_logs(log_id) for log_id in ("old", "new")] == [11, 9]


async def test_a_clock_that_differs_is_named_and_a_server_that_is_away_too(
    make_valkey: Callable[..., Valkey],
) -> None:
    valkey = make_valkey(keep=True)
    ours = settings(valkey.url)
    (clock,) = (await seen(ours, now_ms() - 60_000))["clock"]
    assert "ahead" in clock.seen
    (refused,) = (await seen(settings(valkey.url.replace("://", "://nobody:x@"))))["redis"]
    assert refused.told is Told.WRONG
    valkey.kill()
    (away,) = (await seen(ours))["redis"]
    assert away.seen == f"gives no answer: nothing listens at 127.0.0.1:{valkey.port}"


async def test_of_a_cluster_every_master_is_looked_at(masters: RedisCluster) -> None:
    found = await seen(settings(masters.url, shards=2))
    assert len(found["redis files"]) == 3
    assert "RETENTION_SHARDS=16" in found["shards"][0].do
    assert all(str(node.port) in found["replicas"][0].seen for node in masters.masters)
    assert "redis+cluster://" in (await seen(settings(masters.masters[0].url)))["redis"][0].seen
