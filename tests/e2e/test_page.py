"""Rules of the live page, looked at through a browser: it shows what the interface says, soon, and only that."""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import (
    APP,
    HOSTILE,
    ZONE,
    Tab,
    event,
    expected,
    percent,
    send,
    settled,
    shown,
    table,
    today,
    until,
)
from tests.e2e.running import Up

pytestmark = pytest.mark.e2e
VISIBLE_SECONDS_MAX = 2.0


def same(tab: Tab, *, show: str = "rate", **question: str) -> None:
    """The table says what the interface says; asked again where something was counted meanwhile."""
    until(
        tab.page,
        lambda: shown(tab.page) == expected(tab.answer(**question), show),
        5,
        "the table is the answer",
    )


def test_every_cell_and_size_on_the_screen_is_that_of_the_answer(tab: Tab) -> None:
    page = tab.open()
    assert tab.state() == {"app": APP}, "the only app is chosen"
    same(tab)
    page.select_option("#show", "users")
    same(tab, show="users")
    page.select_option("#return", "any")
    page.select_option("#criterion", "on_or_after")
    settled(page)
    same(tab, show="users", **{"return": "any", "criterion": "on_or_after"})


def test_open_cells_are_marked_in_words_and_by_their_edge_and_absent_ones_are_empty(tab: Tab) -> None:
    tab.open(app=APP)
    answer = {row["cohort"]: row["cells"] for row in tab.answer()["rows"]}
    marks = {True: 0, False: 0, None: 0}
    [body] = table(tab.page)
    for row in body["rows"][1:]:
        for n, cell in enumerate(row["cells"]):
            complete = answer[row["key"]][n]["complete"] if n < len(answer[row["key"]]) else None
            marks[complete] += 1
            assert cell["open"] == (complete is False)
            assert (cell["edge"] == "dashed") == (complete is False)
            if complete is None:
                assert (cell["text"], cell["children"]) == (None, 0)
    assert all(marks.values())


def test_averages_actives_and_the_pipeline_are_those_of_the_answers(tab: Tab) -> None:
    page = tab.open(app=APP)
    [body] = table(page)
    average = [percent(cell["rate"]) for cell in tab.answer()["average"]]
    assert [cell["text"] for cell in body["rows"][0]["cells"] if cell["text"]] == average
    page.locator("section:has(#actives) summary").first.click()
    rows = page.locator("#actives tbody tr").all_inner_texts()
    active = [
        (f"{row['dau']:,}", f"{row['wau']:,}", f"{row['mau']:,}")
        for row in reversed(tab.answer("active")["rows"])
    ]
    assert [tuple(re.findall(r"\t(\d[\d,]*\d|\d)", row)) for row in rows] == active
    expect(page.locator("#live")).to_have_text("Live")
    status = tab.up.status()
    figures = dict(
        zip(
            page.locator("#health dt").all_inner_texts(),
            page.locator("#health dd:nth-child(2)").all_inner_texts(),
            strict=True,
        )
    )
    assert figures["Records counted"] == f"{status['applied']:,}"
    assert (figures["Everything counted"], figures["Behind"], figures["Dead letters"]) == ("yes", "0", "0")


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
    expect(page.locator("[aria-busy]")).to_have_count(0)
    page.wait_for_timeout(1500)
    page.evaluate(
        """() => { window.changes = []; new MutationObserver((all) => {
            window.changes.push(...all.map((one) => one.target.parentElement.outerHTML.slice(0, 200))) })
          .observe(document.querySelector('main'), {subtree: true, childList: true, characterData: true, attributes: true}) }"""
    )
    tab.requests.clear()
    page.wait_for_timeout(3500)
    assert page.evaluate("window.changes") == []
    assert {urlsplit(url).path for url in tab.requests} == {"/api/v1/status"}
    assert 2 <= len(tab.requests) <= 4


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


