"""Do the numbers come out exact when everything fails at once? Workers, store and broker, while events are being sent.

Both brokers, four partitions a topic, at least two workers; records on wrong partitions, with wrong keys and without one, repeats,
garbage of every reason, fuzzed bytes and a message of 10 MB among them. Held against a count by hand of the same records.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from consumers.settings import Settings
from stream.store.redis import RedisStore
from tests.consumers.ingest.conftest import own
from tests.crash.sending import all_counted, hold, story
from tests.crash.team import Storm, Team
from tests.servers import KafkaLike, Valkey

pytestmark = pytest.mark.crash


@pytest.fixture
async def settings(server: KafkaLike, make_valkey: Callable[..., Valkey]) -> tuple[Settings, Valkey]:
    valkey = make_valkey("--appendfsync", "always", keep=True)
    return (
        (await own(server)).model_copy(update={"redis_url": Settings(redis_url=valkey.url).redis_url}),
        valkey,
    )


@pytest.fixture(params=["broker", "kafka"])
def server(request: pytest.FixtureRequest) -> KafkaLike:
    found: KafkaLike = request.getfixturevalue(request.param)
    return found


async def test_the_tables_are_exact_whatever_fails(
    settings: tuple[Settings, Valkey], server: KafkaLike, tmp_path: Path, crash_runs: int
) -> None:
    ours, valkey = settings
    records = story(seed=crash_runs)
    store = RedisStore.connect(valkey.url)
    team = Team(ours, tmp_path)
    team.join()
    team.join()
    storm = Storm(team, store, valkey, server, crash_runs)
    try:
        await storm.blow(ours, records)
        await all_counted(store, len(records))
        await hold(ours, store, len(records))
    finally:
        team.close()
        await store.aclose()
