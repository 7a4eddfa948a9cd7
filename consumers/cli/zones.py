"""Are dates of a file read in the zones in which the workers count?

A worker with other zones refuses to start. A command that reads dates in other zones would put users silently into other days.
"""

from rich.markup import escape

from consumers.cli.console import err
from consumers.settings import Settings


async def check_zones(settings: Settings) -> None:
    """Raises IdentityMismatch where the settings say another zone of an app than the numbers have. Only told where Redis is away.

    Nothing is checked where no Redis is known: an import needs only Kafka.
    """
    from consumers.identity import other_zones
    from consumers.stores import opened
    from stream.store.protocol import IdentityMismatch, StoreUnavailable

    if not settings.redis_url.get_secret_value():
        return
    try:
        async with opened(settings) as store:
            stored = await store.zones()
    except StoreUnavailable as error:
        said = f"it was not checked whether the numbers have the same time zones: {error}"
        err.print(f"[yellow]warning:[/] {escape(said)}", soft_wrap=True)
        return
    if problem := other_zones(settings, stored):
        raise IdentityMismatch(f"{problem}; nothing was sent")
