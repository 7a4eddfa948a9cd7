"""docs/sdk.md: curl and the sender in JavaScript are run against a collector; every sender speaks as the endpoint does."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.settings import Settings
from stream.events.schema import DEFAULT_DIMENSIONS
from tests.consumers.collector.process import Collector
from tests.consumers.intake.rig import stored
from tests.servers import ROOT, Broker, missing
from tests.waiting import wait_until_now

TEXT = (ROOT / "docs" / "sdk.md").read_text()
KEY = "a-write-key"
FIELDS = {
    *("type", "event_id", "app_id", "user_id", "timestamp", "sent_at", *DEFAULT_DIMENSIONS),
    *("amount", "currency", "product_id", "refund_of", "kind", "score", "alias", "duration_seconds"),
}
Make = Callable[..., Collector]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        missing(f"{name} is not on this machine")
    return found


@pytest.fixture
def make(tmp_path: Path, broker: Broker) -> Iterator[Make]:
    made: list[Collector] = []

    def collector(*, start: bool = True, **settings: Any) -> Collector:
        chosen = {
            "kafka": broker.bootstrap,
            "topic_prefix": broker.prefix(),
            "kafka_idempotence": False,
            "partitions": 2,
        }
        made.append(Collector(tmp_path, **chosen | settings))
        if start:
            made[-1].start()
            wait_until_now(made[-1].ready, 15)
        return made[-1]

    yield collector
    for one in made:
        one.kill()


def kept(settings: Settings) -> list[dict[str, Any]]:
    return [value for _, _, value in asyncio.run(stored(settings))]


@pytest.mark.parametrize(("block", "keys", "count"), [(0, "", 2), (1, f"shop={KEY}", 1)])
def test_the_lines_of_curl_do_what_they_say(make: Make, block: int, keys: str, count: int) -> None:
    program("curl")
    collector = make(write_keys=keys)
    script = blocks("sh")[block].replace("http://127.0.0.1:8080", collector.url)
    said = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": "/usr/bin:/bin", "COLLECTOR": collector.url, "WRITE_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=15,
        check=True,
    )
    assert json.loads(said.stdout) == {"accepted": count, "rejected": []}
    assert {value["app_id"] for value in kept(collector.settings)} == {"shop"}
    if not keys:
        assert f"    {said.stdout}\n" in TEXT, "the answer that the page shows"


def node(directory: Path, script: str) -> subprocess.Popen[str]:
    (directory / "retention.mjs").write_text(blocks("js")[0])
    (directory / "run.mjs").write_text("import { Retention } from './retention.mjs';\n" + script)
    return subprocess.Popen(
        [program("node"), str(directory / "run.mjs")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_sender_in_javascript_sends_everything_once_and_waits_when_it_is_told_to(
    make: Make, tmp_path: Path
) -> None:
    collector = make(write_keys=f"shop={KEY}", collector_events_per_second=60)
    script = f"""
        const saved = [];
        const retention = new Retention({{
          url: '{collector.url}', key: '{KEY}', common: {{ user_id: 'alice', platform: 'web' }},
          store: {{ load: () => null, save: (text) => saved.push(text) }},
        }});
        for (let n = 0; n < 300; n++) retention.track('session', {{ duration_seconds: n }});
        retention.track('purchase', {{ amount: '4.99', currency: 'USD' }});
        retention.track('purchase', {{ amount: 'much', currency: 'USD' }});
        const begun = Date.now();
        await Promise.all([retention.flush(), retention.flush()]);
        console.log(JSON.stringify({{ milliseconds: Date.now() - begun, left: JSON.parse(saved.at(-1)).length }}));
    """
    said, _ = node(tmp_path, script).communicate(timeout=15)
    rejected, told = said.strip().rsplit("\n", 1)
    assert "retention: rejected bad_field" in rejected
    assert json.loads(told)["left"] == 0
    assert json.loads(told)["milliseconds"] >= 1_000, "it was told to wait"
    found = kept(collector.settings)
    assert len(found) == len({value["event_id"] for value in found}) == 301
    assert {value["duration_seconds"] for value in found if "amount" not in value} == set(range(300))
    assert 'code="429"} 1.0' in collector.get("/metrics")[1]


def test_the_sender_in_javascript_keeps_what_nobody_takes_and_sends_it_later(
    make: Make, tmp_path: Path
) -> None:
    collector = make(start=False)
    script = f"""
        const before = {{ type: 'install', event_id: 'of-the-last-run', app_id: 'shop', user_id: 'a', timestamp: 1e12 }};
        const retention = new Retention({{
          url: '{collector.url}', common: {{ app_id: 'shop', user_id: 'alice' }},
          store: {{ load: () => JSON.stringify([before]), save: () => {{}} }},
        }});
        retention.track('session');
        console.log('begun');
        await retention.flush();
    """
    with node(tmp_path, script) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        collector.start()
        assert running.wait(18) == 0
    assert len(kept(collector.settings)) == 2


def test_the_sender_in_javascript_stops_where_the_app_is_set_up_wrongly(make: Make, tmp_path: Path) -> None:
    collector = make(write_keys=f"shop={KEY}")
    script = f"""
        const retention = new Retention({{ url: '{collector.url}', key: 'wrong', common: {{ user_id: 'alice' }} }});
        retention.track('session');
        await retention.flush().catch((error) => console.log(error.message));
    """
    said, _ = node(tmp_path, script).communicate(timeout=15)
    assert said.startswith("retention: 401: the key that was shown is not a write key")


@pytest.mark.parametrize("language", ["js", "kotlin", "swift"])
def test_every_sender_knows_path_headers_statuses_and_fields(language: str) -> None:
    code = "\n".join(blocks(language))
    for word in (
        "api/v1/events",
        "Authorization",
        "Bearer",
        "Retry-After",
        "event_id",
        "sent_at",
        "timestamp",
    ):
        assert word in code, word
    assert all(re.search(rf"\b{status}\b", code) for status in (202, 408, 413, 429, 500))
    snake = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", re.sub(r"(https?:|')\S*starter_pack\S*", "", code)))
    assert snake - {"starter_pack"} <= FIELDS
