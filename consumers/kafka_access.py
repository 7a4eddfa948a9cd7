"""How do we get in at Kafka, and what is said when it does not let us in? TLS, SASL, and the reason of a refusal.

The client says of a refusal only that it could not bootstrap, and its log says why. So after a failed start the door is tried once
more by itself: a wrong password and an untrusted certificate are said as such, since trying again mends neither.
"""

import ssl
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    BrokerResponseError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from consumers import tls
from consumers.settings import Settings, variable

_TRY_SECONDS = 5
_REFUSALS = (AuthenticationFailedError, SaslAuthenticationFailed, UnsupportedSaslMechanismError)


class KafkaUnavailable(Exception):
    """Kafka cannot be reached or refuses; the text is one line for people."""


class KafkaRefused(KafkaUnavailable):
    """Kafka is there and does not let us in: only other settings, or other rights, mend that."""


def client_options(settings: Settings) -> dict[str, Any]:
    """The keywords that every aiokafka client of ours is made with: servers, TLS, SASL."""
    options: dict[str, Any] = {"bootstrap_servers": settings.kafka.split(",")}
    return options | _door(settings)


def _door(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "security_protocol": settings.kafka_security_protocol,
        "ssl_context": ssl_context(settings),
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return options


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context for Kafka, None without TLS. Raises SettingsError where a file holds something else than it should."""
    if not settings.kafka_security_protocol.endswith("SSL"):
        return None
    return tls.context(settings, "kafka")


async def no_start(settings: Settings, error: Exception) -> KafkaUnavailable:
    """The failed start of a client as one line, and why Kafka did not let us in where that is the reason."""
    if settings.kafka_security_protocol != "PLAINTEXT":
        for server in settings.kafka.split(","):
            why = await _refusal(settings, server)
            if why is not None:
                return KafkaRefused(f"Kafka at {server} {why}")
    return unavailable(settings, error)


async def _refusal(settings: Settings, server: str) -> str | None:
    host, _, port = server.rpartition(":")
    try:
        connection = await create_conn(
            host.strip("[]"), int(port), request_timeout_ms=_TRY_SECONDS * 1000, **_door(settings)
        )
    except ssl.SSLCertVerificationError as error:
        return (
            f"shows a certificate that is not trusted ({error.verify_message}); "
            f"{variable('kafka_ssl_cafile')} names the CA"
        )
    except ssl.SSLError as error:
        return f"does not agree on TLS ({error.reason}); {variable('kafka_security_protocol')} says how to talk to it"
    except _REFUSALS as error:
        who = f"{variable('kafka_username')}, {variable('kafka_password')} and {variable('kafka_sasl_mechanism')}"
        return f"refuses user {settings.kafka_username!r} ({_reason(error)}); {who} say who we are"
    except (KafkaError, OSError, TimeoutError):
        return None
    connection.close()
    return None


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return text if text and not isinstance(error, BrokerResponseError) else type(error).__name__


def unavailable(settings: Settings, error: BaseException) -> KafkaUnavailable:
    """One line for a failed conversation with Kafka."""
    what = str(error).splitlines()[0] if str(error) else type(error).__name__
    return KafkaUnavailable(
        f"Kafka at {settings.kafka} cannot be reached or refused ({what}); RETENTION_KAFKA says where it is"
    )
