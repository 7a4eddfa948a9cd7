"""Rules of the view: it is in the address, it is chosen by pickers, and what users sent is never more than text in it."""

from __future__ import annotations

import re
from datetime import timedelta
from inspect import signature
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Route, expect

from consumers.cli.report import REACH as REPORTED
from consumers.cli.report import report
from tests.e2e.browser import APP, HOSTILE, Tab, same, settled, table, today, until, usual_from
from tests.e2e.running import Up

pytestmark = pytest.mark.e2e


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


def test_dates_in_the_address_are_in_the_pickers_as_in_the_interface(tab: Tab) -> None:
    dates = {"from": f"{today().date() - timedelta(days=4)}", "to": f"{today().date() - timedelta(days=2)}"}
    page = tab.open(app=APP, **dates)
    assert [page.input_value(f"#{name}") for name in ("last", "from", "to")] == ["custom", *dates.values()]
    expect(page.locator("#strange")).to_be_hidden()
    same(tab, **dates)
    page.select_option("#return", "any")
    assert tab.state() == {"app": APP, "return": "any"} | dates
    page.select_option("#last", "7")
    assert tab.state() == {"app": APP, "return": "any", "last": "7"}
    expect(page.locator("#from")).to_be_hidden()


def test_what_the_address_says_strangely_is_told_and_left_out_of_it(tab: Tab) -> None:
    page = tab.open(app=APP, cohort="bogus", breakdown="foo", to="2026-02-31", day="3", show="users")
    strange = page.locator("#strange")
    for said in ("cohort=bogus", "breakdown=foo", "to=2026-02-31", "day=3"):
        expect(strange).to_contain_text(said)
    expect(strange).not_to_contain_text("users")
    assert tab.state() == {"app": APP, "show": "users"}
    assert (page.input_value("#cohort"), page.input_value("#breakdown")) == ("install", "")
    assert "foo" not in page.locator("#breakdown").inner_text()
    same(tab, show="users")
    page.select_option("#cohort", "first_seen")
    expect(strange).to_be_hidden()
    tab.open(app=APP, last="7", **{"from": f"{today().date()}"})
    expect(strange).to_contain_text("last=7")


def test_the_app_that_opens_is_that_of_the_report(tab: Tab) -> None:
    usual = signature(report).parameters["app"].default
    offered = [{"app": app, "timezone": "UTC"} for app in ("a", usual, "shop")]
    answer = {"apps": offered, "dimensions": ["country"]}
    tab.page.route("**/api/v1/apps", lambda route: route.fulfill(json=answer))
    page = tab.open()
    assert (tab.state(), page.input_value("#app")) == ({"app": usual}, usual)
    del offered[1]
    assert tab.open() is page
    assert tab.state() == {"app": "a"}, "without it the first by name"


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


def test_an_app_in_the_address_is_text_too(tab: Tab) -> None:
    tab.page.goto(f"{tab.up.where['http']}/?{urlencode({'app': HOSTILE[0]})}")
    expect(tab.page.locator("[data-note=retention]")).to_contain_text("No numbers here")
    expect(tab.page.locator("#app")).to_contain_text(HOSTILE[0])
    assert tab.page.evaluate("window.hacked") is None
    assert tab.page.locator("main img, main script").count() == 0


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


def test_where_nobody_installed_but_users_were_active_the_other_cohort_is_named(tab: Tab) -> None:
    tab.page.route("**/api/v1/retention?*", _without_installs)
    page = tab.open(app=APP)
    expect(page.locator("#no-installs")).to_be_visible()
    expect(page.locator("#no-installs")).to_contain_text("First seen")
    page.select_option("#cohort", "first_seen")
    expect(page.locator("#no-installs")).to_be_hidden()


