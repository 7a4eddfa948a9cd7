"""Every command explains itself, and every failure is one line with its exit code."""

import gzip
from pathlib import Path

import pytest
import typer

from consumers.cli import app
from tests.consumers.cli import Command, command

COMMANDS = [
    "up",
    "worker",
    "api",
    "exporter",
    "watch",
    "collector",
    "import",
    "simulate",
    "report",
    "dead-letters",
    "audit",
    "erase",
    "topics",
    "doctor",
    "config",
]


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


def test_the_commands_are_these(retention: Command) -> None:
    assert list(typer.main.get_command(app).commands) == COMMANDS  # type: ignore[attr-defined]
    said = retention("--help")
    assert said.code == 0
    assert all(f" {name} " in said.out for name in COMMANDS)


def test_the_help_names_every_exit_code(retention: Command) -> None:
    said = " ".join(retention("--help").out.split())
    assert "Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted." in said


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself_with_an_example(retention: Command, name: str) -> None:
    said = retention(name, "--help")
    assert said.code == 0
    assert "Examples:" in said.out
    assert f"retention {name}" in said.out.split("Examples:")[1]


def test_no_command_is_wrong_usage_and_shows_the_help(retention: Command) -> None:
    said = retention()
    assert said.code == 2
    assert "simulate" in said.out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nope"], "No such command 'nope'; see retention --help"),
        (["import"], "Missing argument 'FILE'; see retention import --help"),
        (["report", "--limit", "x"], "Invalid value for '--limit': must be a whole number; see"),
        (["simulate", "--rate", "x"], "Invalid value for '--rate': must be a number; see"),
        (["simulate", "--users", "0"], "Invalid value for '--users': must be 1 or more; see"),
        (["report", "--csv", "--json"], "choose one of --csv, --json, --markdown"),
        (["report", "--url", "foo"], "'foo' is no URL"),
        (["simulate", "--collector", "foo"], "'foo' is no URL: write it like http://127.0.0.1:8081"),
        (["import", "-", "--type", "foo"], "'foo' is none of install, session, purchase, feedback, identity"),
        (["dead-letters", "--topic", "nope"], "'nope' is not one of"),
        (["up", "--ready-file", "/nope/x"], "/nope/x: there is no directory /nope"),
        (["up", "--data-dir", __file__], "is not a directory"),
        (["simulate", "--out", "/nope/x"], "Invalid value for --out: /nope/x: there is no directory /nope"),
        (["simulate", "--answer", "/"], "Invalid value for --answer: /: is a directory"),
        (
            ["import", "-", "--rejects", "/nope/x"],
            "Invalid value for --rejects: /nope/x: there is no directory",
        ),
        (["report", "--where", "country"], "'country' is not NAME:VALUE"),
        (["import", "-", "--map", "a"], "'a' is not LEFT=RIGHT"),
        (["import", "-", "--app", "No"], "'No' is no app id"),
        (["import", "-", "--format", "xml"], "'xml' is neither csv nor ndjson"),
        (["import", "-", "--delimiter", "ab"], "'ab' is not one character; \\t is a tab; see"),
        (["simulate", "--from", "1.2.2026"], "is no date: write 2026-01-31"),
        (["simulate", "--from", "2999-01-01", "--out", "x"], "the simulated days must be over"),
        (
            ["dead-letters", "--reason", "bored"],
            "Invalid value for '--reason': 'bored' is not one of 'not_json', ",
        ),
        (["up", "--port", "99999"], "Invalid value for '--port': must be 65535 or less; see"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(retention: Command, arguments: list[str], line: str) -> None:
    said = retention(*arguments)
    assert said.code == 2
    assert line in said.err
    assert len(said.err.splitlines()) == 1
    assert not said.out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["worker"], "RETENTION_KAFKA, RETENTION_REDIS_URL, RETENTION_USER_ID_SECRET are not set"),
        (["api"], "RETENTION_KAFKA, RETENTION_REDIS_URL are not set"),
        (["collector"], "RETENTION_KAFKA is not set"),
        (["audit"], "RETENTION_REDIS_URL is not set"),
        (["dead-letters"], "RETENTION_KAFKA is not set"),
        (["simulate"], "RETENTION_KAFKA is not set"),
        (["import", "-"], "RETENTION_KAFKA is not set"),
        (["import", "/no/such/file", "--dry-run"], "/no/such/file: No such file or directory"),
        (
            ["report", "--url", "http://127.0.0.1:1"],
            "no answer from http://127.0.0.1:1 (connection refused);",
        ),
        (
            ["report", "--url", "http://no.such.host.invalid"],
            "no answer from http://no.such.host.invalid (name or service not known);",
        ),
    ],
)
def test_a_failure_is_one_line_and_exit_code_1(retention: Command, arguments: list[str], line: str) -> None:
    said = retention(*arguments)
    assert said.code == 1
    assert said.err.startswith("error: ")
    assert line in said.err
    assert len(said.err.splitlines()) == 1


def test_a_server_that_is_away_is_one_line(retention: Command) -> None:
    said = retention("dead-letters", KAFKA="127.0.0.1:1")
    assert said.code == 1
    assert said.err == (
        "error: Kafka at 127.0.0.1:1 cannot be reached or refused (nothing listens at 127.0.0.1:1); "
        "RETENTION_KAFKA says where it is\n"
    )
    said = retention("audit", REDIS_URL="redis://user:hunter2@127.0.0.1:1/0")
    assert said.code == 1
    assert said.err == "error: Redis: nothing listens at 127.0.0.1:1; RETENTION_REDIS_URL says where it is\n"


