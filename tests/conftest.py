"""What holds for every test: its servers, its time limit, its size of the long loops."""

import pytest

from tests.cluster import _masters, _secure_masters, make_cluster, masters, secure_masters  # noqa: F401 fixtures
from tests.redis_server import make_redis, secure_redis  # noqa: F401 fixtures
from tests.servers import (  # noqa: F401 fixtures
    _kafka_server,
    broker,
    kafka,
    make_broker,
    make_valkey,
    valkey,
)

SECONDS = {"crash": 180, "e2e": 180, "slow": 60}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--crash-runs", type=int, default=1, help="how many times as long the crash tests run")
    parser.addoption("--soak-seconds", type=int, default=10, help="how long the soak test sends events")
    parser.addoption(
        "--hurry",
        type=float,
        default=20,
        help="how many times as short waits of the stack are; 1 is as shipped",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test whose mark says that it takes longer may do so; its own `timeout` mark wins."""
    soak_seconds = config.getoption("--soak-seconds")
    for item in items:
        if "soak_seconds" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(soak_seconds * 1.2 + SECONDS["crash"]))
        seconds = max(
            (SECONDS[mark.name] for mark in item.iter_markers() if mark.name in SECONDS), default=None
        )
        if seconds is not None and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(seconds))


@pytest.fixture(scope="session")
def crash_runs(request: pytest.FixtureRequest) -> int:
    """How many times as long a crash test shall run: 1 in `make test`, more with `make crash`."""
    return int(request.config.getoption("--crash-runs"))


@pytest.fixture(scope="session")
def soak_seconds(request: pytest.FixtureRequest) -> int:
    """For how long the soak test sends events: little in `make test`, two hours with `make soak`."""
    return int(request.config.getoption("--soak-seconds"))
