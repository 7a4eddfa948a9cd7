"""/openapi.json says of POST /api/v1/events what it does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode

from consumers.api.app import Api
from consumers.intake import PATH, Intake
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from consumers.web import serve
from stream.store.memory import MemoryStore
from tests.consumers.api.test_api import FakeKafka
from tests.servers import Broker
from tests.waiting import wait_until

KEY = "a-write-key"


async def served(broker: Broker) -> tuple[Any, Intake]:
    """An API that takes events, as in `retention up`."""
    ours = Settings(
        kafka=broker.bootstrap,
        kafka_idempotence=False,
        topic_prefix=broker.prefix(),
        write_keys=f"shop={KEY}",
        api_collects=True,
    )
    intake = Intake(ours, Telemetry("api", "collector"))
    api = Api(ours, MemoryStore(), FakeKafka().open, lambda: 0)
    running = await serve(api.application(lambda: b"", intake), "127.0.0.1", 0)
    await wait_until(lambda: intake.delivery.trouble is None, 15)
    return running, intake


async def test_what_may_be_posted_is_answered_as_described(broker: Broker) -> None:
    running, _ = await served(broker)
    try:
        await asyncio.to_thread(_asked, running.url)
    finally:
        await running.stop()


def _asked(url: str) -> None:
    described = schemathesis.openapi.from_url(f"{url}/openapi.json")
    OpenAPIV31SpecValidator(described.raw_schema).validate()
    operation = described[PATH]["POST"]
    example = described.raw_schema["paths"][PATH]["post"]["requestBody"]["content"]["application/json"][
        "example"
    ]
    said = operation.Case(body=example, headers={"Authorization": f"Bearer {KEY}"}).call()
    assert (said.status_code, json.loads(said.content)) == (202, {"accepted": 1, "rejected": []})

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(GenerationMode.POSITIVE))
    def once(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {KEY}"})

    once()
