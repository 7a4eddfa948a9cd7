"""How do the pictures of the page in the README come about? From a demo that runs: `python docs/screenshots.py http://127.0.0.1:8080`."""

import shutil
import sys
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parent
WIDTH, HEIGHT = 1240, 900
GAP = 24


def main(url: str) -> None:
    """Writes page.png (figures and triangle) and page-charts.png (curves to churn)."""
    chosen = ",".join((date.today() - timedelta(days=ago)).isoformat() for ago in (17, 10))  # noqa: DTZ011 a demo's date
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(f"{url}/?app=demo&last=14&curve={chosen}")
        page.wait_for_selector("#revenue .u-wrap")
        page.wait_for_selector("[aria-busy]", state="detached")
        cut(page, "page.png", "body", "#triangle-scroll")
        page.goto(f"{url}/?app=demo&last=30&curve={chosen}")
        page.wait_for_selector("#revenue .u-wrap")
        page.wait_for_selector("[aria-busy]", state="detached")
        cut(page, "page-charts.png", "section:has(#curves)", "section:has(#lifecycle)")
        browser.close()


def cut(page: Page, name: str, first: str, last: str) -> None:
    """The page from the top of one element to the bottom of another."""
    top, bottom = (page.locator(one).last.bounding_box() for one in (first, last))
    assert top
    assert bottom
    begin = max(0.0, top["y"])
    page.screenshot(
        path=DOCS / name,
        full_page=True,
        clip={
            "x": 0,
            "y": begin,
            "width": WIDTH,
            "height": bottom["y"] + bottom["height"] + GAP - begin,
        },
    )


if __name__ == "__main__":
    main(sys.argv[1])
