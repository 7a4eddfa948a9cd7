"""Which users does a store hold when bytes and triangles are measured? Made in memory and counted by the engine itself.

Every user installs on one of 30 days and is active on that day and on seven more of the 30 that follow; 3 % buy once. Events carry
platform, country and source and have UUIDs as ids; where that is wanted, some users answer a survey. They come as decoded events:
what is measured is what the store keeps.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from consumers.identity import identity
from consumers.settings import Settings
from stream.cache import RecordCache
from stream.engine import Engine, RecordBatch
from stream.events.schema import TOPICS, Event
from stream.retention.days import DAY_MS, SLOTS_PER_DAY, zone
from stream.store.redis import RedisStore

APP = "people"
COHORT_DAYS, AFTER_DAYS, ACTIVE_DAYS, BUYERS = 30, 30, 8, 0.03
BATCH_EVENTS = 8_000
CACHE_BYTES = 4 * 1024**3
# As they happened; in none at all; or installs as they happened and then user by user, which loads several times as fast. The
# numbers are the same, and users have the same indexes as in order of time.
Order = Literal["time", "none", "users"]
KINDS = list(TOPICS.values())
TOPIC_OF = list(TOPICS)
LOOKS = [
    (("country", country), ("platform", platform), ("source", source))
    for platform in ("ios", "android", "web")
    for country in ("VN", "US", "IN", "BR", "DE", "JP", "FR", "GB")
    for source in ("organic", "search_ads", "social", "referral")
]


class Ready(Struct, gc=False):
    """A Kafka record whose value is an event already."""

    offset: int
    timestamp: int
    value: Event
    headers: tuple[tuple[str, bytes], ...] = ()


class NoDecoding:
    """Stands in the place of the decoder."""

    def decode(self, topic: str, value: Event, record_ts_ms: int) -> Event:
        """The event as it is."""
        return value

    def reader(self, topic: str) -> Callable[[Event, int], Event]:
        """The same for the records of one topic."""
        return lambda value, record_ts_ms: value

    def kind(self, topic: str) -> str:
        """The kind of a topic."""
        return TOPICS[topic]


@dataclass(frozen=True)
class People:
    """A population: how many, from which day on, and what each does when."""

    users: int
    first_day: int
    who: np.ndarray
    when: np.ndarray
    kind: np.ndarray

    @classmethod
    def of(cls, users: int, seed: int = 1, answers: float = 0.0) -> "People":
        """So many users, the last possible day of activity yesterday; such a share of them answers a survey once."""
        dice = np.random.default_rng(seed)
        first_day = zone("UTC").day(int(time.time() * 1000)) - COHORT_DAYS - AFTER_DAYS - 1
        installed = dice.integers(0, COHORT_DAYS, users)
        back = (
            np.argsort(dice.random((users, AFTER_DAYS), dtype=np.float32), axis=1)[:, : ACTIVE_DAYS - 1] + 1
        )
        days = np.concatenate([np.zeros((users, 1), back.dtype), back], axis=1) + installed[:, None]
        sessions = days * DAY_MS + dice.integers(60_000, DAY_MS - 60_000, days.shape)
        buyers = np.flatnonzero(dice.random(users) < BUYERS)
        asked = np.flatnonzero(dice.random(users) < answers)
        everyone = np.arange(users)
        who = np.concatenate([everyone, np.repeat(everyone, ACTIVE_DAYS), buyers, asked])
        when = np.concatenate(
            [
                sessions[:, 0] - 1_000,
                sessions.ravel(),
                sessions[buyers, 1] + 1_000,
                sessions[asked, 2] + 1_000,
            ]
        )
        kind = np.repeat(np.arange(4), [users, users * ACTIVE_DAYS, len(buyers), len(asked)])
        return cls(users, first_day, who, when + zone("UTC").day_start_ms(first_day), kind)

    def _places(self, order: Order, dice: np.random.Generator) -> np.ndarray:
        """The events in the order in which they come."""
        if order == "none":
            return dice.permutation(len(self.who))
        if order == "time":
            return np.argsort(self.when, kind="stable")
        # Installs are the first events of all, one a user.
        came = np.argsort(np.argsort(self.when[: self.users]))
        return np.lexsort((self.when, came[self.who], self.kind))

    def names(self) -> bytes:
        """The ids of all users, 16 bytes each."""
        return np.random.default_rng(4).bytes(16 * self.users)

    def batches(self, order: Order, *, seed: int = 2) -> Iterator[RecordBatch]:
        """All events as batches of the three topics, in an order."""
        dice = np.random.default_rng(seed)
        places = self._places(order, dice)
        names = self.names()
        looks = dice.integers(0, len(LOOKS), self.users).tolist()
        start, slots = zone("UTC").day_start_ms(self.first_day), self.first_day * SLOTS_PER_DAY
        ends = [0] * len(KINDS)
        for at in range(0, len(places), BATCH_EVENTS):
            rows = places[at : at + BATCH_EVENTS]
            ids = dice.bytes(16 * len(rows)).hex()
            since = self.when[rows] - start
            slot = slots + since // DAY_MS * SLOTS_PER_DAY + since % DAY_MS // 3_600_000
            columns = (
                self.who[rows].tolist(),
                self.when[rows].tolist(),
                slot.tolist(),
                self.kind[rows].tolist(),
            )
            records: list[list[Ready]] = [[] for _ in KINDS]
            for place, (user, ts_ms, hour, kind) in enumerate(zip(*columns, strict=True)):
                h = ids[32 * place : 32 * place + 32]
                event_id = f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"
                said = _said(kind, ts_ms)
                name = names[16 * user : 16 * user + 16]
                event = Event(KINDS[kind], APP, name, event_id, ts_ms, hour, LOOKS[looks[user]], *said)
                records[kind].append(Ready(0, ts_ms, event))
            yield from _batches(records, ends)


def _said(kind: int, ts_ms: int) -> tuple[int | str, ...]:
    """What a purchase or an answer says beyond the common fields, in the order of `Event`."""
    if kind == KINDS.index("purchase"):
        return 499, "USD", "gems_500"
    return (0, "", "", "", "nps", ts_ms % 11) if kind == KINDS.index("feedback") else ()


def _batches(records: Sequence[list[Ready]], ends: list[int]) -> Iterator[RecordBatch]:
    for kind, some in enumerate(records):
        if some:
            first, ends[kind] = ends[kind], ends[kind] + len(some)
            for place, record in enumerate(some):
                record.offset = first + place
            yield RecordBatch(TOPIC_OF[kind], 0, first, ends[kind], some)


async def no_letters(letters: list[Any]) -> None:
    """There are none."""
    raise RuntimeError(f"{len(letters)} dead letters")


async def opened(settings: Settings) -> tuple[RedisStore, Engine]:
    """A store, claimed as the roles of the product would, and an engine for decoded events on it."""
    store = RedisStore.connect(settings.redis_url.get_secret_value())
    await store.open(identity(settings))
    engine = Engine(
        store,
        NoDecoding(),  # type: ignore[arg-type]
        zone_of,
        log_id="bench",
        clock=time.monotonic,
        now_ms=lambda: 0,
        families=settings.families,
    )
    await engine.assigned([(topic, 0) for topic in TOPICS])
    return store, engine


def zone_of(app: str) -> Any:
    """Everything here happens in UTC."""
    return zone("UTC")


async def load(settings: Settings, people: People, order: Order) -> float:
    """Counts a population into an empty store; the seconds it took."""
    store, engine = await opened(settings)
    # Room for everybody: what the process remembers changes how long the load takes, not what the store keeps.
    engine._cache = RecordCache(CACHE_BYTES)
    began = time.monotonic()
    for batch in people.batches(order):
        await engine.count(batch, no_letters)
    await store.aclose()
    return time.monotonic() - began
