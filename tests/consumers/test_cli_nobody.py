"""A triangle without users says why, and what it says to ask instead is true: asked here of a real API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from consumers.cli.views import VIEWS
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
        (
            ("--to", "2030-01-01"),
            "no cohort has begun yet: --to 2030-01-01 and the days before it that are shown are after "
            "2026-11-23T10:00:00Z",
        ),
        (("--app", "game", *DAYS), "nothing of app game has been counted; there are shop"),
    ],
)
def test_an_empty_triangle_says_why(
    retention: Command, api: str, options: tuple[str, ...], says: str
) -> None:
    said = retention("report", "--app", "shop", "--url", api, *options)
    assert (said.code, said.err) == (0, says + "\n")


UNKNOWN = "nothing of app game has been counted; there are shop\n"


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_a_mistyped_app_says_so_instead_of_a_table_of_nobody(
    retention: Command, api: str, view: str
) -> None:
    asked = ("report", view, "--app", "game", "--url", api, "--from", "2026-11-01")
    asked = (*asked, "--a", "A", "--b", "B") if view == "compare" else asked
    assert retention(*asked) == (0, "", UNKNOWN)
    said = retention(*asked, "--json")
    assert (said.code, json.loads(said.out)["known"], said.err) == (0, False, UNKNOWN)


def test_apps_that_the_key_does_not_open_are_not_named(retention: Command) -> None:
    keys = "game=key-of-game,*=key-of-all"
    with served([install("anna", "2016-05-10")], now_ms=NOW_MS, read_keys=keys) as url:
        asked = ("report", "active", "--app", "game", "--url", url)
        assert "shop" not in retention(*asked, API_KEY="key-of-game").err
        assert retention(*asked, API_KEY="key-of-all").err == UNKNOWN


def test_an_app_that_is_configured_is_not_mistyped(retention: Command) -> None:
    with served([install("anna", "2016-05-10")], now_ms=NOW_MS, apps="game,shop") as url:
        said = retention("report", "--app", "game", "--url", url)
    assert (said.code, said.out, said.err) == (0, "", "nothing of app game has been counted yet\n")


def test_who_does_as_the_hint_says_sees_users(retention: Command, api: str) -> None:
    said = retention("report", "--app", "shop", "--url", api, "--from", "2016-05-01", "--to", "2016-07-31")
    assert (said.code, said.err) == (0, "")


def test_a_key_of_the_app_is_enough(retention: Command) -> None:
    with served([install("anna", "2016-05-10")], now_ms=NOW_MS, read_keys="shop=key-of-shop") as url:
        said = retention("report", "--app", "shop", "--url", url, *DAYS, READ_KEYS="shop=key-of-shop")
    assert "try --from 2016-05-01" in said.err


# Nobody of app `shop` was there before the tenth.
UNTIL = ("report", "--app", "shop", "--to", "2026-11-20")
SEEN = (*UNTIL, "--cohort", "first_seen")


def test_the_days_before_the_first_user_are_left_out_where_nobody_asked_for_them(
    retention: Command, api: str
) -> None:
    said = retention(*SEEN, "--url", api)
    assert [line.split()[0] for line in said.out.splitlines()[2:4]] == ["2026-11-10", "2026-11-11"]
    assert said.err == "25 days before the first user left out; --from 2026-10-16 shows all\n"


def test_who_asks_for_days_without_users_gets_them(retention: Command, api: str) -> None:
    said = retention(*SEEN, "--url", api, "--from", "2026-10-16")
    assert said.out.splitlines()[2].startswith("2026-10-16")
    assert said.err == ""


def test_programs_get_every_day(retention: Command, api: str) -> None:
    said = retention(*SEEN, "--url", api, "--csv")
    assert said.out.splitlines()[1].startswith("shop,2026-10-16,")
    assert said.err == ""


def test_of_nobody_there_is_no_table(retention: Command, api: str) -> None:
    said = retention(*UNTIL, "--url", api)
    assert (said.out, said.err[:34]) == ("", "nobody installed app shop in these")


ACTIVE = ("report", "active", "--app", "shop", "--to", "2026-11-20")


def test_days_without_anybody_are_left_out_of_actives_where_nobody_asked_for_them(
    retention: Command, api: str
) -> None:
    said = retention(*ACTIVE, "--url", api)
    dates = [line.split()[0] for line in said.out.splitlines() if line.startswith("2026")]
    assert (dates[0], dates[-1], len(dates)) == ("2026-11-10", "2026-11-20", 11)
    assert said.err == "19 days without anybody at the beginning left out; --from 2026-10-22 shows all\n"
    assert (
        retention(*ACTIVE, "--url", api, "--from", "2026-10-22").out.splitlines()[2].startswith("2026-10-22")
    )
    for form in ("--csv", "--json", "--markdown"):
        said = retention(*ACTIVE, "--url", api, form)
        assert ("2026-10-22" in said.out, said.err) == (True, "")


def test_where_nobody_was_active_there_is_no_table_of_that(retention: Command, api: str) -> None:
    said = retention("report", "active", "--app", "shop", "--to", "2026-05-01", "--url", api)
    assert (said.out, said.err) == ("", "nobody of app shop was active from 2026-04-02 to 2026-05-01\n")
