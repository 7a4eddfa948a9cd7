"""What does the doctor hear of a Kafka that goes while it is asked? That it cannot be reached, as of one that never came."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from consumers.kafka_access import KafkaUnavailable
from consumers.kafka_state import KafkaState
from consumers.settings import Settings
from tests.servers import Broker

ASKS: list[Callable[[KafkaState], Awaitable[object]]] = [
    lambda state: state.brokers(),
    lambda state: state.copies(["sessions"]),
]


@pytest.mark.parametrize("ask", ASKS)
async def test_a_broker_that_is_gone_cannot_be_reached(
    tmp_path: Path, ask: Callable[[KafkaState], Awaitable[object]]
) -> None:
    broker = Broker(tmp_path)
    broker.start()
    settings = Settings(kafka=broker.bootstrap, kafka_idempotence=False)
    try:
        async with KafkaState(settings) as state:
            broker.kill()
            with pytest.raises(KafkaUnavailable, match=f"Kafka at {broker.bootstrap} cannot be reached"):
                await ask(state)
    finally:
        broker.kill()
