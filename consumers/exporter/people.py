"""Who is active, who is new, who went away and what do they say? Actives, lifecycle, loyalty and feedback."""

from consumers.exporter.asking import Asking
from consumers.exporter.snapshot import Draft
from consumers.metrics import numbers
from stream.report.questions import POPULATIONS
from stream.retention.scope import FEEDBACK

LOOK_BACK_DAYS = 30
PERCENT = 100

# What a row of the actives says, in the words of the interface.
_OF_ROW = {
    "dau": numbers.DAILY_ACTIVE,
    "wau": numbers.WEEKLY_ACTIVE,
    "mau": numbers.MONTHLY_ACTIVE,
    "stickiness": numbers.STICKINESS,
    "new": numbers.NEW,
    "returning": numbers.RETURNING,
    "resurrected": numbers.RESURRECTED,
    "dormant": numbers.CHURNED,
    "installs": numbers.INSTALLS,
    "reinstalls": numbers.REINSTALLS,
}


async def actives(ask: Asking, draft: Draft) -> None:
    """Actives and lifecycle of the last complete day."""
    for row in (await ask.active(**ask.dates(1, 1)))["rows"]:
        if row["complete"]:
            for name, metric in _OF_ROW.items():
                draft.add(metric, row[name], ask.app)


async def loyalty(ask: Asking, draft: Draft) -> None:
    """CRR of users and of customers."""
    for population in POPULATIONS:
        answer = await ask.crr(**ask.dates(LOOK_BACK_DAYS, 1), population=population)
        share = None if answer["crr"] is None else answer["crr"] / PERCENT
        draft.add(numbers.CRR, share, ask.app, population)


async def scores(ask: Asking, draft: Draft) -> None:
    """NPS and CSAT, where feedback is counted."""
    if FEEDBACK not in ask.settings.families:
        return
    answer = await ask.feedback(**ask.dates(LOOK_BACK_DAYS, 1))
    draft.add(numbers.NPS, answer["nps"], ask.app)
    draft.add(numbers.CSAT, answer["csat"], ask.app)
    for survey, answers in answer["answers"].items():
        draft.add(numbers.FEEDBACK_ANSWERS, answers, ask.app, survey)
