"""How are the long-running roles started? `up` all of them on this machine, the others one against real servers."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.console import check_writable, settings
from consumers.settings import load


def up(
    port: Annotated[int, typer.Option(help="Port of the API; 0 is any free one.", min=0, max=65535)] = 8080,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where numbers, secret, up.json and logs/ are kept; by default RETENTION_DATA_DIR (.retention)."
        ),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="Whether an app named demo gets live traffic.")
    ] = True,
    ready_file: Annotated[
        Path | None, typer.Option(help="Gets the URLs as JSON once everything is ready; removed at the stop.")
    ] = None,
) -> None:
    """Start everything on this machine: broker, store, worker, API and demo traffic.

    Prints one line with the URLs once numbers can be asked for; Ctrl-C stops all of it. A second `up` on the same data directory
    keeps the numbers and counts what comes. What the processes say stands in logs/ of the data directory.

    Examples:

        retention up
        retention up --no-demo --port 9000 --data-dir ~/retention
    """
    from consumers import local

    found = load(use_up=False)
    data_dir = found.data_dir if data_dir is None else data_dir
    if data_dir.exists() and not data_dir.is_dir():
        raise typer.BadParameter(f"{data_dir} is not a directory", param_hint="--data-dir")
    check_writable(ready_file, "--ready-file")
    local.up(found, port=port, data_dir=data_dir, demo=demo, ready_file=ready_file)


def worker() -> None:
    """Count events: read Kafka, write Redis.

    Start as many as there are partitions to share; a second one on the same machine needs RETENTION_WORKER_PORT=0 (any free port).
    Stops cleanly on Ctrl-C or SIGTERM; SIGKILL is harmless too. Probes and metrics are on RETENTION_WORKER_PORT.

    Examples:

        export RETENTION_KAFKA=kafka:9092 RETENTION_REDIS_URL=redis://redis:6379/0
        RETENTION_USER_ID_SECRET_FILE=/run/secrets/user-id-secret retention worker
    """
    found = settings("kafka", "redis_url", "user_id_secret")
    from consumers.ingest.worker import run_worker

    raise typer.Exit(run_worker(found))


def api() -> None:
    """Answer questions over HTTP.

    Everything under /api/v1 (retention, active, crr, revenue, compare, feedback, apps, values, status), the live page at / and the
    description at /openapi.json, on RETENTION_HTTP_HOST and RETENTION_HTTP_PORT. docs/api.md says what each answers.

    Examples:

        RETENTION_HTTP_PORT=9000 retention api
    """
    found = settings("kafka", "redis_url")
    from consumers.api import run_api

    raise typer.Exit(run_api(found))


def exporter() -> None:
    """Tell the numbers to Prometheus.

    /metrics on RETENTION_HTTP_HOST and RETENTION_EXPORTER_PORT, from a snapshot that is renewed every
    RETENTION_EXPORTER_REFRESH_SECONDS. One is enough, however many workers count.

    Examples:

        retention exporter
        curl -s 127.0.0.1:8082/metrics | promtool check metrics
    """
    found = settings("kafka", "redis_url")
    from consumers.exporter import run_exporter

    raise typer.Exit(run_exporter(found))


def watch(
    once: Annotated[bool, typer.Option("--once", help="Look once, tell what is open, and end.")] = False,
) -> None:
    """Watch for churn: test settled cells once a day and the live pace every minute.

    Incidents stand in Redis; the exporter tells them to Prometheus, and RETENTION_WEBHOOK_URL, where it is set, gets each of them
    once. Two may run: one looks, the other stands by. docs/churn.md says what is tested and when it fires.

    Examples:

        RETENTION_WATCH_SEGMENTS=platform:ios,country:VN retention watch
        retention watch --once
    """
    found = settings("kafka", "redis_url")
    from consumers.watch import run_watch

    raise typer.Exit(run_watch(found, once=once))


def collector() -> None:
    """Take events of apps over HTTP: POST /api/v1/events, to Kafka.

    Listens on RETENTION_HTTP_HOST and RETENTION_COLLECTOR_PORT; docs/sdk.md shows how apps send. 202 means that Kafka has
    acknowledged. Start as many as you like behind a balancer. Ctrl-C or SIGTERM: what was begun is acknowledged first.

    Examples:

        RETENTION_WRITE_KEYS_FILE=/run/secrets/write-keys retention collector
    """
    found = settings("kafka")
    from consumers.collector import run_collector

    raise typer.Exit(run_collector(found))
