"""How do tests run a command? In this process, with an environment of its own, and what it wrote."""

import asyncio
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from consumers.cli import run
from consumers.kafka import stored_records
from consumers.settings import Settings
from tests.servers import Broker


class Ran(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `retention` with these arguments; keywords are RETENTION_ variables, nothing else of them is set."""

    def call(*arguments: object, **settings: object) -> Ran:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("RETENTION_")]:
                patch.delenv(name)
            patch.setenv("RETENTION_DATA_DIR", "/nonexistent")
            for name, value in settings.items():
                patch.setenv(f"RETENTION_{name}", str(value))
            capsys.readouterr()
            code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(code, said.out, said.err)

    return call


def on_broker(broker: Broker) -> Settings:
    """Settings of a command with topics of its own on that broker."""
    return Settings(kafka=broker.bootstrap, topic_prefix=broker.prefix(), kafka_idempotence=False)


def with_kafka(call: Command, settings: Settings) -> Command:
    """The command with the broker of these settings; keywords are more RETENTION_ variables."""
    own = {"KAFKA": settings.kafka, "TOPIC_PREFIX": settings.topic_prefix, "KAFKA_IDEMPOTENCE": "false"}

    def with_servers(*arguments: object, **more: object) -> Ran:
        return call(*arguments, **own | more)

    return with_servers


async def stored(settings: Settings, topic: str) -> list[Any]:
    """Every record that stands in a topic."""
    return [record async for record in stored_records(settings, topic)]


def stored_now(settings: Settings, topic: str) -> list[Any]:
    """The same, for a test without a loop."""
    return asyncio.run(stored(settings, topic))
