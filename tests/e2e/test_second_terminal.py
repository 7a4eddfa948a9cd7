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


def test_what_the_workers_refuse_is_said_and_is_sent_back_only_once(
    up: Callable[..., Up], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as first_terminal:
        first_terminal.setenv("RETENTION_APPS", "shop")
        one = up("--no-demo")
    file = tmp_path / "half.csv"
    file.write_text("type,user_id,timestamp,app_id\n" + "".join(
        f"install,u{n},2026-11-20,{app}\n" for n, app in enumerate(["shop"] * 2 + ["shpo"] * 148)
    ))  # fmt: skip
    good = tmp_path / "good.csv"
    good.write_text("type,user_id,timestamp,app_id\ninstall,u,2026-11-20,shop\n")
    said = one.ran("import", str(file), "--wait")
    assert (said.returncode, said.stdout.splitlines()[-1]) == (1, "all of it is counted")
    assert "148 rows were not sent" in said.stdout

    # Whoever names the servers is beside no `up`, and knows nothing of its apps.
    monkeypatch.setenv("RETENTION_KAFKA", one.where["kafka"])
    monkeypatch.setenv("RETENTION_KAFKA_IDEMPOTENCE", "false")
    said = one.ran("import", str(file), "--wait")
    assert said.returncode == 1
    assert said.stdout.splitlines()[-1] == (
        "2 events counted, 148 refused (unknown_app); `retention dead-letters` shows them"
    )
    for _ in range(2):
        assert one.run("dead-letters", "--replay") == "148 installs sent back\n"
        one.run("import", str(good), "--wait")
        assert "20 of 148 shown" in one.run("dead-letters")
    monkeypatch.delenv("RETENTION_KAFKA")
    assert one.run("dead-letters", "--replay") == "nothing sent back\n"
    assert one.stop() == 0
