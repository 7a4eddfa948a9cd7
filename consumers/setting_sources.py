"""From where do settings come? The environment, files that variables name, and a `retention up` that runs in the data directory."""

import contextlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

# In the data directory while `retention up` runs: {"http": ..., "kafka": ..., "redis": ..., and every field of AGREED}
UP_FILE = "up.json"
# The fields by which an event is found, read and counted: who sends, counts and shows must mean the same by them.
AGREED = (
    "topic_prefix", "group", "apps", "timezone", "timezones", "dimensions", "families", "earliest", "shards",
)  # fmt: skip
SECRET_FILE = "user-id-secret"  # noqa: S105 a file name; in the data directory, made once by `retention up`
FILE_BYTES_MAX = 1024 * 1024


class SettingsError(Exception):
    """A setting is missing or wrong. The text is one line per problem and says which variable to change."""


def from_environment(
    variables: Mapping[str, str], secrets: Collection[str], env: Mapping[str, str]
) -> dict[str, Any]:
    """What the environment says of each field.

    `variables` names the variable of every field, `secrets` are the fields that may stand in a file. Raises SettingsError.
    """
    given: dict[str, Any] = {}
    for name, variable in variables.items():
        text, file = env.get(variable, ""), env.get(f"{variable}_FILE", "") if name in secrets else ""
        if text and file:
            raise SettingsError(f"{variable} and {variable}_FILE are both set: keep one of them")
        if file:
            text = _content(f"{variable}_FILE", file)
        if text.strip():  # an empty variable is an unset one, as in compose files
            given[name] = text.strip()
    return given


def _content(variable: str, file: str) -> str:
    try:
        with Path(file).open(encoding="utf-8") as opened:
            text = opened.read(FILE_BYTES_MAX)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise SettingsError(f"{variable}={file}: {why}; name a file that can be read") from None
    if not text.strip():
        raise SettingsError(f"{variable}={file}: the file is empty; put the secret into it")
    return text


def running(data_dir: Path) -> dict[str, str]:
    """Where the `retention up` of this data directory listens (http, kafka, redis), and the fields of AGREED as texts.

    Empty when none has run.
    """
    try:
        said = json.loads((data_dir / UP_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}


def from_up(data_dir: Path, up: Mapping[str, str]) -> dict[str, Any]:
    """What a running `retention up` says of each field; `up` is as `running` gives it. Empty when none has run."""
    if not up:
        return {}
    found: dict[str, Any] = {
        "kafka": up.get("kafka", ""),
        "redis_url": up.get("redis", ""),
        "kafka_idempotence": False,
        **{name: up[name] for name in AGREED if up.get(name)},
    }
    with contextlib.suppress(OSError):  # `need` names the variable when a command cannot do without
        found["user_id_secret"] = (data_dir / SECRET_FILE).read_text().strip()
    return found
