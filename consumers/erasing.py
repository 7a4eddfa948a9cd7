"""How is a user erased? Look up all ids of the person, and write an erasure to its topic; the workers do the rest.

The erasure names keyed hashes, so no user id is kept. It stays in its topic for ever: a replay from the beginning, or a store
restored from an old snapshot, erases again.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from consumers.kafka import Sender
from consumers.settings import Settings, variable
from stream.events.decode import Decoder
from stream.persons import Persons
from stream.progress import behind
from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.protocol import Partition, Store, StoreUnavailable

WAIT_SECONDS = 5.0
_POLL_SECONDS = 0.1
ERASURES, IDENTITIES = "erasures", "identities"


class Log(Protocol):
    """What is asked of Kafka."""

    async def log_id(self) -> str:
        """The identity of the log."""

    async def end_offsets(self, topics: Any) -> dict[Partition, int]:
        """The stable end of every partition of the topics."""


async def erase(
    settings: Settings,
    store: Store,
    kafka: Log,
    app: str,
    user_id: str,
    *,
    now_ms: int,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> dict[str, Any]:
    """Orders the erasure of everything that a user did until now; returns the receipt once Kafka has it.

    The identity events that stand in Kafka by now are counted first, so that no id of the person is forgotten. Raises ValueError
    for an app or an id that cannot be, KafkaUnavailable, StoreUnavailable.
    """
    if not settings.secret:
        raise ValueError(f"{variable('user_id_secret')} is not set: users are known by hashes under it")
    name = (await store.zones()).get(app, settings.zone_name(app))
    decoder = Decoder(
        zones=lambda _: zone(name),
        secret=settings.secret,
        apps=settings.apps,
        earliest_ms=settings.earliest_ms,
    )
    if not 1 <= len(user_id) <= 256:
        raise ValueError("user_id must have 1 to 256 characters")
    user = decoder.user(app, user_id)
    await _identities_counted(store, kafka, sleep)
    ids = await Persons(store, lambda call: call(), app, Scope(zone(name))).ids_of(user)
    receipt = secrets.token_hex(16)
    erasure = {
        "event_id": receipt,
        "app_id": app,
        "users": [one.hex() for one in ids],
        "erased_until": now_ms,
    }
    async with Sender(settings) as sender:
        await sender.put(ERASURES, user.hex().encode(), json.dumps(erasure).encode())
        await sender.flush()
    return {"receipt": receipt, "app": app, "ids": len(ids), "erased_until": now_ms}


async def _identities_counted(store: Store, kafka: Log, sleep: Callable[[float], Awaitable[None]]) -> None:
    ends, log_id = await kafka.end_offsets([IDENTITIES]), await kafka.log_id()
    for _ in range(int(WAIT_SECONDS / _POLL_SECONDS)):
        if not behind(ends, await store.positions(), log_id):
            return
        await sleep(_POLL_SECONDS)
    raise StoreUnavailable(
        "identity events are still waiting to be counted, and an id of this user may be among them; ask again"
    )
