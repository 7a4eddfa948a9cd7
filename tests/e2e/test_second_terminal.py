"""Rules of commands beside a running `retention up`, from a terminal in which nothing of its settings is set."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.running import Up

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="`up` is for Linux and macOS")]


def test_dates_are_read_in_the_zones_in_which_up_counts(
    up: Callable[..., Up], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as first_terminal:
        first_terminal.setenv("RETENTION_TIMEZONES", "hcm=Asia/Ho_Chi_Minh,ny=America/New_York")
        one = up("--no-demo")
    file = tmp_path / "l2.csv"
    file.write_text("type,user_id,timestamp\ninstall,b,2026-11-20\n")
    for app in ("ny", "hcm"):
        one.run("import", str(file), "--app", app, "--wait")
        answer = one.get(f"/api/v1/retention?app={app}&from=2026-11-18&to=2026-11-22&as_of=2026-11-23")
        assert [row["cohort"] for row in answer["rows"] if row["size"]] == ["2026-11-20"]
    assert "hcm=Asia/Ho_Chi_Minh" in one.run("config")
    assert one.stop() == 0
