"""The page of the API's metrics holds those of other roles, and says which of them gave none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from consumers.api import joined
from consumers.api.joined import JoinedMetrics
from consumers.local.servers import HOST, free_port
from consumers.telemetry import Telemetry
from consumers.web import serve_probes
from consumers.web_limits import Limits
from tests.consumers.test_joining import family

PAGE = family("retention_repeated", "retention_repeated 7.0")


async def page(
    render: object, *gone: str, key: str = "of the metrics", then: Callable[[], None] = lambda: None
) -> str:
    """What the API shows while a worker answers so, and others do not."""
    checks: dict[str, Any] = {"healthy": lambda: None, "ready": lambda: None, "render": render}
    worker = await serve_probes(HOST, 0, **checks, limits=Limits(metrics_key="of the metrics"))
    addresses = {"worker": f"{HOST}:{worker.port}"} | {role: f"{HOST}:{free_port()}" for role in gone}
    metrics = JoinedMetrics(Telemetry("api"), addresses, key)
    try:
        return (await metrics.render()).decode()
    finally:
        then()
        await metrics.close()
        await worker.stop()


async def test_who_answers_is_on_the_page_and_who_does_not_is_said_to_be_down() -> None:
    shown = await page(lambda: PAGE, "exporter")
    assert 'retention_repeated{role="worker"} 7.0' in shown
    assert 'retention_build_info{role="api",' in shown
    assert 'retention_role_up{role="worker"} 1.0' in shown
    assert 'retention_role_up{role="exporter"} 0.0' in shown


async def test_a_role_that_refuses_the_key_is_said_to_be_down() -> None:
    assert 'retention_role_up{role="worker"} 0.0' in await page(lambda: PAGE, key="another")


async def test_an_api_that_is_told_of_no_other_shows_its_own_metrics() -> None:
    metrics = JoinedMetrics(Telemetry("api"), {})
    shown = (await metrics.render()).decode()
    assert "retention_role_up" not in shown
    assert "role=" not in shown


async def test_a_page_that_is_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "PAGE_BYTES_MAX", len(PAGE))
    assert "retention_repeated" in await page(lambda: PAGE)
    shown = await page(lambda: PAGE + b"\n")
    assert "retention_repeated" not in shown
    assert 'retention_role_up{role="worker"} 0.0' in shown


async def test_a_role_that_hangs_holds_the_page_up_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "PAGE_SECONDS_MAX", 0.05)

    over = asyncio.Event()

    async def hangs() -> bytes:
        await over.wait()
        return PAGE

    assert 'retention_role_up{role="worker"} 0.0' in await page(hangs, then=over.set)
