"""Rules of the live page at a server with read keys: asked for once, kept in the tab, shown in a header, never in an address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, expect

from tests.consumers.api.served import served
from tests.e2e.browser import chromium, settled
from tests.stream.report.counted import install, session

pytestmark = pytest.mark.e2e
KEY, OTHER = "key-of-shop", "key-of-game"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    records = [install("anna", "2026-11-20"), session("anna", "2026-11-21"), install("bo", "2026-11-21")]
    with served(records, read_keys=f"shop={KEY},game={OTHER}") as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@contextmanager
def tab(browser: Browser, url: str) -> Iterator[tuple[Page, list[Request]]]:
    """A tab that nobody has used, and what it asks for."""
    context = browser.new_context()
    page, asked = context.new_page(), list[Request]()
    page.on("request", lambda request: asked.append(request))
    page.goto(url)
    yield page, asked
    context.close()


def give(page: Page, key: str) -> None:
    page.get_by_role("textbox", name="Read key").fill(key)
    page.get_by_role("button", name="Show the numbers").click()


def test_the_key_is_asked_for_once_and_then_the_numbers_show(browser: Browser, url: str) -> None:
    with tab(browser, url) as (page, asked):
        dialog = page.get_by_role("dialog", name="Read key")
        expect(dialog).to_be_visible()
        expect(dialog).to_contain_text("to whoever has a read key")
        expect(page.locator("#live")).to_have_text("a read key is needed")
        assert Axe().run(page).violations_count == 0
        give(page, KEY)
        expect(dialog).to_be_hidden()
        settled(page)
        expect(page.locator("#app")).to_have_value("shop")
        expect(page.locator("#live")).to_have_text("Live")
        page.reload()
        settled(page)
        expect(dialog).to_be_hidden()
        assert page.evaluate("Object.values(sessionStorage)") == [KEY]
        assert page.evaluate("localStorage.length + document.cookie.length") == 0
        assert not [one.url for one in asked if KEY in one.url]
        assert asked[-1].headers["authorization"] == f"Bearer {KEY}"


def test_another_tab_is_asked_again(browser: Browser, url: str) -> None:
    for _ in range(2):
        with tab(browser, url) as (page, _asked):
            expect(page.get_by_role("dialog")).to_be_visible()
            give(page, KEY)
            settled(page)


def test_a_wrong_key_is_told_and_can_be_put_right(browser: Browser, url: str) -> None:
    with tab(browser, url) as (page, _):
        give(page, "another")
        expect(page.get_by_role("dialog")).to_contain_text("does not take that key")
        page.get_by_role("button", name="Not now").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.get_by_role("button", name="Change key").click()
        give(page, KEY)
        settled(page)


def test_the_app_of_another_key_is_told_in_its_panels(browser: Browser, url: str) -> None:
    with tab(browser, f"{url}/?app=shop") as (page, _):
        give(page, OTHER)
        expect(page.locator("[data-note=retention]")).to_contain_text("no read key of app 'shop'")
        page.get_by_role("button", name="Change key").click()
        give(page, KEY)
        settled(page)


def test_the_links_to_json_lead_to_json(browser: Browser, url: str) -> None:
    with tab(browser, url) as (page, _):
        give(page, KEY)
        settled(page)
        with page.expect_popup() as popup:
            page.locator("[data-json=retention]").click()
        assert '"app":"shop"' in (popup.value.text_content("body") or "")
