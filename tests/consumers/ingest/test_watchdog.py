"""A worker that does not get on ends; one that waits for a server does not."""

import asyncio
from collections.abc import Mapping

import pytest
from faust.types import TP

from consumers.ingest.watchdog import Stalled, StallWatch, watch_progress, watch_stalls
from consumers.kafka_access import KafkaUnavailable
from stream.progress import WentBack

ONE, TWO = TP("sessions", 0), TP("sessions", 1)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> StallWatch:
    return StallWatch(idle_seconds_max=300, work_seconds_max=3600, clock=clock)


def test_one_partition_that_stands_still_with_something_behind_it_is_a_stall(
    watch: StallWatch, clock: Clock
) -> None:
    for clock.now in range(0, 301, 30):
        watch.look({ONE: 5, TWO: int(clock.now)}, {ONE: 1, TWO: 1}, set())
    clock.now = 301
    with pytest.raises(Stalled, match=r"sessions\[0\] stands at 5 since 301 s with 1 offsets to go"):
        watch.look({ONE: 5, TWO: 400}, {ONE: 1, TWO: 1}, set())


def test_a_partition_at_its_end_may_stand_for_ever(watch: StallWatch, clock: Clock) -> None:
    for clock.now in (0, 1e6, 2e6):
        watch.look({ONE: 5}, {ONE: 0}, set())
    clock.now += 299
    watch.look({ONE: 5}, {ONE: 3}, set())


def test_a_slice_that_waits_for_the_store_has_more_time(watch: StallWatch, clock: Clock) -> None:
    for clock.now in (0, 3_600):
        watch.look({ONE: 5}, {ONE: 1}, {"sessions"})
    clock.now = 3_601
    with pytest.raises(Stalled):
        watch.look({ONE: 5}, {ONE: 1}, {"sessions"})


def test_a_partition_that_went_away_starts_anew(watch: StallWatch, clock: Clock) -> None:
    watch.look({ONE: 5}, {ONE: 1}, set())
    clock.now = 200
    watch.look({}, {}, set())
    clock.now = 400
    watch.look({ONE: 5}, {ONE: 1}, set())
    clock.now = 700
    watch.look({ONE: 5}, {ONE: 1}, set())


async def test_a_store_that_lost_progress_ends_the_watch() -> None:
    class Engine:
        asked = 0

        async def check_progress(self) -> None:
            self.asked += 1
            if self.asked == 3:
                raise WentBack("sessions:0")

    engine = Engine()
    with pytest.raises(WentBack):
        await watch_progress(engine, seconds=0)  # type: ignore[arg-type]  # all that the watch asks for
    assert engine.asked == 3


async def test_kafka_being_away_is_no_stall(clock: Clock) -> None:
    class Counter:
        positions: Mapping[TP, int] = {ONE: 1}
        in_work: frozenset[TP] = frozenset()
        asked = 0

        async def behind(self) -> Mapping[TP, int]:
            self.asked += 1
            clock.now += 1_000
            if self.asked < 5:
                raise KafkaUnavailable("away")
            return {ONE: 7}

    with pytest.raises(Stalled):
        await asyncio.wait_for(watch_stalls(Counter(), StallWatch(clock=clock), seconds=0), 5)  # type: ignore[arg-type]  # a fake
