"""What can be set, what is it set to, and which variable do I change when it is wrong?

One table, its parts in the files setting_fields.py, _servers.py, _roles.py, _exporter.py and _watch.py: every field of `Settings`
is one environment variable, RETENTION_ plus its name in capitals. docs/settings.md is made from it. Nothing else in the product
reads the environment.
Secrets may also come from a file (RETENTION_..._FILE), and what is unset is taken from a running `retention up` in the data
directory, so that a second terminal just works and means the same.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, SecretStr, ValidationError

from consumers import setting_values as values
from consumers.setting_exporter import ExporterFields
from consumers.setting_fields import DataFields
from consumers.setting_roles import RoleFields
from consumers.setting_servers import ServerFields
from consumers.setting_sources import AGREED, SettingsError, from_environment, from_up, running
from consumers.setting_watch import WatchFields
from consumers.wanted import wanted

PREFIX = "RETENTION_"


class Settings(WatchFields, ExporterFields, RoleFields, ServerFields, DataFields):
    """The effective settings of one process, frozen. Build it with `load()`; tests may call it with keywords."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    @property
    def earliest_ms(self) -> int:
        """`earliest` as epoch milliseconds."""
        return int(self.earliest.timestamp() * 1000)

    @property
    def secret(self) -> bytes:
        """The key of user ids, as bytes."""
        return self.user_id_secret.get_secret_value().encode()

    def zone_name(self, app: str) -> str:
        """The name of the time zone in which the app's days begin."""
        return self.timezones.get(app, self.timezone)

    def topic(self, name: str) -> str:
        """The topic's name in Kafka, prefix and all."""
        return self.topic_prefix + name

    def need(self, *names: str) -> "Settings":
        """These settings, or a SettingsError that names every one of `names` that is empty."""
        empty = [variable(name) for name in names if not _plain(getattr(self, name))]
        if empty:
            verb = "is" if len(empty) == 1 else "are"
            raise SettingsError(
                f"{', '.join(empty)} {verb} not set, and no `retention up` is running in {self.data_dir} "
                f"(see `retention config`; {variable('data_dir')} names another directory)"
            )
        return self

    def secrets(self) -> list[str]:
        """What must never be seen: every secret that is set, the parts of lists and the password of a URL too."""
        texts = [_plain(getattr(self, name)) for name in type(self).model_fields if is_secret(name)]
        return [secret for text in texts for secret in values.secret_parts(text)]

    def shown(self) -> dict[str, str]:
        """Every variable with its effective value as text, secrets masked."""
        return {variable(name): _shown(name, getattr(self, name)) for name in type(self).model_fields}


def load(
    env: Mapping[str, str] | None = None, *, need: Iterable[str] = (), use_up: bool = True, agree: bool = True
) -> Settings:
    """The settings of this process.

    Args:
        env: variables to read instead of the environment.
        need: fields that must not be empty.
        use_up: whether what is unset comes from a running `retention up` in the data directory.
        agree: whether it is an error that the environment says otherwise how that one reads and counts.
    Raises SettingsError with one line per problem.
    """
    env = os.environ if env is None else env
    names = Settings.model_fields
    given = from_environment(
        {name: variable(name) for name in names}, {name for name in names if is_secret(name)}, env
    )
    up: dict[str, str] = {}
    if use_up:
        data_dir = Path(str(given.get("data_dir", ".retention")))
        up = running(data_dir)
        if "kafka" in given or "redis_url" in given:  # other servers: how that one counts means nothing there
            up = {name: text for name, text in up.items() if name not in AGREED}
        found = from_up(data_dir, up)
        if "kafka" in given:
            found.pop("kafka_idempotence", None)  # that was said of the embedded broker only
        given = found | given
    try:
        settings = Settings(**given)
        problems = list(_other_than(up, settings)) if agree else []
    except ValidationError as error:
        raise SettingsError("\n".join(_problem(dict(one), given) for one in error.errors())) from None
    if problems:
        raise SettingsError("\n".join(problems))
    return settings.need(*need)


def agreed(settings: Settings) -> dict[str, str]:
    """By which fields an event is read and counted, as texts: what `retention up` tells to commands of other terminals."""
    return {name: values.text(getattr(settings, name)) for name in AGREED}


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a child process exactly these settings, secrets in clear: never print it."""
    return {variable(name): values.text(_plain(getattr(settings, name))) for name in Settings.model_fields}


def variable(name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + name.upper()


def is_secret(name: str) -> bool:
    """Whether the field is masked and has a ..._FILE variable."""
    return Settings.model_fields[name].annotation is SecretStr


def unknown(env: Mapping[str, str] | None = None) -> list[str]:
    """Variables that look like ours and are none: most likely misspelt."""
    known = {variable(name) for name in Settings.model_fields}
    known |= {variable(name) + "_FILE" for name in Settings.model_fields if is_secret(name)}
    return sorted(
        name for name in (os.environ if env is None else env) if name.startswith(PREFIX) and name not in known
    )


def _other_than(up: Mapping[str, str], settings: Settings) -> Iterator[str]:
    """A line for every field of AGREED by which a running `up` (as `running` gives it) counts otherwise than these settings."""
    for name in (one for one in AGREED if one in up):
        given: dict[str, Any] = {name: up[name]} if up[name] else {}
        theirs = getattr(Settings(**given), name)
        if getattr(settings, name) != theirs:
            said = f"with {variable(name)}={values.text(theirs)}" if values.text(theirs) else "without it"
            yield (
                f"{variable(name)}={values.text(getattr(settings, name))}: the `retention up` that runs in "
                f"{settings.data_dir} was started {said}; unset it here, or start `up` anew with it"
            )


def _problem(error: dict[str, Any], given: Mapping[str, Any]) -> str:
    name = str(error["loc"][0])
    said = "" if is_secret(name) else f"={given.get(name, '')}"
    example = Settings.model_fields[name].examples or [""]
    return f"{variable(name)}{said}: {wanted(error)}; for example {variable(name)}={example[0]}"


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _shown(name: str, value: Any) -> str:
    text = values.text(_plain(value))
    if not is_secret(name) or not text:
        return text
    return values.masked_url(text) if name == "redis_url" else values.MASK