def test_where_nobody_is_the_page_says_so_and_has_no_legend_of_shades(tab: Tab) -> None:
    page = tab.open(app=APP)
    # The deepest shade is for the best average of those who come back; that everybody was there at first is none.
    expect(page.locator("#heat-legend")).to_contain_text(re.compile(r"[1-9]\d?% and more"))
    expect(page.locator("#nobody")).to_be_hidden()
    page = tab.open(app="nosuch")
    expect(page.locator("#nobody")).to_contain_text("No app “nosuch” is known here")
    expect(page.locator("#figures div:first-child")).to_contain_text("nobody")
    for false in ("not over yet", "– so far"):
        expect(page.locator("#figures")).not_to_contain_text(false)
    expect(page.locator("#heat-legend")).to_be_hidden()
    expect(page.locator("#app")).to_have_value("nosuch")
    page.select_option("#app", APP)
    expect(page.locator("#nobody")).to_be_hidden()
    tab.page.route("**/api/v1/apps", lambda route: route.fulfill(json={"apps": [], "dimensions": []}))
    tab.open(app="nosuch")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#nobody")).to_be_hidden()
    tab.page.unroute("**/api/v1/apps")
    tab.open(app=APP)
    expect(page.locator("#heat-legend")).to_be_visible()


def test_days_without_anybody_are_told_from_days_that_are_not_over(tab: Tab) -> None:
    page = tab.open(app=APP, last="custom", **{"from": "2020-01-01", "to": "2020-01-30"})
    expect(page.locator("#nobody")).to_have_text(re.compile("^Nobody in these days"))
    expect(page.locator("#figures")).not_to_contain_text("not over yet")
    page = tab.open(app=APP, where="country:Nowhere")
    expect(page.locator("#nobody")).to_contain_text("passes the filters")
    page = tab.open(app=APP)
    expect(page.locator("#figures div", has_text="D7")).to_contain_text("not over yet")
    assert [name for name in page.locator("#figures dt").all_inner_texts() if name[1:].isdigit()] == [
        "D1",
        "D7",
        "D30",
    ]
    expect(page.locator("#figures div", has_text="D30")).to_contain_text("not over yet")
    page.select_option("#last", "30")
    expect(page.locator("#figures div", has_text="D30")).to_contain_text("beyond these dates")


def test_the_triangle_begins_where_that_of_the_terminal_does(tab: Tab) -> None:
    for period in REPORTED:
        before = usual_from(period)
        tab.open(app=APP, period=period)
        asked = [urlsplit(url).query for url in tab.requests if urlsplit(url).path == "/api/v1/retention"]
        assert before <= parse_qs(asked[-1])["from"][0] <= usual_from(period)


def test_why_there_is_no_churn_is_said_as_in_the_terminal(tab: Tab) -> None:
    page = tab.open(app=APP)
    assert tab.answer("crr")["complete"], "days are over, but nobody was there before them"
    for list_ in ("#figures", "#churn"):
        expect(page.locator(f"{list_} div", has_text="nobody was there before")).to_have_count(1)
    page = tab.open(app=APP, **{"from": f"{today().date()}", "to": f"{today().date()}"})
    for list_ in ("#figures", "#churn"):
        expect(page.locator(f"{list_} div", has_text="the range still runs")).to_have_count(1)


def _without_installs(route: Route) -> None:
    """The answer of the interface as it is for an app whose users never installed."""
    response = route.fetch()
    answer = response.json()
    if answer["cohort"] == "install":
        answer["rows"] = [{**row, "size": 0, "cells": []} for row in answer["rows"]]
        answer["average"] = []
    route.fulfill(response=response, json=answer)


KEPT = """() => {
  window.plots = [];
  window.uPlot = class extends uPlot {
    constructor(...given) {
      super(...given);
      window.plots.push(this);
    }
  };
}"""
REACH = """() => window.plots.filter((plot) => plot.root.closest('#curves')).map((plot) => ({
  top: plot.scales.y.max,
  highest: Math.max(...plot.data.slice(1).flat()),
}))"""


def test_the_axis_of_the_curves_holds_their_intervals_and_ends_at_100_percent(tab: Tab) -> None:
    tab.page.route("**/api/v1/retention?*", _with_a_wide_interval)
    page = tab.open(app=APP)
    page.evaluate(KEPT)
    page.emulate_media(color_scheme="dark")  # draws the charts anew
    until(page, lambda: bool(page.evaluate(REACH)), 5, "the curves are drawn")
    [plot] = page.evaluate(REACH)
    assert (plot["highest"], plot["top"]) == (0.99, 1)


def _with_a_wide_interval(route: Route) -> None:
    """The answer of the interface with the interval that a handful of users has."""
    response = route.fetch()
    answer = response.json()
    cells = [cell | {"rate": 0.5, "low": 0.1, "high": 0.99} for cell in answer["average"] if cell["n"]]
    route.fulfill(response=response, json=answer | {"average": cells})
