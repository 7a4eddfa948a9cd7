"""Settings: from the environment, from files, from a running `up`; and what people are told when one is wrong."""

import json
from pathlib import Path

import pytest

from consumers.setting_fields import DataFields
from consumers.setting_sources import AGREED, SECRET_FILE, UP_FILE, SettingsError
from consumers.settings import (
    Settings,
    agreed,
    environment,
    load,
    unknown,
    variable,
)

SECRET = "a-secret-of-twenty-characters"


def said(env: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(env, use_up=False)
    return str(caught.value)


def test_without_any_variable_every_setting_has_its_default() -> None:
    assert load({}, use_up=False) == Settings()


def test_a_variable_is_the_prefix_and_the_field_in_capitals() -> None:
    assert load({"RETENTION_HTTP_PORT": "9000"}, use_up=False).http_port == 9000


def test_an_empty_variable_is_an_unset_one() -> None:
    assert load({"RETENTION_HTTP_PORT": " ", "RETENTION_APPS": ""}, use_up=False) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("HTTP_PORT", "abc", "must be a whole number"),
        ("HTTP_PORT", "65536", "must be 65535 or less"),
        ("KAFKA", "kafka", "'kafka' is not host:port"),
        ("KAFKA", "kafka:99999", "not host:port"),
        ("TIMEZONE", "Mars/Olympus", "'Mars/Olympus' is no time zone"),
        ("TIMEZONE", "../etc/passwd", "no time zone"),
        ("TIMEZONES", "shop", "'shop' is not app=Zone"),
        ("TIMEZONES", "shop=Nowhere", "'Nowhere' is no time zone"),
        ("APPS", "Shop", "'Shop' is no app id"),
        ("DIMENSIONS", "country,user_id", "'user_id' cannot be a dimension"),
        ("DIMENSIONS", ",".join(f"d{n}" for n in range(33)), "33 dimensions are more than 32"),
        ("EARLIEST", "yesterday", "neither a date"),
        ("TOPIC_PREFIX", "a b", "letters, digits"),
        ("SHARDS", "0", "must be 1 or more"),
        ("WATCH_SETTLE_HOURS", "-1", "must be 0 or more"),
        ("KAFKA_SECURITY_PROTOCOL", "TLS", "'PLAINTEXT'"),
        ("LOG_LEVEL", "loud", "'debug'"),
        ("EXPORTER_DAYS", "1,x", "'x' is no day below 60"),
        ("EXPORTER_DAYS", "1,60", "'60' is no day below 60"),
        ("EXPORTER_DAYS", ",".join(map(str, range(21))), "21 days; name 1 to 20"),
        ("EXPORTER_VALUES", "101", "must be 100 or less"),
        ("EXPORTER_DIMENSIONS", "a,b,c,d,e,f", "6 dimensions are more than 5"),
        ("METRICS_FROM", "worker", "'worker' is not role=host:port"),
        ("METRICS_FROM", "api=h:1", "'api' is none of worker, exporter"),
        ("METRICS_FROM", "worker=h", "'h' is not host:port"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable_the_value_and_an_example(
    name: str, text: str, why: str
) -> None:
    line = said({f"RETENTION_{name}": text})
    assert line.startswith(f"RETENTION_{name}={text}: ")
    assert why in line
    assert f"; for example RETENTION_{name}=" in line
    assert "\n" not in line


def test_every_wrong_value_gets_its_line() -> None:
    assert len(said({"RETENTION_HTTP_PORT": "x", "RETENTION_SHARDS": "x"}).splitlines()) == 2


def test_a_wrong_secret_is_not_repeated() -> None:
    for name, value in (("USER_ID_SECRET", "too-short"), ("REDIS_URL", "http://u:hunter2@h/")):
        line = said({f"RETENTION_{name}": value})
        assert line.startswith(f"RETENTION_{name}: ")
        assert value not in line
        assert "hunter2" not in line


@pytest.mark.parametrize("path", ["", "/", "/0", "/15", "/1?socket_timeout=3"])
def test_a_database_of_redis_is_a_number(path: str) -> None:
    load({"RETENTION_REDIS_URL": f"redis://h:1{path}"}, use_up=False)
    wrong = f"redis://h:1/x{path}"
    assert "the number of a database" in said({"RETENTION_REDIS_URL": wrong})


def test_lists_and_pairs_are_taken_apart() -> None:
    settings = load(
        {
            "RETENTION_APPS": "shop, game",
            "RETENTION_TIMEZONES": "game=America/New_York, shop=Asia/Kolkata",
            "RETENTION_DIMENSIONS": "plan,country,plan",
            "RETENTION_EARLIEST": "2015-03-01",
            "RETENTION_KAFKA": "a:1, b:2",
        },
        use_up=False,
    )
    assert settings.apps == {"shop", "game"}
    assert settings.zone_name("game") == "America/New_York"
    assert settings.zone_name("else") == "UTC"
    assert settings.dimensions == ("plan", "country")
    assert settings.earliest_ms == 1_425_168_000_000
    assert settings.kafka == "a:1,b:2"


def test_more_cells_than_one_answer_holds_are_refused_before_the_first_question() -> None:
    most = {"RETENTION_EXPORTER_COHORTS": "400", "RETENTION_EXPORTER_DAYS": ",".join(map(str, range(20)))}
    assert "11 values of 400 cohorts on 20 days are more than 100,000 cells" in said(
        most | {"RETENTION_EXPORTER_VALUES": "11"}
    )
    assert load(most, use_up=False).exporter_values == 10


def test_days_are_numbers_in_order_and_may_be_written_as_labels_are() -> None:
    settings = load({"RETENTION_EXPORTER_DAYS": "30,07,7,01"}, use_up=False)
    assert settings.exporter_days == (1, 7, 30)
    assert load(environment(settings), use_up=False) == settings


def test_none_of_something_reaches_a_child_as_none_and_not_as_the_default() -> None:
    settings = load({"RETENTION_EXPORTER_DIMENSIONS": "none", "RETENTION_FAMILIES": "none"}, use_up=False)
    assert settings.exporter_dimensions == settings.families == frozenset()
    assert load(environment(settings), use_up=False) == settings


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().kafka = "x:1"  # type: ignore[misc]


def test_secrets_are_masked_in_repr_in_text_and_in_what_is_shown() -> None:
    settings = load(
        {
            "RETENTION_USER_ID_SECRET": SECRET,
            "RETENTION_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "RETENTION_KAFKA_USERNAME": "worker",
            "RETENTION_KAFKA_PASSWORD": "hunter2",
            "RETENTION_WRITE_KEYS": "shop=hunter2",
            "RETENTION_READ_KEYS": "shop=hunter2",
            "RETENTION_REDIS_URL": "rediss://worker:hunter2@redis:6380/1?password=hunter2",
        },
        use_up=False,
    )
    shown = settings.shown()
    for text in (repr(settings), str(settings), str(shown), settings.model_dump_json()):
        assert SECRET not in text
        assert "hunter2" not in text
    assert shown["RETENTION_REDIS_URL"] == "rediss://********@redis:6380/1"
    assert settings.secret == SECRET.encode()


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(SECRET + "\n")
    assert (
        load({"RETENTION_USER_ID_SECRET_FILE": str(tmp_path / "s")}, use_up=False).secret == SECRET.encode()
    )


def test_a_secret_in_two_places_or_in_a_missing_file_is_said(tmp_path: Path) -> None:
    both = {"RETENTION_USER_ID_SECRET": SECRET, "RETENTION_USER_ID_SECRET_FILE": "x"}
    assert "are both set" in said(both)
    assert "No such file" in said({"RETENTION_USER_ID_SECRET_FILE": str(tmp_path / "no")})


def test_an_empty_file_is_no_secret_and_does_not_open_what_it_should_close(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(" \n")
    assert "the file is empty" in said({"RETENTION_READ_KEYS_FILE": str(tmp_path / "s")})


def test_a_wrong_key_is_named_by_its_number_and_not_repeated() -> None:
    for name in ("READ_KEYS", "WRITE_KEYS"):
        line = said({f"RETENTION_{name}": "shop=one,hunter2"})
        assert line.startswith(f"RETENTION_{name}: entry 2 is not app=key")
        assert "hunter2" not in line
    assert "entry 1" in said({"RETENTION_WRITE_KEYS": "*=a-key-of-all-apps"})


def test_every_key_of_a_list_is_a_secret_of_its_own_however_it_is_parted() -> None:
    keys = ["key-of-shop-1234==", "key-of-game-1234", "key-of-chess-1234"]
    text = f"shop={keys[0]}\ngame={keys[1]}, chess={keys[2]}"
    assert {*keys} <= {*Settings(read_keys=text).secrets()}


def test_what_is_needed_and_empty_is_named_all_at_once() -> None:
    with pytest.raises(SettingsError, match="RETENTION_KAFKA, RETENTION_USER_ID_SECRET are not set"):
        load(
            {"RETENTION_REDIS_URL": "redis://h"}, need=("kafka", "redis_url", "user_id_secret"), use_up=False
        )


def running(directory: Path) -> dict[str, str]:
    where = {"http": "http://127.0.0.1:1", "kafka": "127.0.0.1:2", "redis": "redis://127.0.0.1:3/0"}
    (directory / UP_FILE).write_text(json.dumps(where))
    (directory / SECRET_FILE).write_text(SECRET + "\n")
    return {"RETENTION_DATA_DIR": str(directory)}


def test_what_is_unset_comes_from_a_running_up(tmp_path: Path) -> None:
    settings = load(running(tmp_path), need=("kafka", "redis_url", "user_id_secret"))
    assert settings.kafka == "127.0.0.1:2"
    assert settings.redis_url.get_secret_value() == "redis://127.0.0.1:3/0"
    assert settings.secret == SECRET.encode()
    assert not settings.kafka_idempotence, "the embedded broker cannot"


def test_the_environment_wins_over_a_running_up(tmp_path: Path) -> None:
    settings = load(running(tmp_path) | {"RETENTION_KAFKA": "kafka:9092"})
    assert settings.kafka == "kafka:9092"
    assert settings.kafka_idempotence
    assert settings.redis_url.get_secret_value() == "redis://127.0.0.1:3/0"


COUNTS = {
    "RETENTION_TOPIC_PREFIX": "p.",
    "RETENTION_GROUP": "g",
    "RETENTION_APPS": "ny,hcm",
    "RETENTION_TIMEZONE": "Asia/Tokyo",
    "RETENTION_TIMEZONES": "hcm=Asia/Ho_Chi_Minh,ny=America/New_York",
    "RETENTION_DIMENSIONS": "platform,plan",
    "RETENTION_FAMILIES": "none",
    "RETENTION_EARLIEST": "2015-03-01",
    "RETENTION_SHARDS": "3",
}


def counting(directory: Path, env: dict[str, str]) -> dict[str, str]:
    """The environment beside an `up` that was started with `env`."""
    beside = running(directory)
    where = json.loads((directory / UP_FILE).read_text()) | agreed(load(env, use_up=False))
    (directory / UP_FILE).write_text(json.dumps(where))
    return beside


def test_how_a_running_up_counts_is_how_commands_beside_it_do(tmp_path: Path) -> None:
    beside, theirs = counting(tmp_path, COUNTS), load(COUNTS, use_up=False)
    settings = load(beside)
    assert {name: getattr(settings, name) for name in AGREED} == {
        name: getattr(theirs, name) for name in AGREED
    }
    assert load(beside | COUNTS) == settings, "saying the same is no disagreement"


def test_every_setting_of_the_data_is_agreed_on_or_decides_nothing_about_numbers() -> None:
    assert {variable(name) for name in AGREED} == COUNTS.keys()
    servers = {"kafka", "user_id_secret", "kafka_idempotence"}  # `up` tells of them in ways of their own
    making = {"partitions", "replication_factor", "session_timeout_seconds"}
    assert set(DataFields.model_fields) == {*AGREED} | servers | making


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_who_says_otherwise_than_a_running_up_is_told_what_to_unset(tmp_path: Path, name: str) -> None:
    beside = counting(tmp_path, {})
    with pytest.raises(SettingsError, match=f"^{name}=.*{tmp_path} was started with.*; unset it here"):
        load(beside | {name: COUNTS[name]})
    given = {name: COUNTS[name]}
    assert agreed(load(beside | given, agree=False)) == agreed(load(given, use_up=False))


@pytest.mark.parametrize("server", [{"RETENTION_KAFKA": "k:1"}, {"RETENTION_REDIS_URL": "redis://h"}])
def test_with_other_servers_a_running_up_says_nothing_about_counting(
    tmp_path: Path, server: dict[str, str]
) -> None:
    beside = counting(tmp_path, COUNTS) | server
    assert load(beside).timezones == {}
    assert load(beside | {"RETENTION_TIMEZONE": "Asia/Kolkata"}).timezone == "Asia/Kolkata"


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_up_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / UP_FILE).write_text(content)
    assert load({"RETENTION_DATA_DIR": str(tmp_path)}).kafka == ""


def test_the_environment_of_a_child_gives_the_same_settings(tmp_path: Path) -> None:
    settings = load(
        running(tmp_path)
        | {"RETENTION_APPS": "b,a", "RETENTION_TIMEZONES": "a=Asia/Tokyo", "RETENTION_EARLIEST": "2015-03-01"}
    )
    assert load(environment(settings), use_up=False) == settings


def test_variables_that_are_none_of_ours_are_named() -> None:
    env = {
        "RETENTION_KAFKKA": "",
        "RETENTION_KAFKA": "",
        "RETENTION_USER_ID_SECRET_FILE": "",
        "RETENTION_GROUP_FILE": "",
        "HOME": "",
    }
    assert unknown(env) == ["RETENTION_GROUP_FILE", "RETENTION_KAFKKA"]


def test_every_setting_says_what_it_is_and_has_an_example() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, variable(name)
        assert field.examples, variable(name)


def test_the_watch_tests_segments_and_days_that_can_be_tested() -> None:
    found = Settings(watch_segments="platform:ios,country:a%2Cb", watch_days="7,1")
    assert found.watch_populations == {
        "": (),
        "platform:ios": (("platform", "ios"),),
        "country:a%2Cb": (("country", "a,b"),),
    }
    assert found.watch_days == (1, 7)
    wrong = {
        "watch_segments": ["ios", "platform:", ",".join(f"plan:{n}" for n in range(11))],
        "watch_days": ["0", "61", "x", "1,2,3,4,5,6,7,8,9"],
        "webhook_url": ["ftp://example.org", "example.org"],
    }
    for name, texts in wrong.items():
        for text in texts:
            with pytest.raises(ValueError, match=name):
                Settings(**{name: text})
