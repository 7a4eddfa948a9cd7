"""How do the answers of all apps become one snapshot?"""

from collections.abc import Awaitable, Callable

from consumers.exporter.anomalies import anomalies
from consumers.exporter.asking import Asking
from consumers.exporter.cohorts import segments, triangle, variants
from consumers.exporter.money import money
from consumers.exporter.people import actives, loyalty, scores
from consumers.exporter.snapshot import Draft
from consumers.metrics import exporting
from consumers.settings import Settings
from stream.report import apps
from stream.store.protocol import Store

Part = Callable[[Asking, Draft], Awaitable[None]]

PARTS: tuple[Part, ...] = (triangle, segments, variants, actives, loyalty, scores, money, anomalies)
KINDS = ("apps", "currencies", "variants")


async def numbers_of(settings: Settings, store: Store, now_ms: int) -> Draft:
    """The numbers of every app that has data, as of `now_ms`. Raises StoreUnavailable."""
    draft = Draft()
    found = [
        (one["app"], one["timezone"])
        for one in await apps(store)
        if settings.apps is None or one["app"] in settings.apps
    ]
    for app, timezone in draft.kept("apps", found, settings.exporter_apps):
        ask = Asking(settings, store, app, timezone, now_ms)
        for part in PARTS:
            await part(ask, draft)
    for kind in KINDS:
        draft.add(exporting.LEFT_OUT, draft.left_out[kind], kind)
    draft.add(exporting.LAST_REFRESH, now_ms / 1000)
    return draft
