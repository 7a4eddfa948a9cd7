"""What can be set about the roles: where do they listen, whom do they let in, how much do they take?

A part of the table of consumers/settings.py.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from consumers import setting_values as values
from consumers.access import Keys
from consumers.setting_kinds import port, secret


class RoleFields(BaseModel):
    """Addresses, ports, keys, limits and the log of the processes. Values are frozen and checked by `Settings`."""

    admin_key: SecretStr = secret(
        "Who shows it (`Authorization: Bearer KEY`) may erase users over HTTP; unset, nobody may."
    )
    write_keys: SecretStr = secret(
        "Keys with which apps may send events to the collector (`Authorization: Bearer KEY`), `app=key,...`; "
        "a key names one app, an app may have several. Unset, nobody is asked for one.",
        "shop=$(openssl rand -hex 32)",
    )
    read_keys: SecretStr = secret(
        "Keys with which the numbers of apps may be read (`Authorization: Bearer KEY`), `app=key,...`, `*=key` of all "
        "apps; an app may have several. Unset, nobody is asked for one.",
        "shop=$(openssl rand -hex 32),*=$(openssl rand -hex 32)",
    )
    api_key: SecretStr = secret(
        "The key that commands (`retention report`) show to the API; unset, one of RETENTION_READ_KEYS.",
        "$(cat key-of-shop)",
    )
    metrics_key: SecretStr = secret(
        "Where set, `/metrics` of every role is answered only to who shows it (`Authorization: Bearer KEY`)."
    )
    http_host: str = Field(
        "127.0.0.1",
        description="Address on which every role listens.",
        examples=["0.0.0.0"],  # noqa: S104 an example
    )
    http_names: tuple[str, ...] = Field(
        (),
        description="Host names under which every role answers, comma-separated, beside localhost and addresses. "
        "Unset, any name where RETENTION_HTTP_HOST can be reached from other machines, and no other where it cannot.",
        examples=["retention.example.com"],
    )
    http_port: int = port(8080, "the API")
    collector_port: int = port(8081, "the collector")
    collector_events_per_second: int = Field(
        10_000,
        ge=0,
        description="How many events a second one write key may send for long (all senders together where there are no keys); each "
        "process counts for itself. The excess is answered 429. 0 is no limit.",
        examples=["2000"],
    )
    collector_in_flight_events: int = Field(
        20_000,
        ge=1_000,
        description="How many events may wait for Kafka's acknowledgement at once; more are answered 429.",
        examples=["50000"],
    )
    cors_origins: tuple[str, ...] = Field(
        (),
        description="Web pages that may send events, by origin; `*` is every page. Unset, none but pages of the same address.",
        examples=["https://shop.example,https://www.shop.example"],
    )
    api_collects: bool = Field(
        False,
        description="Whether the API's port takes events as the collector's does; so it is in `retention up`.",
        examples=["true"],
    )
    worker_port: int = port(8083, "a worker's probes and metrics", ", for a second worker on one machine")
    remembers_mib: int = Field(
        256,
        ge=0,
        le=65_536,
        description="How many MiB of sets and ledgers the API remembers from one answer to the next; what has changed is read "
        "again. 0 remembers nothing.",
        examples=["1024"],
    )
    data_dir: Path = Field(
        Path(".retention"),
        description="Where `retention up` keeps its data and says where it runs.",
        examples=[".retention"],
    )
    log_format: Literal["console", "json"] = Field(
        "console",
        description="How a process writes it: a line of text for people, or `json`, an object a line.",
        examples=["json"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What a process writes to standard error.", examples=["debug"]
    )

    @field_validator("http_host")
    @classmethod
    def _host(cls, text: str) -> str:
        if not text:
            raise ValueError("must not be empty")
        return text

    @field_validator("write_keys")
    @classmethod
    def _keys_of_one_app(cls, keys: SecretStr) -> SecretStr:
        Keys.parse(keys.get_secret_value(), one_app=True)
        return keys

    @field_validator("read_keys")
    @classmethod
    def _keys(cls, keys: SecretStr) -> SecretStr:
        Keys.parse(keys.get_secret_value())
        return keys

    @field_validator("http_names", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return tuple(name.lower() for name in values.words(value))

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        return values.origins(value)
