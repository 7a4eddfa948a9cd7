"""A triangle without users says why, and what it says to ask instead is true: asked here of a real API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.consumers.api.served import served
from tests.consumers.api.test_api import NOW_MS
from tests.consumers.cli import Command, command
from tests.stream.report.counted import install, session

DAYS = ("--from", "2026-11-01", "--to", "2026-11-20")


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    """App `shop` with two installs in 2016, one of them of Android, and a session of somebody who never installed."""
    records = [
        install("anna", "2016-05-10", platform="ios"),
        install("bert", "2016-07-02", platform="android"),
        session("carl", "2026-11-10"),
    ]
    with served(records, now_ms=NOW_MS) as url:
        yield url


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            DAYS,
            "nobody installed app shop in these days; there are some from 2016-05 to 2016-07: "
            "try --from 2016-05-01 --to 2016-07-31",
        ),
        (
            (*DAYS, "--where", "platform:ios"),
            "nobody installed app shop in these days with this --where; there are some in 2016-05: "
            "try --from 2016-05-01 --to 2016-05-31",
        ),
        (
            (*DAYS, "--where", "platform:web"),
            "nobody installed app shop in these days with this --where, nor since 2013-06; "
            "--cohort first_seen begins with any activity",
        ),
        (
            ("--from", "2026-11-01", "--to", "2026-11-02", "--cohort", "first_purchase"),
            "no users of app shop in these days, nor since 2013-06",
        ),
        (
            ("--from", "2026-11-25", "--as-of", "2026-11-21"),
            "no cohort has begun yet: --from 2026-11-25 is after 2026-11-21T00:00:00Z",
        ),
        (("--app", "game", *DAYS), "nothing of app game has been counted; there are shop"),
    ],
)
def test_an_empty_triangle_says_why(
    retention: Command, api: str, options: tuple[str, ...], says: str
) -> None:
    said = retention("report", "--app", "shop", "--url", api, *options)
    assert (said.code, said.err) == (0, says + "\n")


def test_who_does_as_the_hint_says_sees_users(retention: Command, api: str) -> None:
    said = retention("report", "--app", "shop", "--url", api, "--from", "2016-05-01", "--to", "2016-07-31")
    assert (said.code, said.err) == (0, "")


def test_a_key_of_the_app_is_enough(retention: Command) -> None:
    with served([install("anna", "2016-05-10")], now_ms=NOW_MS, read_keys="shop=key-of-shop") as url:
        said = retention("report", "--app", "shop", "--url", url, *DAYS, READ_KEYS="shop=key-of-shop")
    assert "try --from 2016-05-01" in said.err