def test_up_keeps_its_data_where_the_setting_says(retention: Command) -> None:
    said = retention("up", DATA_DIR=__file__)
    assert (said.code, "is not a directory" in said.err) == (2, True)


def test_config_shows_every_setting_with_secrets_masked(retention: Command) -> None:
    said = retention(
        "config", USER_ID_SECRET="0123456789abcdef", TIMEZONE="Asia/Tokyo", KAFKA_PASSWORD="hunter2"
    )
    assert said.code == 0
    assert "RETENTION_TIMEZONE=Asia/Tokyo\n" in said.out
    assert "RETENTION_USER_ID_SECRET=********\n" in said.out
    assert "0123456789abcdef" not in said.out
    assert "hunter2" not in said.out


def test_config_names_a_misspelt_variable(retention: Command) -> None:
    said = retention("config", TIMEZONES_="x", NOTHING_LIKE_IT="x")
    assert said.code == 0
    assert "RETENTION_TIMEZONES_ is no setting; do you mean RETENTION_TIMEZONES?" in said.err
    assert "RETENTION_NOTHING_LIKE_IT is no setting" in said.err


def test_config_says_what_is_wrong(retention: Command) -> None:
    said = retention("config", HTTP_PORT="x")
    assert said.code == 1
    assert said.err.startswith("error: RETENTION_HTTP_PORT=x: ")


def test_the_version_is_said(retention: Command) -> None:
    said = retention("--version")
    assert said.code == 0
    assert said.out.startswith("retention ")


def test_simulate_to_a_file_and_a_dry_run_of_the_import_agree(retention: Command, tmp_path: Path) -> None:
    file, answer = tmp_path / "events.ndjson.gz", tmp_path / "answer.json"
    said = retention(
        "simulate", "--out", file, "--users", 200, "--days", 10, "--from", "2026-01-01", "--answer", answer
    )
    assert said.code == 0
    assert "D1 " in said.out
    counts = {
        name: int(count.replace(",", ""))
        for count, name in (part.split() for part in said.out.split(" in ")[0].split(", "))
    }
    again = retention(
        "simulate", "--out", tmp_path / "again.gz", "--users", 200, "--days", 10, "--from", "2026-01-01"
    )
    assert again.code == 0
    assert (tmp_path / "again.gz").read_bytes() == file.read_bytes(), "the same seed, the same bytes"
    checked = retention("import", file, "--dry-run")
    assert checked.code == 0
    for topic, count in counts.items():
        assert f"{count:,} {topic}" in checked.out


def test_bad_rows_are_named_counted_and_kept_and_the_exit_code_is_1(
    retention: Command, tmp_path: Path
) -> None:
    file, rejects = tmp_path / "x.csv", tmp_path / "rejects"
    good = "e{n},u,session,2026-01-01\n"
    bad = "".join(f"b{n},,session,2026-01-01\n" for n in range(12))
    file.write_text("event_id,user_id,type,timestamp\n" + good.format(n=1) + bad + good.format(n=2))
    said = retention("import", file, "--app", "shop", "--dry-run", "--rejects", rejects)
    assert said.code == 1
    assert "2 sessions would be sent; 12 rows were not sent" in said.out
    lines = said.err.splitlines()
    assert lines[0].startswith("line 3: missing_field")
    assert len(lines) == 11
    assert len(rejects.read_text().splitlines()) == 12


def test_a_cut_gzip_file_is_said(retention: Command, tmp_path: Path) -> None:
    file = tmp_path / "x.csv.gz"
    file.write_bytes(
        gzip.compress(b"event_id,user_id,type,timestamp\n" + b"e,u,session,2026-01-01\n" * 9999)[:-40]
    )
    said = retention("import", file, "--app", "shop", "--dry-run")
    assert said.code == 1
    assert "ends in the middle of its gzip data" in said.err


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("begin", b"\x1f\x8b\x08\x00", "ends in the middle of its gzip data"),
        ("header", b"\x1f\x8bPK" + b"\0" * 20, "holds broken gzip data"),
        ("block", gzip.compress(b"")[:10] + b"\xff" * 20, "holds broken gzip data"),
    ],
)
def test_broken_gzip_data_are_one_line_whatever_the_name_says(
    retention: Command, tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    for file in (tmp_path / f"{name}.gz", tmp_path / f"{name}.csv.gz"):
        file.write_bytes(data)
        told = retention("import", file, "--app", "shop", "--dry-run")
        assert (told.code, told.err) == (1, f"error: {file} {said}: what came before was read\n")


def test_a_file_without_rows_is_a_failure_that_is_said(retention: Command, tmp_path: Path) -> None:
    file = tmp_path / "empty.ndjson"
    file.write_text("\n")
    said = retention("import", file, "--dry-run")
    assert said.code == 1
    assert "empty.ndjson holds no rows" in said.err


def test_a_wrong_mapping_is_one_error_of_usage(retention: Command, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("user,when\n" + "u,2026-01-01\n" * 5)
    said = retention("import", file, "--dry-run", "--map", "user_id=userid")
    assert said.code == 2
    assert "there is no column userid; the columns are user, when" in said.err
    assert len(said.err.splitlines()) == 1
