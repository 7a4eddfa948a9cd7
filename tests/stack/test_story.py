"""One churn spike, from the collector's HTTP to the message that Alertmanager sends; `make e2e` runs it with everything as shipped.

What is simulated is the past: eight weeks of a shop are counted before the story begins, so that the watch knows what is usual.
Through the collector goes the newest settled day, on which half of those stayed away who should have come back, and what followed
until now. The watch rests until then, for it judges each day once. From then on all is as on any morning: the day is judged,
the exporter shows it, rules wait, a message is sent. A watch that runs already looks at the beginning of every minute.
"""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from consumers.settings import Settings
from tests.stack import shop
from tests.stack.own import SHOP_KEY
from tests.stack.receiver import Receiver
from tests.stack.running import Stack
from tests.waiting import wait_until_now

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

HISTORY_DAYS = 56
BATCH = 500
ALERT = "RetentionChurnSpike"


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_a_churn_spike_is_told(
    stack: Stack, receiver: Receiver, hurry: float, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    stack.halt("watch")
    spike = newest_settled_day(now)
    remember(
        stack, [event for day in days(spike - timedelta(days=HISTORY_DAYS), spike) for event in shop.day(day)]
    )
    times = {
        "event to counter": event_to_counter(stack),
        "counter to Prometheus": counter_to_prometheus(stack),
    }

    began = time.monotonic()
    collect(stack, shop.day(spike, spike=True))
    for day in days(spike + timedelta(days=1), now.date() + timedelta(days=1)):
        collect(stack, shop.day(day, until=now))
    stack.scale("watch", 1)
    told = wait_until_now(lambda: receiver.firing(ALERT), 180 + 600 / hurry, what=f"{ALERT} is told")
    times["spike to alert"] = told.at - began

    assert told.labels["app"] == shop.APP
    assert told.labels["severity"] == "critical"
    assert "D01 of shop" in told.annotations["description"]
    with capsys.disabled():
        print("\n" + table(times, hurry, told.annotations))


def newest_settled_day(now: datetime) -> date:
    """The day whose cells the watch judges next: it is over for as long as late events are waited for.

    Two minutes are added, so that a story that begins just before that moment tells of the day that settles in it.
    """
    waited = timedelta(hours=Settings().watch_settle_hours)
    return (now + timedelta(minutes=2) - waited).date() - timedelta(days=1)


def days(first: date, end: date) -> list[date]:
    """Every date from the first to that before the end."""
    return [first + timedelta(days=n) for n in range((end - first).days)]


def remember(stack: Stack, events: list[dict[str, Any]]) -> None:
    """Puts the past into Kafka, and returns when it is counted."""
    lines = "".join(json.dumps(event) + "\n" for event in events)
    ran = stack.one("api").run(
        "retention",
        "import",
        "-",
        "--format",
        "ndjson",
        "--no-revisions",
        "--wait",
        said=lines,
        timeout_seconds=300,
    )
    assert ran.returncode == 0, ran.stderr


def collect(stack: Stack, events: Iterable[dict[str, Any]]) -> None:
    """Sends events as an app does, in batches, all of them acknowledged."""
    events = list(events)
    for at in range(0, len(events), BATCH):
        batch = events[at : at + BATCH]
        request = urllib.request.Request(
            stack.url("collector", 8081) + "/api/v1/events",
            json.dumps(batch).encode(),
            {"Authorization": f"Bearer {SHOP_KEY}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert (answer.status, json.load(answer)) == (202, {"accepted": len(batch), "rejected": []})


def event_to_counter(stack: Stack) -> float:
    """From sending one purchase of this moment to its being in an answer, in seconds."""
    now = datetime.now(UTC)
    purchase = {"type": "purchase", "event_id": "p-1", "user_id": "u-1", "timestamp": now.isoformat()}
    began = time.monotonic()
    collect(stack, [purchase | {"amount": "9.99", "currency": "USD"}])
    url = stack.url("api", 8080) + f"/api/v1/revenue?app={shop.APP}&from={now.date()}"
    wait_until_now(lambda: get(url)["total"]["purchases"] == 1, 30, what="the purchase is counted")
    return time.monotonic() - began


def counter_to_prometheus(stack: Stack) -> float:
    """From there until Prometheus has it, in seconds."""
    began = time.monotonic()
    query = urllib.parse.urlencode({"query": f'retention_purchases{{app="{shop.APP}"}} == 1'})
    url = stack.url("prometheus", 9090) + "/api/v1/query?" + query
    wait_until_now(lambda: get(url)["data"]["result"], 90, what="Prometheus has the purchase")
    return time.monotonic() - began


def table(times: dict[str, float], hurry: float, annotations: dict[str, str]) -> str:
    """What is printed: the times, what was shortened, and the message."""
    waits = "with every wait as shipped" if hurry == 1 else f"with waits {hurry:g} times as short"
    lines = [f"A churn spike, {waits}:"]
    lines += [f"  {what:<24}{seconds:8.2f} s" for what, seconds in times.items()]
    return "\n".join([*lines, f"  told: {annotations['summary']}", f"        {annotations['description']}"])
