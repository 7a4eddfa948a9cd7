"""What has the churn watch found? Its state in the store, as it left it after its last look."""

from consumers.exporter.asking import Asking
from consumers.exporter.snapshot import Draft
from consumers.metrics import watching
from stream.churn.documents import STATE, Reading, State, state_of
from stream.churn.incidents import PACE, open_one

DRIFT = "drift"  # a settled cell whose incident the cumulative sum opened


async def anomalies(ask: Asking, draft: Draft) -> None:
    """The newest test of each detector and day n, and whether an incident is open. Nothing where no watch has looked."""
    (document,) = await ask.store.documents(ask.app, [STATE])
    state = state_of(document)
    if not state.run_ms:
        return
    draft.least(watching.LAST_RUN, state.run_ms / 1000)
    readings = state.readings
    if all(one.detector != PACE for one in readings):
        readings = [*readings, Reading(PACE, None, 0)]  # a pace that is still learnt has no incident
    for reading in readings:
        _told(ask.app, state, reading, draft)


def _told(app: str, state: State, reading: Reading, draft: Draft) -> None:
    day = "" if reading.day is None else f"{reading.day:02}"
    where = app, reading.detector, day
    incident = open_one(state.incidents, reading.detector, reading.day)
    drop = reading.drop
    if incident is not None:
        drop = max(incident.evidence.drop, drop if drop is not None else incident.evidence.drop)
    slides = incident is not None and incident.evidence.rule == "cusum"
    draft.add(watching.ACTIVE, float(incident is not None and not slides), *where)
    draft.add(watching.DROP, drop, *where)
    draft.add(watching.ZSCORE, reading.z, *where)
    draft.add(watching.DISPERSION, reading.dispersion, *where)
    if reading.z is not None or reading.sample_users:
        draft.add(watching.SAMPLE, reading.sample_users, *where)
    if reading.detector != PACE:
        draft.add(watching.ACTIVE, float(slides), app, DRIFT, day)
        draft.add(watching.CUSUM, reading.cusum, app, day)
        draft.add(watching.EXPECTED, reading.expected, app, day)
        draft.add(watching.EXPECTED_LOWER, reading.expected_low, app, day)
        draft.add(watching.EXPECTED_UPPER, reading.expected_high, app, day)
