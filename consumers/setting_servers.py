"""What can be set about the way to the servers: how is Kafka and how is Redis talked to, and who do we say we are?

A part of the table of consumers/settings.py. What would let the network see a password, or trust a server that nobody vouches
for, has to be asked for.
"""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from consumers import setting_values as values
from consumers.setting_kinds import secret

SASL = "SASL_SSL"


class ServerFields(BaseModel):
    """Redis and Kafka: addresses, TLS, users. Values are frozen and checked by `Settings`."""

    redis_url: SecretStr = secret(
        "Redis or Valkey URL; `rediss://` is TLS, user and password (ACL) stand in it. "
        "`redis+cluster://host:port,host:port` (or `rediss+cluster://`) is a Redis Cluster.",
        "redis://:password@redis:6379/0",
    )
    redis_password: SecretStr = secret(
        "Password of the Redis user, where it does not stand in the URL.", "a-long-password"
    )
    redis_ssl_cafile: str = Field(
        "",
        description="CA certificates for `rediss://`; unset uses those of the system.",
        examples=["/etc/redis/ca.pem"],
    )
    redis_ssl_certfile: str = Field(
        "", description="Client certificate for `rediss://`.", examples=["/etc/redis/client.pem"]
    )
    redis_ssl_keyfile: str = Field(
        "", description="Key of that certificate.", examples=["/etc/redis/client.key"]
    )
    kafka_sasl_without_tls: bool = Field(
        False,
        description="Whether SASL_PLAINTEXT is allowed, with which the network can see who we are and what we send.",
        examples=["true"],
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
    kafka_password: SecretStr = secret("SASL password.", "a-long-password")
    kafka_ssl_cafile: str = Field(
        "", description="CA certificates; unset uses those of the system.", examples=["/etc/kafka/ca.pem"]
    )
    kafka_ssl_certfile: str = Field("", description="Client certificate.", examples=["/etc/kafka/client.pem"])
    kafka_ssl_keyfile: str = Field(
        "", description="Key of the client certificate.", examples=["/etc/kafka/client.key"]
    )
    kafka_ssl_key_password: SecretStr = secret("Password of that key, where it has one.", "a-long-password")

    @field_validator("redis_url")
    @classmethod
    def _url(cls, url: SecretStr) -> SecretStr:
        return SecretStr(values.redis_url(url.get_secret_value()))

    @field_validator("redis_password")
    @classmethod
    def _one_password(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        url = info.data.get("redis_url")
        if password.get_secret_value() and url is not None and values.has_password(url.get_secret_value()):
            raise ValueError("RETENTION_REDIS_URL holds a password too: keep one of them")
        return password

    @field_validator(
        "redis_ssl_cafile",
        "redis_ssl_certfile",
        "redis_ssl_keyfile",
        "kafka_ssl_cafile",
        "kafka_ssl_certfile",
        "kafka_ssl_keyfile",
    )
    @classmethod
    def _file(cls, text: str, info: ValidationInfo) -> str:
        if not text:
            return text
        if str(info.field_name).startswith("redis"):
            url = info.data.get("redis_url")
            if url is not None and not url.get_secret_value().startswith("rediss"):
                raise ValueError("is set, but RETENTION_REDIS_URL does not begin with rediss:// (TLS)")
        elif not str(info.data.get("kafka_security_protocol", SASL)).endswith("SSL"):
            raise ValueError(
                "is set, but RETENTION_KAFKA_SECURITY_PROTOCOL is one without TLS; use SSL or SASL_SSL"
            )
        return values.readable_file(text)

    @field_validator("kafka_security_protocol")
    @classmethod
    def _encrypted(cls, protocol: str, info: ValidationInfo) -> str:
        if protocol == "SASL_PLAINTEXT" and not info.data.get("kafka_sasl_without_tls"):
            raise ValueError(
                "lets the network see who we are; use SASL_SSL, or set RETENTION_KAFKA_SASL_WITHOUT_TLS=true"
            )
        return protocol

    @field_validator("kafka_username", "kafka_password")
    @classmethod
    def _sasl(cls, value: str | SecretStr, info: ValidationInfo) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        protocol = str(info.data.get("kafka_security_protocol", ""))
        if protocol.startswith("SASL") and not text:
            raise ValueError(f"is not set, and {protocol} needs it")
        return value
