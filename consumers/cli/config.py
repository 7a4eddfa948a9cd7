"""What is set, effectively? Secrets are masked."""

import difflib

from rich.markup import escape

from consumers.cli.console import err, out
from consumers.settings import Settings, load, unknown, variable


def config() -> None:
    """Show the effective settings, one VARIABLE=value a line, secrets masked.

    What is unset comes from a running `retention up` in the data directory, else from the default. Misspelt variables are named.

    Examples:

        RETENTION_TIMEZONE=Asia/Ho_Chi_Minh retention config
    """
    settings = load()
    for name, text in settings.shown().items():
        out.print(f"[bold]{name}[/]={escape(text)}", soft_wrap=True)
    if settings.kafka_username and not settings.kafka_security_protocol.startswith("SASL"):
        err.print(
            f"[yellow]warning:[/] {variable('kafka_username')} is set, but {variable('kafka_security_protocol')}="
            f"{settings.kafka_security_protocol} shows it to nobody; do you mean SASL_SSL?",
            soft_wrap=True,
        )
    for name in unknown():
        near = _nearest(name)
        err.print(
            f"[yellow]warning:[/] {name} is no setting{f'; do you mean {near}?' if near else ''}",
            soft_wrap=True,
        )


def _nearest(name: str) -> str | None:
    close = difflib.get_close_matches(
        name, [variable(field) for field in Settings.model_fields], n=1, cutoff=0.75
    )
    return close[0] if close else None
