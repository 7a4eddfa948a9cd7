"""What is set, effectively? Secrets are masked."""

import difflib
from collections.abc import Iterator

from rich.markup import escape

from consumers.cli.console import err, out
from consumers.guessable import guessable
from consumers.setting_sources import SettingsError, running
from consumers.settings import Settings, load, unknown, variable


def config() -> None:
    """Show the effective settings, one VARIABLE=value a line, secrets masked.

    They are those of a command started here. Of a running `retention up` in the data directory Kafka, Redis, the secret and what
    it counts by (apps, time zones, ...) are taken, and its page and collector are named, as its up.json has them. How else its
    processes are set (their ports, RETENTION_API_COLLECTS, RETENTION_METRICS_FROM) it does not tell: those lines are not of the
    running system. What is set here otherwise than it counts by is named: other commands refuse to go on with it.

    What is unset otherwise has its default. Misspelt variables are named, and doors that stand open.

    Examples:

        RETENTION_TIMEZONE=Asia/Ho_Chi_Minh retention config
    """
    settings = load(agree=False)
    for name, text in settings.shown().items():
        out.print(f"[bold]{name}[/]={escape(text)}", soft_wrap=True)
    up = running(settings.data_dir)
    if up:
        places = ", ".join(f"{name} at {up[name]}" for name in ("http", "collector") if name in up)
        err.print(
            f"[yellow]note:[/] `retention up` runs in {escape(str(settings.data_dir))}, {escape(places)}; "
            "ports and what its API joins are its own, not those above",
            soft_wrap=True,
        )
    for warning in (*_disagreements(), *_open_doors(settings), *_misspelt()):
        err.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)


def _disagreements() -> list[str]:
    """What every other command refuses to go on with."""
    try:
        load()
    except SettingsError as error:
        return str(error).splitlines()
    return []


def _open_doors(settings: Settings) -> Iterator[str]:
    from consumers.web_limits import is_local

    protocol = settings.kafka_security_protocol
    if settings.kafka_username and not protocol.startswith("SASL"):
        yield (
            f"{variable('kafka_username')} is set, but {variable('kafka_security_protocol')}={protocol} shows it to nobody; "
            "do you mean SASL_SSL?"
        )
    if not is_local(settings.http_host) and not settings.read_keys.get_secret_value():
        yield (
            f"whoever reaches the API at {variable('http_host')}={settings.http_host} may read every number: "
            f"{variable('read_keys')} is not set"
        )
    yield from (seen for _, seen in guessable(settings))


def _misspelt() -> Iterator[str]:
    for name in unknown():
        near = difflib.get_close_matches(
            name, [variable(field) for field in Settings.model_fields], n=1, cutoff=0.75
        )
        yield f"{name} is no setting" + (f"; do you mean {near[0]}?" if near else "")
