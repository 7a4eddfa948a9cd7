"""How does a test see the live page? A headless Chromium in front of a running product, and what stands in its table.

The data is small and strange: a handful of cohorts up to today, in a zone that is not UTC, with values that would be
markup if anybody took them for it.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from consumers.cli.report import REACH, first_cohort
from tests.e2e.running import Up
from tests.servers import missing

APP, ZONE = "shop", "Asia/Ho_Chi_Minh"
HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    '"><script>window.hacked=2</script>',
    "line\nbreak ' onmouseover=window.hacked=3 \x00 [b]",
    "a,b:c%41 \u202egnp",
    "other",
)
DAYS = 6
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def program() -> str:
    """The Chromium of this machine; a machine of ours without one skips, CI without it fails."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    return found or missing("the page needs chromium (apt-get install chromium)")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser. While it is open this thread has a loop that runs: wait with `until`, not with tests.waiting."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        yield browser
        browser.close()


def today() -> datetime:
    """Now, in the zone of the app."""
    return datetime.now(ZoneInfo(ZONE))


def usual_from(period: str) -> str:
    """The first cohort of a triangle in the terminal, in the zone of the app."""
    first = first_cohort(f"{today().date()}", REACH[period][1])
    assert first
    return first


def event(type_: str, user: str, when: datetime, **fields: Any) -> dict[str, Any]:
    """One event; its id is made of what it says."""
    said = {"type": type_, "app_id": APP, "user_id": user, "timestamp": when.isoformat(), **fields}
    return {"event_id": f"{type_} {user} {when.isoformat()}", **said}


def history() -> list[dict[str, Any]]:
    """Cohorts of the last days, each a little larger; users come back less and less, some of them today."""
    events, now = [], today()
    for ago in range(DAYS):
        for number in range(20 + 3 * ago):
            user, began = f"u{ago}-{number}", now - timedelta(days=ago, minutes=number)
            country = HOSTILE[number % 7] if number % 7 < len(HOSTILE) else "VN"
            events.append(event("install", user, began, country=country, platform="ios"))
            events += [
                event("session", user, began + timedelta(days=after))
                for after in range(ago + 1)
                if number % (after + 1) == 0
            ]
            if number % 5 == 0:
                events += bought(user, began)
    return [one for one in events if datetime.fromisoformat(one["timestamp"]) <= now]


def bought(user: str, began: datetime) -> list[dict[str, Any]]:
    """Purchases in three currencies, of one of which browsers know no digits after the point, and an answer."""
    later = began + timedelta(days=1)
    return [
        event("purchase", user, began, amount="4.99", currency="USD"),
        event("purchase", user, later, amount="49000", currency="VND"),
        event("purchase", user, began + timedelta(minutes=1), amount="499.50", currency="HUF"),
        event("feedback", user, began, kind="nps", score=9),
    ]


def send(up: Up, events: list[dict[str, Any]], directory: Path) -> None:
    """Sends events; returns when they are counted."""
    file = directory / "events.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in events))
    up.run("import", str(file), "--wait")


@contextmanager
def product(directory: Path) -> Iterator[Up]:
    """A running `retention up` that has counted the history."""
    one = None
    try:
        with pytest.MonkeyPatch.context() as first_terminal:  # commands of the second one know it from `up`
            first_terminal.setenv("RETENTION_TIMEZONES", f"{APP}={ZONE}")
            one = Up(directory, "--no-demo")
        send(one, history(), directory)
        yield one
        one.stop()
    finally:
        if one is not None:
            one.process.kill()
            one.process.wait()
            one.out.close()


def percent(rate: float | None) -> str:
    """A rate as the page writes it; rounded as browsers do, half up."""
    return "–" if rate is None else f"{(Decimal(rate) * 100).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


class Tab:
    """One tab on the page: what it asked for, and what the browser had to complain about."""

    def __init__(self, page: Page, up: Up) -> None:
        self.page, self.up = page, up
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._said)

    def _said(self, said: ConsoleMessage) -> None:
        # An endpoint that is not there is told on the page; the browser notes it all the same.
        if said.type == "error" and not re.search(r"status of (404|400)", said.text):
            self.errors.append(said.text)

    def open(self, **state: str) -> Page:
        """Opens a view and waits for its triangle."""
        self.page.goto(f"{self.up.where['http']}/?{urlencode(state)}")
        settled(self.page)
        return self.page

    def answer(self, path: str = "retention", **parameters: str) -> Any:
        """What the interface says; of the triangle, where no dates are named, of those that the terminal shows."""
        if path == "retention" and not {"from", "to"} & parameters.keys():
            parameters["from"] = usual_from(parameters.get("period", "day"))
        return self.up.get(f"/api/v1/{path}?{urlencode({'app': APP} | parameters)}")

    def state(self) -> dict[str, str]:
        """The view that the address says."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}


def until(page: Page, condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits until the condition is true; AssertionError after so long."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"not within {seconds:g} s: {what}"
        page.wait_for_timeout(20)


def settled(page: Page) -> None:
    """Waits until the triangle shows the answer to its question."""
    page.wait_for_selector("#triangle tbody tr")
    page.wait_for_selector("[data-body=retention][aria-busy]", state="detached")


TABLE = """() => [...document.querySelectorAll('#triangle tbody')].map((body) => ({
  segment: body.dataset.key.slice('segment '.length),
  rows: [...body.rows].map((row) => ({
    key: row.dataset.key,
    head: row.cells[0].innerText.trim(),
    size: row.cells[1].innerText.trim(),
    cells: [...row.cells].slice(2).map((cell) => ({
      text: cell.firstChild?.data ?? null,
      open: cell.classList.contains('open') && cell.innerText.includes('so far'),
      edge: getComputedStyle(cell).borderTopStyle,
      children: cell.childNodes.length,
    })),
  })),
}))"""


def table(page: Page) -> list[dict[str, Any]]:
    """The triangle on the screen: its segments, their rows, their cells."""
    found: list[dict[str, Any]] = page.evaluate(TABLE)
    return found


def expected(answer: dict[str, Any], show: str = "rate") -> dict[tuple[str | None, str], list[str]]:
    """What the rows of an answer must look like, by segment and cohort: the size, then every cell there is."""
    return {
        (row["segment"], row["cohort"]): [
            f"{row['size']:,}",
            *(percent(cell["rate"]) if show == "rate" else f"{cell['users']:,}" for cell in row["cells"]),
        ]
        for row in answer["rows"]
    }


def shown(page: Page) -> dict[tuple[str | None, str], list[str]]:
    """The same, as it stands on the screen."""
    return {
        (None if body["segment"] == "null" else body["segment"], row["key"]): [
            row["size"],
            *(cell["text"] for cell in row["cells"] if cell["text"] is not None),
        ]
        for body in table(page)
        for row in body["rows"]
        if row["key"] != "average"
    }


def same(tab: Tab, *, show: str = "rate", **question: str) -> None:
    """The table says what the interface says; asked again where something was counted meanwhile."""
    until(
        tab.page,
        lambda: shown(tab.page) == expected(tab.answer(**question), show),
        5,
        "the table is the answer",
    )
