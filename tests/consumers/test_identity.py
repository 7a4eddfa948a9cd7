"""Data that was counted otherwise is refused with all that differs and the shortest way back."""

import pytest

from consumers.identity import identity, other_identity, other_zones
from consumers.settings import Settings


def test_numbers_of_the_same_settings_are_no_problem() -> None:
    settings = Settings(timezones={"game": "Asia/Tokyo"})
    stored = identity(settings) | {"zone:game": "Asia/Tokyo", "zone:demo": "UTC"}
    assert other_identity(settings, stored) is None
    assert other_identity(settings, {}) is None


def test_where_all_apps_have_one_zone_the_default_is_set_back() -> None:
    said = other_zones(Settings(timezone="Asia/Tokyo"), {"demo": "UTC", "crash": "UTC"})
    assert said == (
        "the days of these apps were counted in other zones than the settings say: "
        "crash, demo in UTC, not Asia/Tokyo. Set RETENTION_TIMEZONE back to UTC"
    )


@pytest.mark.parametrize(
    ("settings", "stored", "way"),
    [
        (
            Settings(timezone="Asia/Tokyo"),
            {"a": "UTC", "b": "Europe/Berlin", "c": "Asia/Tokyo"},
            "a in UTC, not Asia/Tokyo; b in Europe/Berlin, not Asia/Tokyo. Set RETENTION_TIMEZONES=a=UTC,b=Europe/Berlin",
        ),
        (
            Settings(timezones={"a": "Asia/Tokyo", "x": "Europe/Paris"}),
            {"a": "UTC", "b": "UTC"},
            "a in UTC, not Asia/Tokyo. Set RETENTION_TIMEZONES=a=UTC,x=Europe/Paris",
        ),
    ],
)
def test_else_every_app_that_differs_gets_its_zone_and_what_was_set_stays(
    settings: Settings, stored: dict[str, str], way: str
) -> None:
    said = other_zones(settings, stored)
    assert said is not None
    assert said.endswith(way)
    name, _, zones = way.rpartition(" ")[2].partition("=")
    assert name == "RETENTION_TIMEZONES"
    mended = settings.model_copy(update={"timezones": dict(one.split("=") for one in zones.split(","))})
    assert other_zones(mended, stored) is None, "whoever does as told is let in"


def test_many_apps_are_not_all_named() -> None:
    said = other_zones(Settings(timezone="Asia/Tokyo"), {f"app{n:02}": "UTC" for n in range(25)})
    assert said is not None
    assert "app08, app09 and 15 more in UTC" in said


def test_another_secret_is_named_before_zones() -> None:
    stored = identity(Settings(user_id_secret="0123456789abcdef")) | {"zone:a": "Asia/Tokyo"}
    said = other_identity(Settings(user_id_secret="another-0123456789"), stored)
    assert said is not None
    assert said.startswith("the numbers were counted with secret=")
