"""Rules of the data directory: one owner at a time, one secret for ever, no stale address."""

import json
import os
import stat
from pathlib import Path

import pytest

from consumers.local.data_dir import DataDir, InUse, write_json
from consumers.setting_sources import SECRET_FILE, UP_FILE


def test_a_second_owner_is_refused_with_the_first_named(tmp_path: Path) -> None:
    first = DataDir(tmp_path / "d")
    with pytest.raises(InUse, match=f"in use by another `retention up` .process {os.getpid()}.*--data-dir"):
        DataDir(tmp_path / "d")
    first.close()
    DataDir(tmp_path / "d").close()


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    secret = data_dir.secret()
    assert len(secret) == 64
    assert stat.S_IMODE((tmp_path / SECRET_FILE).stat().st_mode) == 0o600
    data_dir.close()
    again = DataDir(tmp_path)
    assert again.secret() == secret
    again.close()


def test_an_address_stands_only_while_it_is_true(tmp_path: Path) -> None:
    (tmp_path / UP_FILE).write_text('{"http": "of a run that was killed"}')
    data_dir = DataDir(tmp_path)
    assert not (tmp_path / UP_FILE).exists()
    data_dir.announce({"http": "here"})
    assert json.loads((tmp_path / UP_FILE).read_text()) == {"http": "here"}
    data_dir.close()
    assert not (tmp_path / UP_FILE).exists()


def test_the_log_of_the_run_before_is_kept_and_no_older_one(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    for text in ("one", "two", "three"):
        data_dir.log("worker").write_text(text)
    assert sorted((f.name, f.read_text()) for f in data_dir.logs.iterdir()) == [
        ("worker.log", "three"),
        ("worker.log.1", "two"),
    ]
    data_dir.close()


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_json(tmp_path / "f", {"a": 1})
    write_json(tmp_path / "f", {"a": 2})
    assert [f.name for f in tmp_path.iterdir()] == ["f"]
    assert json.loads((tmp_path / "f").read_text()) == {"a": 2}
