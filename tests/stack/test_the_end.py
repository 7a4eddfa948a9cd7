"""How the stack of docker-compose.yml ends, and begins again on its volumes. The last tests of the folder: nothing runs after."""

from __future__ import annotations

import pytest

from tests.stack.running import Stack

pytestmark = pytest.mark.e2e
TERMINATED = 143  # 128 + SIGTERM: how Java ends when it was told to


def test_everybody_ends_when_told_to_within_the_grace_period(stack: Stack) -> None:
    codes = stack.down()
    assert set(codes) == set(stack.started)
    assert set(codes.values()) <= {0, TERMINATED}, f"{codes}\n{stack.tails()}"


def test_the_broker_goes_on_with_its_log(stack: Stack) -> None:
    for name in ("kafka", "topics"):
        stack.again(name)
    stack.one("topics").wait(30)
    assert "sessions: 4 partitions, was there" in stack.one("topics").tail()
