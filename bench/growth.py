"""Does the next event of a user with a long history cost more than the first ones? Ratios of late to early cost.

Early and late batches are counted in turns (the early ones for a user who is new), so that a noisy machine is noisy for both.
"""

import time
from collections.abc import Sequence
from statistics import median
from uuid import UUID

import numpy as np

from bench.bars import Row
from bench.machine import Machine
from bench.population import APP, LOOKS, Ready, no_letters, opened
from stream.engine import Engine, RecordBatch
from stream.events.schema import Event
from stream.retention.days import SLOTS_PER_DAY, zone

FIRST_DAY = zone("UTC").day(1_700_000_000_000)
DAYS_COMPARED = 50
PURCHASES_A_BATCH = 50
MONTH_DAYS, MONTH_SESSIONS, MONTH_BATCH = 30, 3, 500


async def growth(machine: Machine) -> list[Row]:
    """One user with many days, one with many purchases, a month of history in both directions."""
    return [await _days(machine), await _purchases(machine), *await _month(machine)]


async def _days(machine: Machine) -> Row:
    store, engine = await opened(machine.settings(machine.store(), "days."))
    long, short = b"long".ljust(16), b"short".ljust(16)
    counting = _Counting(engine, "sessions")
    before = machine.sizes.days - DAYS_COMPARED
    for at in range(before):
        await counting.seconds([_event("session", long, at)])
    early, late = [], []
    for at in range(DAYS_COMPARED):
        early.append(await counting.seconds([_event("session", short, at)]))
        late.append(await counting.seconds([_event("session", long, before + at)]))
    await store.aclose()
    note = f"{_us(early)} -> {_us(late)} us an event, median of {DAYS_COMPARED}, one event a batch"
    return Row(
        f"day {machine.sizes.days} / first days of a user", median(late) / median(early), "x", "growth", note
    )


async def _purchases(machine: Machine) -> Row:
    store, engine = await opened(machine.settings(machine.store(), "buyer."))
    counting, count = _Counting(engine, "purchases"), machine.sizes.purchases
    part = count // 20
    many, few = ([_purchase(name.ljust(16), at, count) for at in range(count)] for name in (b"many", b"few"))
    for events in _cut(many[: count - part], PURCHASES_A_BATCH):
        await counting.seconds(events)
    early, late = [], []
    for first, last in zip(
        _cut(few[:part], PURCHASES_A_BATCH), _cut(many[count - part :], PURCHASES_A_BATCH), strict=True
    ):
        early.append(await counting.seconds(first))
        late.append(await counting.seconds(last))
    await store.aclose()
    note = f"{_us(early, PURCHASES_A_BATCH)} -> {_us(late, PURCHASES_A_BATCH)} us each, {part:,} of both"
    return Row(
        f"purchase {count:,} / first ones of a user", median(late) / median(early), "x", "growth", note
    )


async def _month(machine: Machine) -> list[Row]:
    users = [bytes([at % 256, at // 256]).ljust(16) for at in range(machine.sizes.month_users)]
    days = np.repeat(np.arange(MONTH_DAYS), MONTH_SESSIONS * len(users)).tolist()
    everybody = users * (MONTH_DAYS * MONTH_SESSIONS)
    events = [
        _event("session", user, day, at) for at, (user, day) in enumerate(zip(everybody, days, strict=True))
    ]
    stores = [await opened(machine.settings(machine.store(), name)) for name in ("oldest.", "newest.")]
    oldest, newest = (_Counting(engine, "sessions") for _, engine in stores)
    forward, backward = [], []
    for first, last in zip(_cut(events, MONTH_BATCH), _cut(events[::-1], MONTH_BATCH), strict=True):
        forward.append(await oldest.seconds(first))
        backward.append(await newest.seconds(last))
    for store, _ in stores:
        await store.aclose()
    third = len(backward) // 3
    rates = f"{len(events) / sum(backward):,.0f} and {len(events) / sum(forward):,.0f} events/s"
    return [
        Row(
            *(
                "newest first: last third of a month / first third",
                median(backward[-third:]) / median(backward[:third]),
            ),
            *("x", "growth", f"{len(events):,} events of {len(users)} users, {MONTH_BATCH:,} a batch"),
        ),
        Row("a month of history: newest first / oldest first", sum(backward) / sum(forward), "x", note=rates),
    ]


class _Counting:
    """Hands batches of one topic to an engine, one after the other."""

    def __init__(self, engine: Engine, topic: str) -> None:
        self._engine, self._topic, self._next = engine, topic, 0

    async def seconds(self, events: Sequence[Event]) -> float:
        """How long a batch of these events took."""
        first, self._next = self._next, self._next + len(events)
        records = [Ready(first + at, event.ts_ms, event) for at, event in enumerate(events)]
        batch = RecordBatch(self._topic, 0, first, self._next, records)
        began = time.perf_counter()
        await self._engine.count(batch, no_letters)
        return time.perf_counter() - began


def _us(seconds: Sequence[float], events: int = 1) -> str:
    return f"{median(seconds) / events * 1e6:,.0f}"


def _purchase(user: bytes, at: int, count: int) -> Event:
    event = _event("purchase", user, at // (count // 365 + 1), at)
    event.amount_minor, event.currency, event.product_id = 499, "USD", "gems_500"
    return event


def _event(kind: str, user: bytes, day: int, number: int = 0) -> Event:
    slot = (FIRST_DAY + day) * SLOTS_PER_DAY + number % 24
    return Event(kind, APP, user, str(UUID(int=number + 1)), zone("UTC").slot_start_ms(slot), slot, LOOKS[0])


def _cut(events: Sequence[Event], size: int) -> list[Sequence[Event]]:
    return [events[at : at + size] for at in range(0, len(events), size)]
