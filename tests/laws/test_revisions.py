"""Is every change of a complete cell told, in order and once, whoever crashes while telling it?"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Awaitable, Callable

from hypothesis import given

from stream.store.memory import MemoryStore
from stream.store.protocol import Revision
from tests.garbage import TOPICS
from tests.laws.checks import stored_counters
from tests.laws.profiles import LIMIT, examples
from tests.laws.test_laws import SEEDS
from tests.laws.world import Log, World, told
from tests.oracle_events import epoch_ms
from tests.strategies import APP, Record, Story, stories
from tests.stream.report.counted import session

pytestmark = LIMIT
TIMES = 6


class Teller:
    """Takes revisions now and then; half of the time it dies between telling them and letting them go."""

    def __init__(self, store: MemoryStore, rng: random.Random) -> None:
        self.store, self.rng = store, rng
        self.told: dict[int, Revision] = {}

    async def tell(self, *, crashes: bool) -> None:
        taken = await self.store.take_revisions(APP)
        for one in taken:
            assert self.told.setdefault(one.number, one) == one, "under one number there is one revision"
        if not crashes:
            await self.store.let_go_revisions(APP, len(taken))

    async def now_and_then(self, turn: Callable[[], Awaitable[None]]) -> None:
        for _ in range(TIMES):
            for _ in range(self.rng.randint(1, 15)):
                await turn()
            await self.tell(crashes=self.rng.random() < 0.5)


@examples(60, shrink=False)
@given(story=stories(topics=TOPICS, erased=True), seed=SEEDS)
async def test_the_revisions_of_a_cell_lead_from_nothing_to_what_it_is(story: Story, seed: int) -> None:
    rng, store = random.Random(seed), MemoryStore()
    teller = Teller(store, rng)
    world = World(Log(told(story), rng), store, rng, story.zone, nemesis=teller.now_and_then)
    await world.run()
    for _ in range(2):  # what was taken before the end, and what came after it
        await teller.tell(crashes=False)
    assert not await store.take_revisions(APP)
    chains: dict[tuple[str, str], list[Revision]] = defaultdict(list)
    for _, one in sorted(teller.told.items()):
        chains[one.counter, one.field].append(one)
    for chain in chains.values():
        assert [one.old for one in chain] == [0, *(one.new for one in chain[:-1])]
    triangles = {
        (counter, field): number
        for counter, fields in (await stored_counters(store)).items()
        for field, number in fields.items()
        if counter.startswith("triangle:")
    }
    assert {cell: chain[-1].new for cell, chain in chains.items() if chain[-1].new} == triangles


async def changed(now: str, *records: Record) -> set[tuple[str, ...]]:
    """The cells that were changed when they were complete, by events that came at some time."""
    rng, store = random.Random(1), MemoryStore()
    world = World(
        Log(records, rng), store, rng, now_ms=epoch_ms(now), kill_rate=0.0, outage_rate=0.0, workers=1
    )
    await world.run()
    return {(one.counter, one.field, *one.reasons) for one in await store.take_revisions("shop")}


STORY = session("anna", "2026-11-20"), session("anna", "2026-11-21")


async def test_what_comes_while_a_day_lasts_changes_no_complete_cell_of_it() -> None:
    assert await changed("2026-11-20T23:59:59Z", *STORY) == set()


async def test_what_comes_later_changes_the_cells_of_days_that_are_over() -> None:
    size, back = (
        ("triangle:first_seen:2026-11-20", "0", "late"),
        ("triangle:first_seen:2026-11-20", "1", "late"),
    )
    assert await changed("2026-11-21T00:00:00Z", *STORY) == {size}
    assert await changed("2026-11-22T00:00:00Z", *STORY) >= {size, back}
