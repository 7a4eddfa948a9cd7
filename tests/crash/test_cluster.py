"""Does a Redis Cluster count what one server counts, also when masters die, and replicas take over that had not got everything?"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from consumers.settings import Settings
from stream.store.redis import RedisStore
from tests.cluster import RedisCluster, SecureCluster
from tests.consumers.ingest.conftest import own
from tests.crash.answers import answers
from tests.crash.sending import all_counted, hold, send, story
from tests.crash.team import Team
from tests.servers import ApacheKafka, Broker, Valkey
from tests.waiting import wait_until

pytestmark = pytest.mark.crash

SHARDS = 16


def at(settings: Settings, url: str, **more: object) -> Settings:
    """The same topics, counted into another store."""
    return settings.model_copy(update={"redis_url": Settings(redis_url=url).redis_url, **more})


def by_a_worker(settings: Settings, cluster: RedisCluster, **more: object) -> Settings:
    """The same topics, counted into a cluster by whom it lets in for that."""
    url, trust = url_of(cluster, "worker")
    files = {"redis_ssl_cafile": trust["ssl_ca_certs"]} if trust else {}
    return at(settings, url, shards=SHARDS, **files, **more)


def store_of(cluster: RedisCluster, user: str) -> RedisStore:
    """The numbers as a user sees them."""
    url, trust = url_of(cluster, user)
    return RedisStore.connect(url, SHARDS, **trust)


@pytest.fixture(params=["masters", "secure_masters"])
def three(request: pytest.FixtureRequest) -> RedisCluster | SecureCluster:
    """Three masters; then three where a worker, an auditor and a reader come in over TLS, each as itself."""
    return request.getfixturevalue(request.param)


def url_of(cluster: RedisCluster, user: str) -> tuple[str, dict[str, str]]:
    """Where a user comes in, and whom it trusts."""
    return (cluster.url_of(user), cluster.trust) if isinstance(cluster, SecureCluster) else (cluster.url, {})


async def test_a_cluster_gives_the_answers_of_one_server(
    broker: Broker, valkey: Valkey, three: RedisCluster, tmp_path: Path
) -> None:
    settings, records = await own(broker), story(seed=5)
    one = RedisStore.connect(valkey.url)
    stores = {user: store_of(three, user) for user in ("reader", "admin")}
    teams = []
    for name, ours, workers in (
        ("one", at(settings, valkey.url, group="one"), 1),
        ("many", by_a_worker(settings, three, group="many"), 2),
    ):
        (tmp_path / name).mkdir()
        teams.append(Team(ours, tmp_path / name))
        for _ in range(workers):
            teams[-1].join()
    try:
        await send(settings, records)
        await asyncio.gather(all_counted(one, len(records)), all_counted(stores["reader"], len(records)))
        assert await answers(stores["reader"]) == await answers(one)
        await hold(settings, stores["admin"], len(records))
    finally:
        for team in teams:
            team.close()
        for store in (one, *stores.values()):
            await store.aclose()


@pytest.mark.parametrize(
    ("kind", "is_behind"),
    [(RedisCluster, False), (RedisCluster, True), (SecureCluster, True)],
    ids=["up_to_date", "behind", "behind_and_closed"],
)
async def test_a_fail_over_loses_nothing_and_what_the_replica_lacked_is_counted_again(
    kafka: ApacheKafka,
    make_cluster: Callable[..., RedisCluster],
    tmp_path: Path,
    kind: type[RedisCluster],
    is_behind: bool,
) -> None:
    cluster = make_cluster(kind)
    settings, records = by_a_worker(await own(kafka), cluster), story(seed=7)
    lost = cluster.master_of(0)
    store, team = store_of(cluster, "admin"), Team(settings, tmp_path)
    team.join()
    team.join()
    half = len(records) // 2
    try:
        await send(settings, records[:half])
        await all_counted(store, half)
        if is_behind:
            cluster.leave_behind(lost)
        await send(settings, records[half:])
        if is_behind:
            await all_counted(store, len(records))  # acknowledged, and on the master alone
        await asyncio.to_thread(cluster.fail_over, lost)
        if is_behind:
            await wait_until(lambda: went_back(tmp_path), 60, what="a worker sees that positions went back")
            moved_back = re.findall(
                r"was counted up to (\d+), the store has Position\(next=(\d+)", logs(tmp_path)
            )
            assert moved_back, "by how much is in the log"
            assert all(int(stored) < int(counted) for counted, stored in moved_back)
            assert any(int(stored) for _, stored in moved_back), "the replica had what it was sent before"
        await all_counted(store, len(records))
        await hold(settings, store, len(records))
        assert went_back(tmp_path) == is_behind
    finally:
        team.close()
        await store.aclose()


def logs(directory: Path) -> str:
    return "".join(log.read_text() for log in sorted(directory.glob("worker-*.log")))


def went_back(directory: Path) -> bool:
    return "WentBack" in logs(directory)
