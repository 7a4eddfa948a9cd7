"""The stack of docker-compose.yml, once for all tests of this folder: two workers, and a receiver of alerts in its network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.composed import services
from tests.stack.own import own
from tests.stack.receiver import NAME, Receiver
from tests.stack.running import Stack


@pytest.fixture(scope="session")
def hurry(request: pytest.FixtureRequest) -> float:
    """By how much waits are shortened."""
    return float(request.config.getoption("--hurry"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, hurry: float) -> Iterator[Stack]:
    """Everything runs and is healthy."""
    folder = tmp_path_factory.mktemp("stack")
    with Stack(own(services(), folder, hurry), folder) as one:
        one.up({"worker": 2})
        yield one


@pytest.fixture(scope="session")
def receiver(stack: Stack) -> Iterator[Receiver]:
    """Whom Alertmanager tells."""
    one = Receiver(stack.network.gateway)
    stack.network.name(NAME, stack.network.gateway)
    yield one
    one.close()
