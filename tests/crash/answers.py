"""What does everybody see? The answers to a fixed list of questions about the story, as the bytes that are sent."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl

from consumers.web import encode
from stream.report import active, compare, crr, retention, revenue
from stream.report.query import parse_active, parse_retention
from stream.report.questions import parse_compare, parse_crr
from stream.report.revenue_query import parse_revenue
from stream.store.protocol import Store
from tests.crash.sending import DAYS, NOW_MS
from tests.strategies import APP

KINDS: Mapping[str, tuple[Any, Any]] = {
    "retention": (retention, parse_retention),
    "active": (active, parse_active),
    "crr": (crr, parse_crr),
    "revenue": (revenue, parse_revenue),
    "compare": (compare, parse_compare),
}
# Counters, bitmaps, ledgers and the records themselves: every way in which an answer is read.
QUESTIONS = (
    "retention?periods=7",
    "retention?cohort=first_seen&return=any&breakdown=country",
    "retention?period=hour&periods=3",
    "retention?period=week&cohort=session&return=purchase",
    "retention?window=elapsed&periods=3&where=platform:ios",
    "retention?cohort=install&return=revenue&breakdown=platform",
    "retention?criterion=on_or_after&brackets=1-2,3-5",
    "active?period=day",
    "active?period=week",
    "crr?population=customers",
    "revenue?cohort=first_purchase",
    "compare?dimension=platform&a=ios&b=android&day=3",
)


async def answers(store: Store, now_ms: int = NOW_MS + 86_400_000) -> dict[str, bytes]:
    """Question -> answer."""
    first, last = now_ms // 86_400_000 - DAYS - 2, now_ms // 86_400_000
    days = {"from": _iso(first), "to": _iso(last)}
    found = {}
    for question in QUESTIONS:
        kind, _, words = question.partition("?")
        report, parse = KINDS[kind]
        asked = parse({"app": APP, **days, **dict(parse_qsl(words))})
        found[question] = encode(await report(store, asked, now_ms=now_ms))
    return found


def _iso(day: int) -> str:

    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
