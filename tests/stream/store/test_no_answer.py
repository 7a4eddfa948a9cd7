"""TLS on one side only, and a certificate that is missing, are said as what they are; a server that is away is waited for."""

import pytest

from stream.store.protocol import IdentityMismatch, StoreRefused, StoreUnavailable
from stream.store.redis import RedisStore
from tests.cluster import RedisCluster, SecureCluster
from tests.redis_server import SecureRedis
from tests.servers import HOST, Valkey
from tests.waiting import Proxy

TIMEOUT_SECONDS = 1.0


async def said(url: str, kind: type[Exception], **files: str) -> str:
    store = RedisStore.connect(
        url, 16, timeout_seconds=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, **files
    )
    with pytest.raises(kind) as caught:
        await store.zones()
    await store.aclose()
    return str(caught.value)


async def test_a_server_with_tls_says_which_scheme_it_wants(secure_redis: SecureRedis) -> None:
    line = await said(f"redis://worker:hidden@{HOST}:{secure_redis.port}/0", IdentityMismatch)
    assert (
        line
        == f"Redis at {HOST}:{secure_redis.port} speaks TLS: RETENTION_REDIS_URL must begin with rediss://"
    )


async def test_a_server_without_tls_says_which_scheme_it_wants(valkey: Valkey) -> None:
    valkey.ask("CONFIG", "SET", "requirepass", "something")
    line = await said(f"rediss://worker:hidden@{HOST}:{valkey.port}/0", IdentityMismatch)
    assert line.endswith(f"{valkey.port} does not speak TLS: RETENTION_REDIS_URL must begin with redis://")


async def test_a_cluster_says_it_too(masters: RedisCluster, secure_masters: SecureCluster) -> None:
    plain = secure_masters.url_of("worker").replace("rediss", "redis")
    assert (await said(plain, IdentityMismatch)).endswith("must begin with rediss+cluster://")
    line = await said(masters.url.replace("redis", "rediss"), IdentityMismatch)
    assert line.endswith("must begin with redis+cluster://")


async def test_a_password_is_never_sent_the_other_way(secure_redis: SecureRedis) -> None:
    await said(f"redis://worker:hidden@{HOST}:{secure_redis.port}/0", IdentityMismatch)
    assert secure_redis.ask("ACL", "LOG") == "*0\r\n"


async def test_a_server_that_hangs_up_or_is_away_is_waited_for(valkey: Valkey) -> None:
    async with Proxy(valkey.port) as proxy:
        proxy.refuse = True
        for scheme in ("redis", "rediss"):
            await said(f"{scheme}://{HOST}:{proxy.port}/0", StoreUnavailable)
    valkey.kill()
    await said(valkey.url, StoreUnavailable)


async def test_a_server_that_has_answered_is_not_doubted(valkey: Valkey) -> None:
    async with Proxy(valkey.port) as proxy:
        store = RedisStore.connect(f"redis://{HOST}:{proxy.port}/0", timeout_seconds=TIMEOUT_SECONDS)
        await store.zones()
        proxy.refuse = True
        proxy.cut()
        before = proxy.connections
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.zones()
        assert proxy.connections <= before + 2, (
            "one for each call at most: nobody looks whether it speaks TLS"
        )
        await store.aclose()


async def test_a_server_that_wants_to_know_who_comes_says_so(secure_redis: SecureRedis) -> None:
    url, trust = secure_redis.url_of("worker"), secure_redis.trust
    secure_redis.ask("CONFIG", "SET", "tls-auth-clients", "yes")
    assert "wants a client certificate" in await said(url, StoreRefused, **trust)
    pem = str(secure_redis.certificates.client_pem())
    store = RedisStore.connect(url, **trust, ssl_certfile=pem, ssl_keyfile=pem)
    assert await store.zones() == {}
    await store.aclose()
