"""What does an order to erase somebody say, when is it answered, and is anything known of them?"""

from __future__ import annotations

from typing import Any

import pytest

from consumers import erasing
from consumers.settings import Settings
from stream.store.memory import MemoryStore
from tests.consumers.api.test_api import FakeKafka
from tests.consumers.api.test_erasing import Sent
from tests.laws.world import decoder_of
from tests.stream.report.counted import APP, counted, event, install, session

NOON_MS = 1_795_000_000_000


class Clock:
    """A wall clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.ms = NOON_MS

    def __call__(self) -> int:
        return self.ms

    async def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "secret", b"s")  # under which the tests count
    monkeypatch.setattr(erasing, "Sender", Sent)


async def ordered(store: MemoryStore, user: str, clock: Clock) -> dict[str, Any]:
    return await erasing.erase(Settings(), store, FakeKafka(), APP, user, now_ms=clock, sleep=clock.sleep)


async def test_the_order_is_answered_when_its_moment_is_over() -> None:
    """So what is done before the answer is erased, and what is done after it is not."""
    clock = Clock()
    receipt = await ordered(await counted(install("anna", "2026-11-20")), "anna", clock)
    assert NOON_MS < receipt["erased_until"] <= clock()
    assert [erasure["erased_until"] for _, erasure in Sent.records] == [receipt["erased_until"]]


async def test_the_moment_is_ahead_of_when_kafka_gets_the_order_however_long_it_takes_to_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()

    class Slow(Sent):
        async def __aenter__(self) -> Sent:
            await clock.sleep(20)
            return self

        async def put(self, topic: str, key: bytes, value: bytes) -> None:
            self.came_ms = clock()
            await super().put(topic, key, value)
            assert self.records[-1][1]["erased_until"] > self.came_ms

    monkeypatch.setattr(erasing, "Sender", Slow)
    await ordered(await counted(install("anna", "2026-11-20")), "anna", clock)


async def test_all_ids_of_a_person_are_named() -> None:
    joined = event("identities", "anna", "2026-11-22T12:00:00Z", alias="phone")
    receipt = await ordered(await counted(session("phone", "2026-11-21"), joined), "anna", Clock())
    assert (receipt["ids"], receipt["known"]) == (2, True)
    hashes = {decoder_of("UTC").user(APP, one).hex() for one in ("anna", "phone")}
    assert set(Sent.records[0][1]["users"]) == hashes


@pytest.mark.parametrize(("user", "known"), [("anna", True), ("Anna", False)])
async def test_an_id_that_never_was_is_not_known_but_erased_all_the_same(user: str, known: bool) -> None:
    receipt = await ordered(await counted(session("anna", "2026-11-21")), user, Clock())
    assert (receipt["ids"], receipt["known"]) == (1, known)
    assert len(Sent.records) == 1


async def test_who_was_erased_and_has_not_come_back_is_not_known() -> None:
    users = [decoder_of("UTC").user(APP, "anna").hex()]
    gone = event("erasures", "anna", "2026-11-22T00:00:00Z", users=users, erased_until=1_800_000_000_000)
    store = await counted(session("anna", "2026-11-21"), gone)
    assert not (await ordered(store, "anna", Clock()))["known"]