def test_an_endpoint_that_is_refused_is_told_in_its_panel_and_nowhere_else(tab: Tab) -> None:
    refused = '{"title": "Bad Request", "status": 400, "detail": "not <b>today</b>"}'
    tab.page.route("**/api/v1/active?**", lambda route: route.fulfill(status=400, body=refused))
    page = tab.open(app=APP)
    expect(page.locator("[data-note=active]")).to_have_text("No numbers here: not <b>today</b>.")
    expect(page.locator("#actives")).to_be_hidden()
    same(tab)


def test_the_address_is_the_view(tab: Tab) -> None:
    page = tab.open()
    page.select_option("#cohort", "first_seen")
    page.select_option("#breakdown", "country")
    page.select_option("#last", "14")
    page.select_option("#show", "users")
    settled(page)
    state = {"app": APP, "cohort": "first_seen", "breakdown": "country", "last": "14", "show": "users"}
    assert tab.state() == state
    before = table(page)
    page.reload()
    settled(page)
    assert tab.state() == state
    assert table(page) == before
    assert page.input_value("#cohort") == "first_seen"
    page.go_back()
    expect(page.locator("#show")).to_have_value("rate")
    assert "show" not in tab.state()


def test_a_chosen_cohort_is_drawn_and_stays_chosen(tab: Tab) -> None:
    page = tab.open(app=APP)
    button = page.locator("#triangle tbody tr:nth-child(4) button")
    cohort = button.get_attribute("data-cohort")
    button.click()
    assert tab.state()["curve"] == cohort
    page.reload()
    settled(page)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#curves .lines li")).to_have_count(2)
    button.click()
    expect(page.locator("#curves .lines li")).to_have_count(1)


def test_what_users_sent_is_shown_as_text(tab: Tab) -> None:
    page = tab.open(app=APP, breakdown="country")
    answer = tab.answer(breakdown="country")
    assert {row["segment"] for row in answer["rows"]} >= set(HOSTILE[:3])
    heads = [body["segment"] for body in table(page)]
    assert heads == list(dict.fromkeys(row["segment"] for row in answer["rows"]))
    page.locator("#triangle tbody button").first.click()
    # A filter of each of them, from the picker: what is asked for is what was chosen.
    page.select_option("#breakdown", "")
    for value in HOSTILE:
        page.select_option("#dimension", "country")
        page.select_option("#value", value)
        expect(page.locator("#filters li span")).to_have_text([f"country: {value}"])
        settled(page)
        users = sum(row["size"] for row in answer["rows"] if row["segment"] == value)
        expect(page.locator("#triangle .average .size")).to_have_text(f"{users:,}")
    page.reload()
    settled(page)
    expect(page.locator("#filters li span")).to_have_text([f"country: {HOSTILE[-1]}"])
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main script").count() == 0


def test_a_value_that_is_not_offered_can_be_typed(tab: Tab) -> None:
    short = '{"app": "shop", "dimension": "country", "values": [], "more": 3}'
    tab.page.route(
        "**/api/v1/values?**", lambda route: route.fulfill(body=short, content_type="application/json")
    )
    page = tab.open(app=APP)
    page.select_option("#dimension", "country")
    page.select_option("#value", label="one of 3 others …")
    page.keyboard.type("VN")
    page.keyboard.press("Enter")
    assert tab.state()["where"] == "country:VN"


def test_nothing_is_asked_of_anybody_else(tab: Tab, shop: Up) -> None:
    tab.open(app=APP, breakdown="country")
    origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in tab.requests}
    assert origins == {shop.where["http"]}
    assert tab.errors == []
    assert tab.page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'refused')") == "refused"
    tab.errors.clear()


def test_dates_are_those_of_the_app(tab: Tab) -> None:
    page = tab.open(app=APP)
    [body] = table(page)
    assert body["rows"][1]["key"] == today().date().isoformat()
    assert body["rows"][1]["head"] == f"{today():%a} {today().day} {today():%b}"
    expect(page.locator("#clock")).to_contain_text(ZONE)
