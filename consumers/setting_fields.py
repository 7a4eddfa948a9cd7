"""What can be set about the data: where it comes from, where the numbers are kept, and what is counted under which name?

A part of the table of consumers/settings.py.
"""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field, SecretStr, field_validator

from consumers import setting_values as values
from consumers.setting_kinds import secret
from stream.events.schema import DEFAULT_DIMENSIONS
from stream.retention.scope import FAMILIES


class DataFields(BaseModel):
    """Kafka, Redis, apps, zones, dimensions and families. Values are frozen and checked by `Settings`."""

    kafka: str = Field("", description="Kafka bootstrap servers, comma-separated.", examples=["kafka:9092"])
    user_id_secret: SecretStr = secret(
        "Key under which user ids are hashed, at least 16 characters. Numbers and secret belong together: "
        "with another secret every user is a new one, so a worker refuses to start. `retention up` makes its own.",
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
        DEFAULT_DIMENSIONS,
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
    shards: int = Field(
        1,
        ge=1,
        le=256,
        description="Parts over which users are spread in Redis; a change is a rebuild.",
        examples=["1"],
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

    @field_validator("kafka")
    @classmethod
    def _servers(cls, text: str) -> str:
        return values.servers(text)

    @field_validator("user_id_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if 0 < len(secret.get_secret_value()) < 16:
            raise ValueError("is shorter than 16 characters")
        return secret

    @field_validator("topic_prefix", "group")
    @classmethod
    def _kafka_name(cls, text: str) -> str:
        return values.kafka_name(text)

    @field_validator("group")
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
