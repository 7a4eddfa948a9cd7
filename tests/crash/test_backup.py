"""Is an old snapshot of Redis a backup? It holds numbers and positions of one moment, and the log has the rest."""

import asyncio
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from consumers.settings import Settings
from stream.store.redis import RedisStore
from tests.consumers.ingest.conftest import own
from tests.crash.answers import answers
from tests.crash.sending import all_counted, hold, send, story
from tests.crash.team import Team
from tests.servers import ApacheKafka, Valkey
from tests.waiting import wait_until

pytestmark = pytest.mark.crash
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


async def test_an_old_snapshot_and_the_log_give_the_same_tables(
    kafka: ApacheKafka, make_valkey: Callable[..., Valkey], tmp_path: Path
) -> None:
    """The steps are those of docs/operations.md: BGSAVE, keep dump.rdb; later stop, begin the append-only file with it, start."""
    valkey = make_valkey(keep=True)
    settings = (await own(kafka)).model_copy(update={"redis_url": Settings(redis_url=valkey.url).redis_url})
    store, records = RedisStore.connect(valkey.url), story(seed=11)
    team = Team(settings, tmp_path)
    team.join()
    team.join()
    third = len(records) // 3
    data, backup = tmp_path / "valkey-0" / "dump.rdb", tmp_path / "backup.rdb"
    try:
        await send(settings, records[:third])
        await all_counted(store, third)
        sending = asyncio.create_task(send(settings, records[third : 2 * third]))
        assert valkey.ask("BGSAVE").startswith(
            "+"
        )  # while it counts: a snapshot is of one moment all the same
        await wait_until(lambda: "rdb_bgsave_in_progress:0" in valkey.ask("INFO", "persistence"))
        shutil.copy(data, backup)
        await sending
        await all_counted(store, 2 * third)
        before, positions = await answers(store), await store.positions()

        valkey.kill()
        restore(data.parent, backup)
        valkey.start()
        await store.aclose()  # its connections are those to the server that was killed
        went_back = await store.positions()
        await wait_until(lambda: went_back_in(tmp_path), 60, what="the workers notice")
        await all_counted(store, 2 * third)
        assert sum(at.next for at in went_back.values()) < sum(at.next for at in positions.values())
        assert await answers(store) == before

        await send(settings, records[2 * third :])
        await all_counted(store, len(records))
        await hold(settings, store, len(records))
    finally:
        team.close()
        await store.aclose()


def restore(directory: Path, backup: Path) -> None:
    """Runs what the page says, as it would run in the container, whose /data is this directory."""
    scripts = re.findall(r"sh -ec '(.*?)' < numbers\.rdb", OPERATIONS.read_text(), re.DOTALL)
    assert len(scripts) == 1
    with backup.open("rb") as numbers:
        script = scripts[0].replace("/data", shlex.quote(str(directory)))
        subprocess.run(["sh", "-ec", script], stdin=numbers, check=True, timeout=60)


def went_back_in(directory: Path) -> bool:
    return any("WentBack" in log.read_text() for log in directory.glob("worker-*.log"))
