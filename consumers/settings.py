"""What can be set, what is it set to, and which variable do I change when it is wrong?

One table: every field of `Settings` is one environment variable, RETENTION_ plus its name in capitals. docs/settings.md is made
from it. Nothing else in the product reads the environment. Secrets may also come from a file (RETENTION_..._FILE), and what is
unset is taken from a running `retention up` in the data directory, so that a second terminal just works.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from consumers import setting_values as values
from consumers.access import Keys
from consumers.setting_sources import SettingsError, from_environment, from_up
from stream.retention.scope import FAMILIES

PREFIX = "RETENTION_"
DIMENSIONS = ("platform", "country", "source", "campaign", "app_version", "variant")


class Settings(BaseModel):
    """The effective settings of one process, frozen. Build it with `load()`; tests may call it with keywords."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    kafka: str = Field("", description="Kafka bootstrap servers, comma-separated.", examples=["kafka:9092"])
    redis_url: SecretStr = Field(
        SecretStr(""),
        description="Redis or Valkey URL; `rediss://` is TLS, user and password (ACL) stand in it.",
        examples=["redis://:password@redis:6379/0"],
    )
    user_id_secret: SecretStr = Field(
        SecretStr(""),
        description="Key under which user ids are hashed, at least 16 characters. Numbers and secret belong together: "
        "with another secret every user is a new one, so a worker refuses to start. `retention up` makes its own.",
        examples=["$(openssl rand -hex 32)"],
    )
    admin_key: SecretStr = Field(
        SecretStr(""),
        description="Who shows it (`Authorization: Bearer KEY`) may erase users over HTTP; unset, nobody may.",
        examples=["$(openssl rand -hex 32)"],
    )
    write_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys with which apps may send events to the collector (`Authorization: Bearer KEY`), `app=key,...`; "
        "a key names one app, an app may have several. Unset, nobody is asked for one.",
        examples=["shop=$(openssl rand -hex 32)"],
    )
    topic_prefix: str = Field("", description="Put before the name of every topic.", examples=["prod."])
    group: str = Field("retention", description="Consumer group of the workers.", examples=["retention"])
    apps: frozenset[str] | None = Field(
        None,
        description="The only app ids that are counted, comma-separated; unset counts every app.",
        examples=["shop,game"],
    )
    timezone: str = Field(
        "UTC", description="Time zone in which the days of an app begin.", examples=["Asia/Ho_Chi_Minh"]
    )
    timezones: dict[str, str] = Field(
        {},
        description="Time zones of single apps, `app=Zone,...`.",
        examples=["game=America/New_York,shop=Asia/Kolkata"],
    )
    dimensions: tuple[str, ...] = Field(
        DIMENSIONS,
        description="Fields of events that are kept as segments.",
        examples=["platform,country,plan"],
    )
    families: frozenset[str] = Field(
        frozenset(FAMILIES),
        description="What is counted besides users and days: `elapsed` (windows of 24 hours), `feedback`, `hours`, `money`. "
        "Fewer take less memory and time; a change is a rebuild.",
        examples=["money,hours"],
    )
    earliest: datetime = Field(
        datetime(2000, 1, 1, tzinfo=UTC),
        description="Events before this date (or RFC 3339 time) are dead letters, reason `too_old`.",
        examples=["2015-01-01"],
    )
    http_host: str = Field(
        "127.0.0.1",
        description="Address on which every role listens.",
        examples=["0.0.0.0"],  # noqa: S104 an example
    )
    http_port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="Port of the API; 0 is any free one.",
        examples=["8080"],
    )
    worker_port: int = Field(
        8083,
        ge=0,
        le=65535,
        description="Port of a worker's probes and metrics; 0 is any free one, for a second worker on one machine.",
        examples=["8083"],
    )
    shards: int = Field(
        1,
        ge=1,
        le=256,
        description="Parts over which users are spread in Redis; a change is a rebuild.",
        examples=["1"],
    )
    data_dir: Path = Field(
        Path(".retention"),
        description="Where `retention up` keeps its data and says where it runs.",
        examples=[".retention"],
    )
    partitions: int = Field(
        4, ge=1, le=4096, description="Partitions of topics that we create.", examples=["12"]
    )
    replication_factor: int = Field(
        0,
        ge=0,
        le=32767,
        description="Copies of topics that we create; 0 is 3, or one per broker where there are fewer.",
        examples=["3"],
    )
    session_timeout_seconds: float = Field(
        30.0,
        ge=1,
        le=1800,
        description="After this long without a sign a worker's partitions go to another.",
        examples=["30"],
    )
    kafka_idempotence: bool = Field(
        True,
        description="Producers write idempotently; `false` for brokers that cannot (the embedded one).",
        examples=["false"],
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to Kafka.", examples=["SASL_SSL"]
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512",
        description="SASL mechanism, where the protocol is a SASL one.",
        examples=["SCRAM-SHA-512"],
    )
    kafka_username: str = Field("", description="SASL user.", examples=["retention"])
    kafka_password: SecretStr = Field(
        SecretStr(""), description="SASL password.", examples=["a-long-password"]
    )
    kafka_ssl_cafile: str = Field(
        "", description="CA certificates; unset uses those of the system.", examples=["/etc/kafka/ca.pem"]
    )
    kafka_ssl_certfile: str = Field("", description="Client certificate.", examples=["/etc/kafka/client.pem"])
    kafka_ssl_keyfile: str = Field(
        "", description="Key of the client certificate.", examples=["/etc/kafka/client.key"]
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What a process writes to standard error.", examples=["debug"]
    )

    @field_validator("kafka")
    @classmethod
    def _servers(cls, text: str) -> str:
        return values.servers(text)

    @field_validator("redis_url")
    @classmethod
    def _url(cls, url: SecretStr) -> SecretStr:
        return SecretStr(values.redis_url(url.get_secret_value()))

    @field_validator("user_id_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if 0 < len(secret.get_secret_value()) < 16:
            raise ValueError("is shorter than 16 characters")
        return secret

    @field_validator("write_keys")
    @classmethod
    def _keys_of_one_app(cls, keys: SecretStr) -> SecretStr:
        Keys.parse(keys.get_secret_value(), one_app=True)
        return keys

    @field_validator("topic_prefix", "group")
    @classmethod
    def _kafka_name(cls, text: str) -> str:
        return values.kafka_name(text)

    @field_validator("group", "http_host")
    @classmethod
    def _not_empty(cls, text: str) -> str:
        if not text:
            raise ValueError("must not be empty")
        return text

    @field_validator("apps", mode="before")
    @classmethod
    def _apps(cls, value: Any) -> Any:
        return frozenset(values.app_id(app) for app in values.words(value)) or None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return values.zone_name(name)

    @field_validator("timezones", mode="before")
    @classmethod
    def _zones(cls, value: Any) -> Any:
        return values.zone_names(value)

    @field_validator("dimensions", mode="before")
    @classmethod
    def _dimensions(cls, value: Any) -> Any:
        return values.dimensions(value)

    @field_validator("families", mode="before")
    @classmethod
    def _families(cls, value: Any) -> Any:
        return values.families(value)

    @field_validator("earliest", mode="before")
    @classmethod
    def _earliest(cls, value: Any) -> Any:
        return values.moment(value)

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

    def shown(self) -> dict[str, str]:
        """Every variable with its effective value as text, secrets masked."""
        return {variable(name): _shown(name, getattr(self, name)) for name in type(self).model_fields}


def load(env: Mapping[str, str] | None = None, *, need: Iterable[str] = (), use_up: bool = True) -> Settings:
    """The settings of this process.

    Args:
        env: variables to read instead of the environment.
        need: fields that must not be empty.
        use_up: whether what is unset comes from a running `retention up` in the data directory.
    Raises SettingsError with one line per problem.
    """
    env = os.environ if env is None else env
    names = Settings.model_fields
    given = from_environment(
        {name: variable(name) for name in names}, {name for name in names if is_secret(name)}, env
    )
    if use_up:
        found = from_up(Path(str(given.get("data_dir", ".retention"))))
        if "kafka" in given:
            found.pop("kafka_idempotence", None)  # that was said of the embedded broker only
        given = found | given
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_problem(dict(one), given) for one in error.errors())) from None
    return settings.need(*need)


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


def _problem(error: dict[str, Any], given: Mapping[str, Any]) -> str:
    name = str(error["loc"][0])
    message = str(error["msg"]).removeprefix("Value error, ")
    said = "" if is_secret(name) else f"={given.get(name, '')}"
    example = Settings.model_fields[name].examples or [""]
    return f"{variable(name)}{said}: {message[:1].lower()}{message[1:]}; for example {variable(name)}={example[0]}"


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _shown(name: str, value: Any) -> str:
    text = values.text(_plain(value))
    if not is_secret(name) or not text:
        return text
    return values.masked_url(text) if name == "redis_url" else values.MASK
