"""What can be set about the roles: where do they listen, whom do they let in, how much do they take?

The other half of the table of consumers/settings.py; what is set about the data is setting_fields.py.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from consumers.access import Keys


class RoleFields(BaseModel):
    """Addresses, ports, keys, limits and the log of the processes. Values are frozen and checked by `Settings`."""

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
    data_dir: Path = Field(
        Path(".retention"),
        description="Where `retention up` keeps its data and says where it runs.",
        examples=[".retention"],
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
