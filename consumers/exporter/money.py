"""What do users pay? Today so far, per user of the last complete day, and what the last cohorts have brought."""

from collections.abc import Mapping

from consumers.exporter.asking import Asking
from consumers.exporter.cohorts import day_text
from consumers.exporter.snapshot import Draft
from consumers.metrics import Metric, numbers
from stream.retention.money import minor_value
from stream.retention.scope import MONEY


async def money(ask: Asking, draft: Draft) -> None:
    """Everything about money, where it is counted."""
    if MONEY not in ask.settings.families:
        return
    told = _Told(ask, draft)
    await told.today()
    await told.last_day()
    await told.cohorts()
    told.close()


class _Told:
    def __init__(self, ask: Asking, draft: Draft) -> None:
        self._ask, self._draft = ask, draft
        self._found: list[tuple[Metric, str, str, tuple[str, ...]]] = []

    async def today(self) -> None:
        total = (await self._ask.revenue(**self._ask.dates(0, 0), periods="0"))["total"]
        self._draft.add(numbers.PAYERS, total["buyers"], self._ask.app)
        self._draft.add(numbers.PURCHASES, total["purchases"], self._ask.app)
        self._amounts(numbers.REVENUE, total["revenue"])

    async def last_day(self) -> None:
        total = (await self._ask.revenue(**self._ask.dates(1, 1), periods="0"))["total"]
        self._amounts(numbers.ARPU, total["arpu"])
        self._amounts(numbers.ARPPU, total["arppu"])

    async def cohorts(self) -> None:
        days, of = self._ask.settings.exporter_days, self._ask.settings.exporter_cohorts
        answer = await self._ask.revenue(**self._ask.dates(of, 1), periods=str(days[-1]))
        self._draft.add(numbers.REPEAT_PURCHASE, answer["total"]["repeat_rate"], self._ask.app)
        for cell in answer["average"]:
            if cell["n"] in days:
                self._draft.add(numbers.CONVERSION, cell["conversion"], self._ask.app, day_text(cell["n"]))
                self._amounts(numbers.LTV, cell["ltv"], day_text(cell["n"]))

    def _amounts(self, metric: Metric, amounts: Mapping[str, str], *labels: str) -> None:
        self._found += [(metric, currency, amount, labels) for currency, amount in amounts.items()]

    def close(self) -> None:
        """Adds the amounts of as many currencies as may be shown."""
        currencies = sorted({currency for _, currency, _, _ in self._found})
        kept = self._draft.kept("currencies", currencies, self._ask.settings.exporter_currencies)
        for metric, currency, amount, labels in self._found:
            if currency in kept:
                value = float(minor_value(amount, currency))
                self._draft.add(metric, value, self._ask.app, currency, *labels)
