"""How is the Faust app of a worker made? A factory; importing this module makes none."""

import ssl
from collections.abc import Sequence
from typing import Any

import faust
from faust.types.auth import CredentialsT
from mode.supervisors import CrashingSupervisor
from yarl import URL

from consumers.ingest.agents import FIRST, Counter, add_agents
from consumers.ingest.fetching import FETCH_BYTES_MAX, Intake
from consumers.ingest.slices import SLICES_PER_TOPIC_MAX, Budget
from consumers.ingest.transport import SliceTransport
from consumers.kafka_access import ssl_context
from consumers.settings import Settings

BUDGET_BYTES = 64 * 1024 * 1024
COMMIT_SECONDS = 2.0
# While the store is away nothing is polled for as long as it takes; the group must not think that the worker
# is lost.
MAX_POLL_SECONDS = 7 * 24 * 3600.0


class IngestApp(faust.App):  # type: ignore[misc]  # Faust has no types that hold
    """A Faust app that leaves no directory behind."""

    def _create_directories(self) -> None:
        # Faust makes a data directory where the process stands; without tables there is nothing to put there.
        return


def build_app(
    settings: Settings, counter: Counter, topics: Sequence[str], *, budget_bytes: int = BUDGET_BYTES
) -> faust.App:
    """The app with one agent per topic. `topics` are named without their prefix; other agents may be added to it."""
    urls = [URL(f"kafka://{server}") for server in settings.kafka.split(",")]
    app = IngestApp(
        settings.group,
        broker=urls,
        broker_credentials=credentials(settings, ssl_context(settings)),
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=min(3.0, settings.session_timeout_seconds / 4),
        broker_rebalance_timeout=max(60.0, settings.session_timeout_seconds),
        broker_request_timeout=max(90.0, settings.session_timeout_seconds),
        broker_max_poll_interval=MAX_POLL_SECONDS,
        broker_commit_interval=COMMIT_SECONDS,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES_MAX,
        processing_guarantee="at_least_once",
        agent_supervisor=CrashingSupervisor,
        stream_wait_empty=True,  # without it a slice in work is acked and committed at shutdown
        stream_buffer_maxsize=SLICES_PER_TOPIC_MAX,
        topic_disable_leader=True,
        topic_allow_declare=False,  # topics are made by `consumers.kafka`, with settings that Faust does not know
        web_enabled=False,  # Faust's own listens on 0.0.0.0 and shows tables
        store="memory://",
        table_standby_replicas=0,  # with standbys Faust brings its own assignor, which insists on equal partition counts
        autodiscover=False,
    )
    full = [settings.topic(topic) for topic in topics]
    budget, ahead = Budget(budget_bytes), settings.topic(FIRST)
    intake = Intake(frozenset(full), counter.read_from, counter.revoked, budget, ahead)
    app.transport = SliceTransport(urls, app, intake)
    add_agents(app, full, counter)
    return app


def credentials(settings: Settings, context: ssl.SSLContext | None) -> CredentialsT | None:
    """Faust's form of the Kafka credentials. SASL without a TLS context would send the password in clear."""
    if settings.kafka_security_protocol.startswith("SASL"):
        options: dict[str, Any] = {
            "username": settings.kafka_username,
            "password": settings.kafka_password.get_secret_value(),
            "mechanism": settings.kafka_sasl_mechanism,
        }
        return faust.SASLCredentials(**options, ssl_context=context)
    return faust.SSLCredentials(context) if context is not None else None
