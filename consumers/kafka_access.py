"""How do we get in at Kafka, and what is said when it does not let us in? TLS, SASL, and the reason of a refusal.

The client says of a refusal only that it could not bootstrap, and its log says why. So after a failed start the door is tried once
more by itself: a wrong password and an untrusted certificate are said as such, since trying again mends neither; so is a server
where nothing listens, or something else than Kafka.
"""

import asyncio
import ssl
from socket import gaierror
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    BrokerResponseError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    UnknownError,
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
    servers = settings.kafka.split(",")
    if settings.kafka_security_protocol != "PLAINTEXT":
        for server in servers:
            why = await _refusal(settings, server)
            if why is not None:
                return KafkaRefused(f"Kafka at {server} {why}")
    if isinstance(error, UnknownError) and settings.kafka_idempotence:
        return KafkaUnavailable(
            f"Kafka at {settings.kafka} fails without saying why: a broker that knows no idempotent producers, as that of "
            f"`retention up`, wants {variable('kafka_idempotence')}=false"
        )
    if isinstance(error, KafkaConnectionError):
        silence = await asyncio.gather(*(_silence(settings, server) for server in servers))
        return _unavailable(settings, ", ".join(dict.fromkeys(silence)))
    return unavailable(settings, error)


async def _silence(settings: Settings, server: str) -> str:
    """Why a server gives no answer, as far as it can be seen from here."""
    host, _, port = server.rpartition(":")
    try:
        async with asyncio.timeout(_TRY_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except ConnectionRefusedError:
        return f"nothing listens at {server}"
    except gaierror:
        return f"there is no host {host}"
    except TimeoutError:
        return f"no answer from {server} within {_TRY_SECONDS} s"
    except OSError as error:
        return f"no connection to {server}: {error.strerror or error}"
    writer.close()
    how = f"{variable('kafka_security_protocol')}={settings.kafka_security_protocol}"
    return f"what listens at {server} does not answer as Kafka does with {how}"


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
    return _unavailable(settings, _words(error))


def _words(error: BaseException) -> str:
    """What a failed call came to; of an answer the word that Kafka's own documentation has for it."""
    if isinstance(error, KafkaTimeoutError | RequestTimedOutError | TimeoutError):
        return "no answer in time"
    if isinstance(error, KafkaConnectionError):
        return "no connection"
    what = ", ".join(map(str, error.args)).split("\n")[0]
    if isinstance(error, BrokerResponseError):
        return f"it answers {error.message}" + (f": {what}" if what else "")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return what or type(error).__name__


def _unavailable(settings: Settings, what: str) -> KafkaUnavailable:
    return KafkaUnavailable(
        f"Kafka at {settings.kafka} cannot be reached or refused ({what}); RETENTION_KAFKA says where it is"
    )
