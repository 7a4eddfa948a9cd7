"""Do the counters and bits still add up to the records?"""

import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.status import Status

from consumers.cli.console import await_, counted, err, out, printable, settings
from consumers.settings import Settings

DIFFERENCES_SHOWN_MAX = 20


def audit(
    app: Annotated[
        list[str] | None, typer.Option(help="Only this app; may be repeated. Default: every app in the data.")
    ] = None,
) -> None:
    """Recount every user record and compare every counter and bit with the sum.

    Workers wait meanwhile, by a lease that ends by itself. Exit code 1 when anything differs.

    Examples:

        retention audit --app shop
    """
    raise typer.Exit(await_(_audit(settings("redis_url"), app)))


async def _audit(found: Settings, apps: list[str] | None) -> int:
    from consumers.stores import opened
    from stream.retention.days import zone
    from stream.retention.scope import Scope
    from stream.store.audit import audit as recount

    differences = 0
    async with opened(found) as store:
        zones = await store.zones()
        if missing := [name for name in apps or () if name not in zones]:
            raise ValueError(
                f"no data of app {', '.join(missing)}; known are: {', '.join(sorted(zones)) or 'none'}"
            )
        for app in apps or sorted(zones):
            began = time.monotonic()
            with err.status(f"audit {app}") as status:

                def told(ids: int, app: str = app, status: Status = status) -> None:
                    status.update(f"audit {app}: {ids:,} ids of users")

                said = await recount(store, app, Scope(zone(zones[app]), found.families), progress=told)
            seconds = time.monotonic() - began
            out.print(
                f"{app}: {counted(said.users, 'users')} (and {counted(said.silent, 'ids')} erased or joined), "
                f"{counted(said.counters, 'counters')} "
                f"and {counted(said.bits, 'bits')} compared in {seconds:.1f} s"
            )
            for difference in said.differences[:DIFFERENCES_SHOWN_MAX]:
                out.print(f"  [red]{escape(printable(difference))}[/]", soft_wrap=True)
            differences += len(said.differences)
    out.print(f"[bold red]{counted(differences, 'differences')}[/]" if differences else "no differences")
    return 1 if differences else 0
