"""Who comes while questions are asked? Some users before every question, so that no answer is what it was the time before."""

import time
from typing import Self
from uuid import uuid4

import numpy as np

from bench.population import APP, LOOKS, People, Ready, no_letters, opened
from consumers.settings import Settings
from stream.engine import Engine, RecordBatch
from stream.events.schema import Event
from stream.retention.days import zone
from stream.store.redis import RedisStore

AT_ONCE = 100
TOPIC = "sessions"


class Visitors:
    """Users of a population who have a session just now."""

    def __init__(self, people: People, store: RedisStore, engine: Engine, position: int) -> None:
        self._names, self._users = people.names(), people.users
        self._store, self._engine, self._position = store, engine, position
        self._dice = np.random.default_rng(3)

    @classmethod
    async def of(cls, people: People, settings: Settings) -> Self:
        """Those of a population that a store holds."""
        store, engine = await opened(settings)
        return cls(people, store, engine, (await store.positions())[TOPIC, 0].next)

    async def come(self) -> None:
        """Counts a session of some users, anybody of them all."""
        now_ms = int(time.time() * 1000)
        slot, first = zone("UTC").slot(now_ms), self._position
        self._position += AT_ONCE
        users = self._dice.integers(0, self._users, AT_ONCE).tolist()
        records = [
            Ready(
                first + place,
                now_ms,
                Event("session", APP, self._names[16 * user :][:16], str(uuid4()), now_ms, slot, LOOKS[0]),
            )
            for place, user in enumerate(users)
        ]
        await self._engine.count(RecordBatch(TOPIC, 0, first, self._position, records), no_letters)

    async def aclose(self) -> None:
        """Nobody comes any more."""
        await self._store.aclose()
