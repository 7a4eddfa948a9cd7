"""Every label that data could widen has a limit, what is left out is counted, and what is not yet is absent."""

from __future__ import annotations

from consumers.metrics import exporting
from consumers.metrics import numbers as m
from stream.store.redis import RedisStore
from tests.consumers.exporter.filled import fill, numbers, values
from tests.servers import Valkey
from tests.stream.report.counted import event, install, purchase, session

LEFT_OUT = {"apps": 0, "currencies": 0, "variants": 0}


def left_out(shown: object) -> dict[str, float]:
    return {kind: count for (kind,), count in values(shown, exporting.LEFT_OUT).items()}  # type: ignore[arg-type]


async def test_apps_above_the_limit_are_left_out_and_counted(store: RedisStore) -> None:
    both, first = await numbers(store), await numbers(store, exporter_apps=1)
    assert {app for (app,) in values(both, m.PAYERS)} == {"game", "shop"}
    assert {app for (app,) in values(first, m.PAYERS)} == {"game"}
    assert (left_out(both)["apps"], left_out(first)["apps"]) == (0, 1)


async def test_only_the_apps_that_are_counted_are_told(store: RedisStore) -> None:
    assert {app for (app,) in values(await numbers(store, apps=frozenset({"shop", "later"})), m.PAYERS)} == {
        "shop"
    }


async def test_cohorts_and_days_above_the_limit_have_no_series(store: RedisStore) -> None:
    shown = await numbers(store, exporter_cohorts=10, exporter_days=(0, 2, 9))
    days = {f"2026-11-{day}" for day in range(13, 23)}
    assert {cohort for cohort, _ in values(shown, m.COHORT_RETAINED, app="shop")} <= days
    for metric in (m.COHORT_RETAINED, m.SETTLED_COHORT, m.SEGMENT_SETTLED_COHORT, m.LTV, m.COMPARE_USERS):
        assert {sample.labels[metric.labels.index("day")] for sample in shown.of(metric)} <= {
            "00",
            "02",
            "09",
        }
    assert values(shown, m.SETTLED_COHORT, app="shop", day="00") == values(
        shown, m.SETTLED_RETAINED, app="shop", day="00"
    )


async def test_the_widest_settings_can_be_answered(store: RedisStore) -> None:
    shown = await numbers(
        store, apps=frozenset({"game"}), exporter_cohorts=400, exporter_days=tuple(range(380, 400))
    )
    assert len(values(shown, m.AVERAGE, app="game")) == 31


async def test_values_above_the_limit_are_other_and_variants_are_left_out(store: RedisStore) -> None:
    two = await numbers(store, exporter_values=2)
    for day in ("01", "03", "07"):
        segments = values(two, m.SEGMENT_SETTLED_COHORT, app="shop", dimension="platform", day=day)
        assert sum(segments.values()) == values(two, m.SETTLED_COHORT, app="shop", day=day)[()]
    platforms = {
        value for value, _ in values(two, m.SEGMENT_SETTLED_COHORT, app="shop", dimension="platform")
    }
    assert len(platforms) <= 3
    assert "other" in platforms
    variants = {value for value, _ in values(two, m.COMPARE_USERS, app="shop", dimension="variant")}
    assert len(variants) == 2
    assert left_out(two) == LEFT_OUT | {"variants": 2}, "one of each app"


async def test_dimensions_that_nobody_has_a_value_of_or_that_are_not_kept_have_no_series(
    store: RedisStore,
) -> None:
    shown = await numbers(
        store, exporter_dimensions=frozenset({"source", "plan"}), exporter_experiment="plan"
    )
    assert shown.of(m.SEGMENT_SETTLED_COHORT) == ()
    assert shown.of(m.COMPARE_USERS) == ()


async def test_currencies_above_the_limit_are_left_out_and_counted(empty: RedisStore, valkey: Valkey) -> None:
    bought = [
        event("purchases", "anna", f"2026-11-23T{hour}:00:00Z", amount="1", currency=currency)
        for hour, currency in ((10, "USD"), (11, "EUR"), (12, "JPY"))
    ]
    await fill(empty, valkey.url, *bought)
    shown = await numbers(empty, exporter_currencies=2)
    assert values(shown, m.REVENUE, app="shop") == {("EUR",): 100, ("JPY",): 1}
    assert left_out(shown) == LEFT_OUT | {"currencies": 1}


async def test_refunds_may_take_revenue_below_0(empty: RedisStore, valkey: Valkey) -> None:
    paid = event("purchases", "anna", "2026-11-01T10:00:00Z", amount="5.00", currency="USD")
    about = {"amount": "5.00", "currency": "USD", "refund_of": "anna 2026-11-01T10:00:00Z"}
    await fill(empty, valkey.url, paid, event("purchases", "anna", "2026-11-23T10:00:00Z", **about))
    shown = await numbers(empty)
    assert values(shown, m.REVENUE, app="shop") == {("USD",): -500}


async def test_an_app_of_yesterday_has_no_number_for_what_has_not_been(
    empty: RedisStore, valkey: Valkey
) -> None:
    await fill(
        empty,
        valkey.url,
        install("anna", "2026-11-22"),
        purchase("anna", "2026-11-22"),
        session("anna", "2026-11-23"),
    )
    shown = await numbers(empty)
    assert values(shown, m.COHORT_USERS) == {("shop", "2026-11-22"): 1}
    for metric in (
        m.COHORT_RETAINED,
        m.SETTLED_COHORT,
        m.SETTLED_RETAINED,
        m.CRR,
        m.NPS,
        m.CSAT,
        m.LTV,
        m.CONVERSION,
    ):
        assert shown.of(metric) == (), metric.name
    assert values(shown, m.AVERAGE) == {("shop", "00"): 1}, "day 1 is not over"
    assert values(shown, m.REPEAT_PURCHASE) == {("shop",): 0}, (
        "a buyer who may still come back: so far nobody has"
    )

    next_day = await numbers(empty, "2026-11-24T00:00:00Z")
    assert values(next_day, m.COHORT_RETAINED) == {("shop", "2026-11-22", "01"): 1}
    assert values(next_day, m.SETTLED_RETAINED) == {("shop", "01"): 1}
    assert values(next_day, m.REVENUE) == {}, "nothing was bought today, in no currency"
    assert values(next_day, m.PAYERS) == {("shop",): 0}


async def test_a_day_ends_when_it_ends_in_the_zone_of_the_app(store: RedisStore) -> None:
    before, after = await numbers(store, "2026-11-23T18:29:59Z"), await numbers(store, "2026-11-23T18:30:00Z")
    assert values(before, m.DAILY_ACTIVE, app="shop") == values(after, m.DAILY_ACTIVE, app="shop")
    newest = [
        max(cohort for (cohort,) in values(shown, m.COHORT_USERS, app="game")) for shown in (before, after)
    ]
    assert newest[0] < newest[1] == "2026-11-23"
