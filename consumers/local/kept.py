"""Do the numbers that a data directory keeps fit these settings? Asked once before the roles start, each of which would refuse."""

from consumers.settings import Settings


async def misfit(settings: Settings) -> str | None:
    """What was counted otherwise and what to set; None where the numbers fit, or there are none. Claims nothing."""
    # The client of the store is needed only where there are numbers already.
    from consumers.identity import other_identity
    from consumers.stores import opened

    async with opened(settings) as store:
        for stored in await store.stored_identity():
            if problem := other_identity(settings, stored):
                return problem
    return None
