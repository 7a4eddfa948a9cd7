"""How does a role get its store? Redis as the settings say (address, user, password, TLS), opened as soon as it is there."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from consumers.identity import claim
from consumers.settings import Settings, variable
from consumers.tls import context
from stream.store.protocol import Store, StoreRefused, StoreUnavailable
from stream.store.redis import RedisStore

RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


def connect(settings: Settings, **more: Any) -> RedisStore:
    """A store that connects when it is first asked; `more` goes to it. Raises SettingsError."""
    options: dict[str, Any] = {}
    if password := settings.redis_password.get_secret_value():
        options["password"] = password
    files = {
        "ssl_ca_certs": settings.redis_ssl_cafile,
        "ssl_certfile": settings.redis_ssl_certfile,
        "ssl_keyfile": settings.redis_ssl_keyfile,
    }
    if any(files.values()):
        context(settings, "redis")  # says which file is wrong; the client would try for ever
    options |= {name: file for name, file in files.items() if file}
    return RedisStore.connect(settings.redis_url.get_secret_value(), settings.shards, **options, **more)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[RedisStore]:
    """The store of a command, closed behind it; what it raises says which settings are about the way in. Raises SettingsError."""
    store = connect(settings)
    try:
        yield store
    except StoreRefused as error:
        raise StoreRefused(f"{error}; {hint(settings)}") from None
    except StoreUnavailable as error:
        if error.__cause__ is None:  # not of the client: the server is there, and all of it is said
            raise
        raise StoreUnavailable(
            f"Redis: {str(error).rstrip('.')}; {variable('redis_url')} says where it is"
        ) from None
    finally:
        await store.aclose()


async def claimed(settings: Settings, store: Store) -> None:
    """Returns once the data is open as what the settings say, however long the server is away.

    Raises IdentityMismatch, and StoreRefused where waiting does not help.
    """
    while True:
        try:
            return await claim(settings, store)
        except StoreRefused as error:
            raise StoreRefused(f"{error}; {hint(settings)}") from None
        except StoreUnavailable as error:
            log.warning("waiting for Redis: %s", error)
            await asyncio.sleep(RETRY_SECONDS)


def hint(settings: Settings) -> str:
    """Which settings say who we are to Redis, and whom we trust."""
    names = ["redis_url", "redis_password"]
    if settings.redis_url.get_secret_value().startswith("rediss"):
        names += ["redis_ssl_cafile", "redis_ssl_certfile"]
    return ", ".join(map(variable, names)) + " say how to get in"
