"""Numbers that were counted otherwise end `up` before any role starts: one line, and no promise that the broker cannot keep."""

import asyncio
from pathlib import Path

import pytest

from consumers.identity import identity
from consumers.local.data_dir import DataDir
from consumers.local.place import CannotStart
from consumers.local.servers import Missing
from consumers.local.up import Options, run
from consumers.settings import Settings
from consumers.stores import connect
from tests.servers import Valkey, missing

SETTINGS = Settings(user_id_secret="0123456789abcdef")


async def counted(url: str, *apps: str) -> None:
    store = connect(SETTINGS.model_copy(update={"redis_url": Settings(redis_url=url).redis_url}))
    await store.open(identity(SETTINGS))
    for app in apps:
        await store.claim_zone(app, "UTC")
    await store.aclose()


def test_another_zone_is_said_once_for_all_apps_and_no_role_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = DataDir(tmp_path)
    try:
        before = Valkey(data_dir.store, keep=True)
        before.start()
        asyncio.run(counted(before.url, "crash", "demo"))
        before.stop()
        other = SETTINGS.model_copy(update={"timezone": "Asia/Tokyo"})
        with pytest.raises(CannotStart) as refused:
            run(other, data_dir, Options(0, False, None))
    except Missing as error:
        missing(str(error))
    finally:
        data_dir.close()
    assert str(refused.value) == (
        "the days of these apps were counted in other zones than the settings say: crash, demo in UTC, not Asia/Tokyo. "
        "Set RETENTION_TIMEZONE back to UTC; or begin anew with another --data-dir"
    )
    assert capsys.readouterr().err == ""
    assert {name: (data_dir.logs / f"{name}.log").read_text() for name in ("worker", "api", "watch")} == {
        "worker": "",
        "api": "",
        "watch": "",
    }
