"""What is the data counted under? A process that differs must neither write nor show it."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping

from consumers.settings import Settings, variable
from stream.retention.days import TZDATA_VERSION
from stream.store.protocol import LAYOUT, IdentityMismatch, Store

APPS_NAMED_MAX = 10
# What helps where the log is kept apart from the numbers.
REBUILD = "or rebuild, where the topics still hold everything: an empty Redis and a replay from the beginning"


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
    if problem := other_zones(settings, await store.zones()):
        raise IdentityMismatch(f"{problem}, {REBUILD}")


def other_identity(settings: Settings, stored: Mapping[str, str]) -> str | None:
    """What of `stored` (an identity, as the store gives it) these settings say otherwise, and what to set; None if nothing."""
    for name, ours in identity(settings).items():
        if stored.get(name, ours) != ours:
            return (
                f"the numbers were counted with {name}={stored[name]}, this process has {ours}. Set it back"
            )
    return other_zones(
        settings, {name[5:]: zone for name, zone in stored.items() if name.startswith("zone:")}
    )


def other_zones(settings: Settings, stored: Mapping[str, str]) -> str | None:
    """All apps whose days were counted in another zone than these settings say, and the least to set; None where there are none.

    `stored` is app -> zone. Where all apps have one zone the default is set back, else each app that differs gets its own.
    """
    wrong = {app: zone for app, zone in sorted(stored.items()) if zone != settings.zone_name(app)}
    if not wrong:
        return None
    named: dict[tuple[str, str], list[str]] = defaultdict(list)
    for app, zone in wrong.items():
        named[zone, settings.zone_name(app)].append(app)
    said = "; ".join(f"{_apps(apps)} in {zone}, not {ours}" for (zone, ours), apps in named.items())
    if len(set(stored.values())) == 1 and not wrong.keys() & settings.timezones.keys():
        back = f"Set {variable('timezone')} back to {next(iter(wrong.values()))}"
    else:
        zones = sorted({**settings.timezones, **wrong}.items())
        back = f"Set {variable('timezones')}={','.join(f'{app}={zone}' for app, zone in zones)}"
    return f"the days of these apps were counted in other zones than the settings say: {said}. {back}"


def _apps(apps: list[str]) -> str:
    more = len(apps) - APPS_NAMED_MAX
    return ", ".join(apps[:APPS_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
