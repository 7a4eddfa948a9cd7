"""What do the tests of the whole product share? A product for a test or for the run, a browser for a file, a tab for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import Tab, chromium, product, program
from tests.e2e.running import Up, up  # noqa: F401 a fixture


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running product that has counted the history of the app `shop`."""
    program()
    with product(tmp_path_factory.mktemp("shop")) as one:
        yield one


@pytest.fixture(scope="module")
def browser(shop: Up) -> Iterator[Browser]:
    """A headless Chromium. It is closed before another file runs: its loop would be in the way of theirs."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, shop: Up) -> Iterator[Tab]:
    """A tab that nobody has used; at its end the browser must have found nothing to complain about."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    tab = Tab(context.new_page(), shop)
    yield tab
    assert tab.errors == []
    context.close()
