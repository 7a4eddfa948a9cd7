"""Where does everything listen, and with which settings do the processes of `retention up` run?"""

import errno
from dataclasses import dataclass
from typing import Any, Self

from consumers.local.ports import claim, claimed_port
from consumers.local.servers import HOST, KAFKA_PORT, REDIS_PORT
from consumers.reaching import host_port, reached_host, reached_url
from consumers.settings import Settings, agreed

SESSION_SECONDS = 6.0  # the broker holds every join of a group for half of it
REFRESH = {"exporter_refresh_seconds": 5.0}  # of a machine that people look at


class CannotStart(OSError):
    """`up` ends for a reason that its user can do something about; the text is one line."""


@dataclass(frozen=True)
class Place:
    """The ports of one run, and the settings that say so to its processes."""

    settings: Settings
    kafka_port: int
    redis_port: int

    @classmethod
    def found(cls, settings: Settings, secret: str, http_port: int) -> Self:
        """Ports that are free and promised to no other run: the usual ones, or any.

        Raises CannotStart when the one for the API was asked for and is taken.
        """
        kafka_port, redis_port = claimed_port(KAFKA_PORT), claimed_port(REDIS_PORT)
        local = {
            "kafka": f"{HOST}:{kafka_port}",
            "redis_url": f"redis://{HOST}:{redis_port}/0",
            "user_id_secret": settings.user_id_secret if settings.secret else secret,
            "kafka_security_protocol": "PLAINTEXT",
            "kafka_idempotence": False,
            "http_port": _http_port(settings.http_host, http_port),
            "api_collects": True,
            **_metrics(settings),
            "session_timeout_seconds": SESSION_SECONDS,
        }
        return cls(Settings(**(settings.model_dump() | local)), kafka_port, redis_port)

    @property
    def http_host(self) -> str:
        """Where this machine reaches the roles."""
        return reached_host(self.settings.http_host)

    def where(self) -> dict[str, str]:
        """What other programs on this machine need to know: addresses, and by what events are read and counted."""
        return {
            "http": reached_url(self.settings.http_host, self.settings.http_port),
            "collector": reached_url(self.settings.http_host, self.settings.collector_port),
            "kafka": self.settings.kafka,
            "redis": self.settings.redis_url.get_secret_value(),
            **agreed(self.settings),
        }


def _metrics(settings: Settings) -> dict[str, Any]:
    """The ports of the roles beside the API, whose page joins their metrics."""
    ports = {
        role: claimed_port(port)
        for role, port in (
            ("worker", settings.worker_port),
            ("exporter", settings.exporter_port),
            ("collector", settings.collector_port),
            ("watch", settings.watch_port),
        )
    }
    host = reached_host(settings.http_host)
    often = {} if "exporter_refresh_seconds" in settings.model_fields_set else REFRESH
    found = {f"{role}_port": port for role, port in ports.items()}
    return found | often | {"metrics_from": {role: host_port(host, port) for role, port in ports.items()}}


def _http_port(host: str, port: int) -> int:
    try:
        if port and not claim(port, host):
            raise CannotStart(
                f'port {port} is taken; choose another with --port, 0 is any free one (make up UP="--port 0")'
            )
        return port or claimed_port(0, host)
    except CannotStart:
        raise
    except OSError as error:
        why = errno.errorcode.get(error.errno or 0, "error")
        raise CannotStart(
            f"cannot listen on {host}:{port} ({error.strerror or why}); see --port and RETENTION_HTTP_HOST"
        ) from None
