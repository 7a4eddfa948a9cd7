"""Rules of the live page while things happen: what is counted is seen soon, and nothing else moves."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.browser import APP, Tab, event, same, send, settled, shown, today, until
from tests.e2e.running import Up

pytestmark = pytest.mark.e2e
VISIBLE_SECONDS_MAX = 2.0


def test_a_new_event_is_seen_soon_without_a_reload_and_disturbs_nothing(
    tab: Tab, shop: Up, tmp_path: Path
) -> None:
    page = tab.open(app=APP, show="users")
    same(tab, show="users")
    button = page.locator("#triangle tbody tr:nth-child(3) button")
    button.focus()
    page.evaluate("window.kept = document.querySelector('#triangle tbody tr:nth-child(3)'); scrollTo(0, 120)")
    size = page.locator("#triangle tbody tr:nth-child(2) .size")
    before, users = size.inner_text(), tab.answer()["rows"][-1]["size"]
    assert before == str(users)
    page.evaluate(
        """() => new MutationObserver(() => {
            const size = document.querySelector('#triangle tbody tr:nth-child(2) .size');
            if (size.innerText !== window.before) window.seenAt ??= Date.now();
        }).observe(document.querySelector('#triangle'), {subtree: true, characterData: true, childList: true})"""
    )
    page.evaluate("(text) => { window.before = text }", before)
    send(shop, [event("install", f"new-{time.time_ns()}", today())], tmp_path)
    until(page, lambda: tab.answer()["rows"][-1]["size"] == users + 1, 10, "the answer has it")
    answered = time.time()
    expect(size).to_have_text(str(users + 1), timeout=VISIBLE_SECONDS_MAX * 1000)
    assert page.evaluate("window.seenAt") / 1000 - answered < VISIBLE_SECONDS_MAX
    assert page.evaluate("window.kept === document.querySelector('#triangle tbody tr:nth-child(3)')")
    assert page.evaluate("document.activeElement === window.kept.querySelector('button')")
    assert page.evaluate("scrollY") == 120


def test_while_nothing_is_counted_nothing_is_drawn_and_only_the_status_is_asked_for(tab: Tab) -> None:
    page = tab.open(app=APP)
    expect(page.locator("#live")).to_have_text("Live")
    watch = """() => { window.changes = []; window.watch?.disconnect(); window.watch = new MutationObserver((all) => {
            window.changes.push(...all.map((one) => one.target.parentElement.outerHTML.slice(0, 200))) });
          window.watch.observe(document.querySelector('main'),
            {subtree: true, childList: true, characterData: true, attributes: true}) }"""

    def quiet() -> bool:
        page.evaluate(watch)
        tab.requests.clear()
        page.wait_for_timeout(3500)
        only = {urlsplit(url).path for url in tab.requests} == {"/api/v1/status"}
        return only and 2 <= len(tab.requests) <= 4 and page.evaluate("window.changes") == []

    # What is asked at first may be asked once more, as something may have been counted meanwhile.
    until(page, quiet, 30, "the page rests")


def test_a_hidden_tab_asks_nothing_and_looks_at_once_when_it_is_shown(tab: Tab) -> None:
    page = tab.open(app=APP)
    hide = """(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
      document.dispatchEvent(new Event('visibilitychange')) }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(1500)
    tab.requests.clear()
    page.wait_for_timeout(2500)
    assert tab.requests == []
    with page.expect_request("**/api/v1/status", timeout=500):
        page.evaluate(hide, False)


def test_a_server_that_is_away_is_said_and_its_return_is_noticed(tab: Tab) -> None:
    page = tab.open(app=APP)
    before = shown(page)
    page.route("**/api/**", lambda route: route.abort())
    expect(page.locator("#live")).to_contain_text("Server away", timeout=4000)
    assert shown(page) == before
    page.unroute("**/api/**")
    expect(page.locator("#live")).to_have_text("Live", timeout=8000)
    assert {error for error in tab.errors if "ERR_FAILED" not in error} == set()
    tab.errors.clear()


def test_numbers_are_asked_for_again_now_and_then_since_days_end_by_themselves(tab: Tab) -> None:
    tab.page.clock.install()
    page = tab.open(app=APP)
    expect(page.locator("#live")).to_have_text("Live")
    with page.expect_request("**/api/v1/retention?*", timeout=5000):
        page.clock.fast_forward(31_000)
    settled(page)


def test_a_topic_that_kafka_does_not_show_is_said_though_nothing_waits(tab: Tab) -> None:
    def without(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, json=answer.json() | {"missing_topics": ["sessions"], "caught_up": False}
        )

    tab.page.route("**/api/v1/status", without)
    page = tab.open(app=APP)
    expect(page.locator("#live")).to_have_text("Topics are missing")
    page.unroute("**/api/v1/status")
    expect(page.locator("#live")).to_have_text("Live")
