"""What is the data counted under? A process that differs must neither write nor show it."""

import hashlib

from consumers.settings import Settings, variable
from stream.retention.days import TZDATA_VERSION
from stream.store.protocol import LAYOUT, IdentityMismatch, Store


def identity(settings: Settings) -> dict[str, str]:
    """Families of facts, layout, zone data, shards and a fingerprint of the secret; the last only where a secret is set."""
    families = ",".join(sorted(settings.families)) or "none"
    found = {"families": families, "layout": LAYOUT, "tzdata": TZDATA_VERSION, "shards": str(settings.shards)}
    if settings.secret:
        fingerprint = hashlib.blake2b(settings.secret, person=b"fingerprint", digest_size=8)
        found["secret"] = fingerprint.hexdigest()
    return found


async def claim(settings: Settings, store: Store) -> None:
    """Open the data as what these settings say, zones of apps included. Raises IdentityMismatch."""
    await store.open(identity(settings))
    for app, stored in (await store.zones()).items():
        ours = settings.zone_name(app)
        if stored != ours:
            raise IdentityMismatch(
                f"the days of app {app} were counted in {stored}, these settings say {ours}. "
                f"Set {variable('timezones')}={app}={stored}, or rebuild: an empty Redis and a replay "
                "of the topics from the beginning"
            )
