"""How is a user erased? Look up all ids of the person, and write an erasure to its topic; the workers do the rest.

The erasure names keyed hashes, so no user id is kept. It stays in its topic for ever: a replay from the beginning, or a store
restored from an old snapshot, erases again.

It goes by a moment, and what Kafka has by then is what the user did by then, whatever the clocks of devices say. So the moment must
not be before the one in which Kafka takes the order: it lies a little ahead, and the answer waits for it, so that all that is done
after the answer is a new user's.
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
from stream.retention.people import is_anybody
from stream.retention.scope import Scope
from stream.store.protocol import Partition, Store, StoreUnavailable

WAIT_SECONDS = 5.0
# For Kafka to take the order, and for clocks that differ from its own.
AHEAD_MS = 1_000
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
    now_ms: Callable[[], int],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> dict[str, Any]:
    """Orders the erasure of everything that a user did until now; returns the receipt once Kafka has it and the moment is over.

    The identity events that stand in Kafka by now are counted first, so that no id of the person is forgotten. `known` says whether
    anything was counted of it: an order for an id that never was is taken too, since what it did may still be on its way. Raises
    ValueError for an app or an id that cannot be, KafkaUnavailable, StoreUnavailable.
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
    person = await Persons(store, lambda call: call(), app, Scope(zone(name))).person_of(user)
    receipt = secrets.token_hex(16)
    async with Sender(settings) as sender:
        until = now_ms() + AHEAD_MS
        erasure = {
            "event_id": receipt,
            "app_id": app,
            "users": [one.hex() for one in sorted(person)],
            "erased_until": until,
        }
        await sender.put(ERASURES, user.hex().encode(), json.dumps(erasure).encode())
        await sender.flush()
    await sleep(max(0, until - now_ms()) / 1000)
    known = any(is_anybody(record) for record in person.values())
    return {"receipt": receipt, "app": app, "ids": len(person), "erased_until": until, "known": known}


async def _identities_counted(store: Store, kafka: Log, sleep: Callable[[float], Awaitable[None]]) -> None:
    ends, log_id = await kafka.end_offsets([IDENTITIES]), await kafka.log_id()
    for _ in range(int(WAIT_SECONDS / _POLL_SECONDS)):
        if not behind(ends, await store.positions(), log_id):
            return
        await sleep(_POLL_SECONDS)
    raise StoreUnavailable(
        "identity events are still waiting to be counted, and an id of this user may be among them; ask again"
    )
