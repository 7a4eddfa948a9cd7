"""What if the log is another one (a new broker on old numbers)? It is read from its beginning against the same records.

`retention up` lives so: its broker forgets its log with every stop, the numbers stay.
"""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from stream.store.memory import MemoryStore
from tests.laws.checks import check_store, oracle_of
from tests.laws.profiles import LIMIT, examples
from tests.laws.test_laws import SEEDS
from tests.laws.world import Log, World
from tests.strategies import Story, stories

pytestmark = LIMIT


@examples(40, shrink=False)
@given(story=stories(), seed=SEEDS, shards=st.sampled_from([1, 3]), zombies=st.booleans())
async def test_a_new_log_counts_on_and_counts_nothing_twice(
    story: Story, seed: int, shards: int, zombies: bool
) -> None:
    rng, store = random.Random(seed), MemoryStore(shards)
    cut = rng.randrange(len(story.records) + 1)
    # What comes again in the new log was counted already; what is new there may stand at offsets that the old one had too.
    again = story.records[: rng.randrange(cut + 1)]
    logs = [Log(story.records[:cut], rng), Log(story.records[cut:] + again, rng)]
    for log, name in zip(logs, ("first", "second"), strict=True):
        await World(log, store, rng, story.zone, log_id=name, zombies=zombies).run()
    await check_store(store, oracle_of(story))
    totals = await store.totals()
    assert totals.get("applied", 0) + totals.get("dead_letters", 0) == len(story.records) + len(again)
    assert totals.get("offset_holes", 0) == 0
