"""Rules of the live page, looked at through a browser: it shows what the interface says, and only that."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import APP, ZONE, Tab, percent, same, settled, table, today

pytestmark = pytest.mark.e2e


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
    answer = tab.answer("active")["rows"][::-1]
    expect(page.locator("#actives tbody tr")).to_have_count(len(answer))
    rows = page.locator("#actives tbody tr").all_inner_texts()
    active = [(f"{row['dau']:,}", f"{row['wau']:,}", f"{row['mau']:,}") for row in answer]
    assert [tuple(re.findall(r"\t(\d[\d,]*\d|\d)", row)) for row in rows] == active
    assert [row.count(", open") for row in rows] == [0 if row["complete"] else 3 for row in answer]
    expect(page.locator("#live")).to_have_text("Live")
    status = tab.up.status()
    health = figures(tab, "#health")
    assert health["Records counted"] == f"{status['applied']:,}"
    assert (health["Everything counted"], health["Behind"], health["Dead letters"]) == ("yes", "0", "0")


def figures(tab: Tab, selector: str) -> dict[str, str]:
    """The figures of a panel by their names."""
    box = tab.page.locator(selector)
    expect(box).to_be_visible()
    names, numbers = box.locator("dt").all_inner_texts(), box.locator("dd:nth-child(2)").all_inner_texts()
    return dict(zip(names, numbers, strict=True))


def cohorts_of_money(tab: Tab, currency: str, sign: str) -> None:
    """Users and revenue of every cohort stand in the table as the answer has them, to the last digit."""
    expect(tab.page.locator("#revenue dl dd").first).to_contain_text(sign)
    rows = {
        tr.get_attribute("data-key"): tr.inner_text().split("\t")
        for tr in tab.page.locator("#revenue tbody tr").all()
        if (tr.get_attribute("data-key") or "").startswith("20")
    }
    for row in tab.answer("revenue")["rows"]:
        paid = sum((Decimal(cell["revenue"].get(currency, "0")) for cell in row["cells"]), Decimal("0.00"))
        assert rows[row["cohort"]][1:3] == [f"{row['size']:,}", f"{sign}{paid:,}"]


def test_churn_revenue_and_feedback_are_those_of_the_answers(tab: Tab) -> None:
    page = tab.open(app=APP, currency="USD")
    yesterday = today().date() - timedelta(days=1)
    churn = tab.answer("crr", **{"from": f"{yesterday - timedelta(days=29)}", "to": f"{yesterday}"})
    assert figures(tab, "#churn dl")["New"] == f"{churn['new']:,}"
    revenue = tab.answer("revenue")
    shown_ = figures(tab, "#revenue dl")
    assert shown_["Revenue"] == f"${revenue['total']['revenue']['USD']}"
    assert (shown_["Buyers"], shown_["Purchases"]) == (
        f"{revenue['total']['buyers']:,}",
        f"{revenue['total']['purchases']:,}",
    )
    cohorts_of_money(tab, "USD", "$")
    page.select_option("#currency", "HUF")
    cohorts_of_money(tab, "HUF", "Ft\u00a0")
    page.select_option("#currency", "VND")
    expect(page.locator("#revenue dl dd").first).to_contain_text("₫")
    assert tab.state()["currency"] == "VND"
    feedback = tab.answer("feedback")
    assert figures(tab, "#feedback dl")["NPS"] == f"{feedback['nps']:.0f}"


@pytest.mark.parametrize(("currency", "sign", "nothing"), [("USD", "$", "0.0000"), ("VND", "₫", "0.00")])
def test_the_lifetime_value_by_age_is_that_of_the_answer_to_the_last_digit(
    tab: Tab, currency: str, sign: str, nothing: str
) -> None:
    page = tab.open(app=APP, currency=currency)
    page.locator("#revenue summary").click()
    average = tab.answer("revenue")["average"]
    reached = [cell for cell in average if cell["size"]]
    # Fewer cohorts by age, each of which paid at a rate of its own: what is added up age by age is another number.
    assert len({cell["ltv"].get(currency) for cell in reached}) > 2
    rows = page.locator("#revenue details tbody tr")
    expect(rows.first).to_contain_text("After D")
    said = dict(row.split("\t") for row in rows.all_inner_texts())
    assert {age: text.replace(",", "") for age, text in said.items() if text != "–"} == {
        f"After D{cell['n']}": f"{sign}{cell['ltv'].get(currency, nothing)}" for cell in reached
    }
    last = reached[-1]
    expect(page.locator("#revenue .under .when")).to_have_text(f"After D{last['n']}")


def test_a_preset_shows_its_words_and_one_word_changed_is_no_preset(tab: Tab) -> None:
    page = tab.open(app=APP)
    page.select_option("#preset", "mixpanel")
    expect(page.locator("#criterion")).to_have_value("on_or_after")
    assert tab.state() == {"app": APP, "preset": "mixpanel"}
    same(tab, preset="mixpanel")
    answer = tab.answer(preset="mixpanel")
    expect(page.locator("#definition")).to_have_text(answer["definition"])
    page.select_option("#window", "calendar")
    words = {"cohort": answer["cohort"], "return": answer["return"], "criterion": answer["criterion"]}
    assert tab.state() == {"app": APP} | words
    same(tab, **words)
    expect(page.locator("#preset")).to_have_value("")


def test_an_endpoint_that_is_refused_is_told_in_its_panel_and_nowhere_else(tab: Tab) -> None:
    refused = '{"title": "Bad Request", "status": 400, "detail": "not <b>today</b>"}'
    tab.page.route("**/api/v1/active?**", lambda route: route.fulfill(status=400, body=refused))
    page = tab.open(app=APP)
    expect(page.locator("[data-note=active]")).to_have_text("No numbers here: not <b>today</b>.")
    expect(page.locator("#actives")).to_be_hidden()
    same(tab)


def test_dates_are_those_of_the_app(tab: Tab) -> None:
    page = tab.open(app=APP)
    [body] = table(page)
    assert body["rows"][1]["key"] == today().date().isoformat()
    assert body["rows"][1]["head"] == f"{today():%a} {today().day} {today():%b}"
    expect(page.locator("#clock")).to_contain_text(ZONE)
