"""Which keys can be guessed? Those of the settings that are too short; they are taken all the same."""

from collections.abc import Iterator

from consumers.access import KEY_CHARACTERS_MIN, short
from consumers.settings import Settings, variable


def guessable(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each setting with such a key, as its variable and a sentence that has no key in it."""
    few = f"less than {KEY_CHARACTERS_MIN} characters"
    for name in ("read_keys", "write_keys"):
        if apps := short(getattr(settings, name).get_secret_value()):
            yield variable(name), f"{variable(name)} has a key of {', '.join(apps)} with {few}"
    for name in ("admin_key", "metrics_key"):
        if 0 < len(getattr(settings, name).get_secret_value()) < KEY_CHARACTERS_MIN:
            yield variable(name), f"{variable(name)} has {few}"
