"""Rules of the live page for everybody: keyboard, screen readers, contrast, small screens, people whom motion disturbs."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.e2e.browser import APP, Tab, event, send, settled, shown, today, until
from tests.e2e.running import Up

pytestmark = pytest.mark.e2e
CONTRAST_MIN = 4.5  # WCAG 2.2 AA for text of this size
STEPS = 10

COLORS = """(step) => {
  const cell = document.createElement('td');
  cell.className = step === null ? 'open' : `heat-${step}`;
  document.querySelector('#triangle .average').append(cell);
  const style = getComputedStyle(cell);
  const found = [style.color, step === null ? getComputedStyle(document.body).backgroundColor : style.backgroundColor];
  cell.remove();
  return found;
}"""


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2 between two colours as browsers write them."""

    def luminance(color: str) -> float:
        shares = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_shade_can_be_read(tab: Tab, scheme: str) -> None:
    tab.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    tab.open(app=APP)
    shades = set()
    for step in [*range(STEPS), None]:
        text, ground = tab.page.evaluate(COLORS, step)
        assert contrast(text, ground) >= CONTRAST_MIN, (scheme, step, text, ground)
        shades.add(ground)
    assert len(shades) == STEPS + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "state", [{}, {"breakdown": "country", "where": "platform:ios"}], ids=["plain", "broken down"]
)
def test_axe_finds_nothing(tab: Tab, scheme: str, state: dict[str, str]) -> None:
    tab.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page = tab.open(app=APP, **state)
    for summary in page.locator("summary:visible").all():
        summary.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_triangle_is_a_table_with_a_caption_and_scopes(tab: Tab) -> None:
    page = tab.open(app=APP)
    expect(page.get_by_role("table", name=re.compile("36 cohorts"))).to_be_visible()
    heads = page.locator("#triangle thead th")
    assert {one.get_attribute("scope") for one in heads.all()} == {"col"}
    rows = page.locator("#triangle tbody th")
    assert {one.get_attribute("scope") for one in rows.all()} == {"row"}
    assert rows.count() == 37
    assert page.locator("[aria-live]").count() == 1, "the numbers are not read out as they change"


def test_only_what_can_be_followed_looks_like_a_link(tab: Tab) -> None:
    page = tab.open(app=APP)
    lines = "(all) => all.map((one) => getComputedStyle(one).textDecorationLine)"
    assert set(page.locator("table").evaluate_all(lines)) == {"none"}
    assert set(page.locator("button.plain").evaluate_all(lines)) == {"underline"}


def test_every_picker_has_a_label_and_the_tab_key_reaches_it(tab: Tab) -> None:
    page = tab.open(app=APP)
    pickers = {
        one.get_attribute("id")
        for one in page.locator("main select:visible, main input:visible, header select:visible").all()
    }
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate("[document.activeElement.id, document.activeElement.labels?.[0]?.innerText]")
        reached.append(at[0])
        if at[0] in pickers:
            assert at[1], f"#{at[0]} has no label"
    assert pickers <= set(reached)
    assert reached[1] == "app", "after the link that skips, the first thing is the app"
    assert reached.index("app") < reached.index("period") < reached.index("triangle-scroll")


def test_the_keyboard_changes_what_is_shown(tab: Tab) -> None:
    page = tab.open(app=APP)
    page.locator("#show").focus()
    page.keyboard.press("U")
    page.keyboard.press("Enter")
    expect(page.locator("#show")).to_have_value("users")
    assert tab.state()["show"] == "users"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", (
        "the focus is seen"
    )


def test_the_first_tab_skips_to_the_numbers(tab: Tab) -> None:
    page = tab.open(app=APP)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "retention"


def test_arrow_keys_walk_the_triangle_and_a_cell_says_what_it_means(tab: Tab) -> None:
    page = tab.open(app=APP)
    at = "[document.activeElement.closest('tr').rowIndex, document.activeElement.closest('td, th').cellIndex]"
    page.locator("#triangle-scroll").focus()
    page.keyboard.press("Tab")
    assert page.evaluate(at) == [1, 0], "the table is one stop"
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate(at) == [3, 2]
    row = tab.answer()["rows"][-2]
    tip = page.locator("#tip")
    expect(tip).to_contain_text(f"{row['size']} of {row['size']} users: 100.0%")
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert tab.state()["curve"] == row["cohort"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#triangle')") is None


def test_pointing_at_a_cell_says_what_it_means(tab: Tab) -> None:
    page = tab.open(app=APP)
    row = tab.answer()["rows"][-2]
    page.locator("#triangle tbody tr:nth-child(3) td:nth-child(4)").hover()
    cell = row["cells"][1]
    expect(page.locator("#tip")).to_contain_text(f"{cell['users']} of {row['size']} users")
    expect(page.locator("#tip")).to_contain_text("Still open")
    page.mouse.move(5, 5)
    expect(page.locator("#tip")).to_be_hidden()


@pytest.mark.parametrize("width", [320, 375])
@pytest.mark.parametrize(
    "state", [{}, {"breakdown": "country", "where": "country:" + "x" * 128}], ids=["plain", "long"]
)
def test_on_a_phone_only_the_triangle_scrolls_sideways(tab: Tab, width: int, state: dict[str, str]) -> None:
    tab.page.set_viewport_size({"width": width, "height": 700})
    page = tab.page
    page.goto(
        f"{tab.up.where['http']}/?app={APP}&" + "&".join(f"{name}={value}" for name, value in state.items())
    )
    expect(page.locator("#live")).to_have_text("Live")
    page.wait_for_selector("[data-body=retention][aria-busy]", state="detached")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide = page.evaluate(
        """(width) => [...document.querySelectorAll('main *, header *')]
            .filter((node) => !node.closest('.scroll *, .hidden') && node.getBoundingClientRect().right > width + 0.5)
            .map((node) => node.outerHTML.slice(0, 80))""",
        width,
    )
    assert wide == []
    if not state:
        assert page.evaluate(
            "(({scrollWidth, clientWidth}) => scrollWidth > clientWidth)(document.querySelector('#triangle-scroll'))"
        )


def test_a_phone_shows_the_same_cells(tab: Tab) -> None:
    page = tab.open(app=APP)
    wide = shown(page)
    page.set_viewport_size({"width": 375, "height": 700})
    page.reload()
    settled(page)
    assert shown(page) == wide


def test_whom_motion_disturbs_sees_none(
    browser: Browser, shop: Up, tmp_path_factory: pytest.TempPathFactory
) -> None:
    moved = {}
    for wish in ("no-preference", "reduce"):
        context = browser.new_context(reduced_motion=wish)  # type: ignore[arg-type]
        tab = Tab(context.new_page(), shop)
        page = tab.open(app=APP, show="users")
        page.evaluate(
            """() => { window.moved = 0; const animate = Element.prototype.animate;
              Element.prototype.animate = function (...all) { window.moved += 1; return animate.apply(this, all) } }"""
        )
        size = page.locator("#triangle tbody tr:nth-child(2) .size")
        before = size.inner_text()
        now = today()
        send(shop, [event("install", f"{wish} {now}", now)], tmp_path_factory.mktemp("moved"))
        until(page, lambda size=size, before=before: size.inner_text() != before, 10, "the new user is seen")
        moved[wish] = page.evaluate("window.moved")
        context.close()
    assert moved["no-preference"] > 0
    assert moved["reduce"] == 0
