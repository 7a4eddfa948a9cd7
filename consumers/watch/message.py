"""How is an incident told to people? One message in the format of Slack's incoming webhooks, with the evidence."""

from typing import Any

from stream.churn.incidents import PACE, Incident
from stream.report.parameters import moment_text

_SOURCE = "retention watch"


def message(app: str, incident: Incident) -> dict[str, Any]:
    """The JSON of the webhook: `text` for people, `incident` for programs."""
    found = incident.evidence
    return {
        "text": "\n".join([_headline(app, incident), *_details(incident)]),
        "incident": {
            "id": f"{app}-{incident.number}",
            "app": app,
            "source": _SOURCE,
            "detector": incident.detector,
            "day": incident.day,
            "opened": moment_text(incident.opened_ms // 1000 * 1000),
            "over": not incident.is_open,
            "rule": found.rule,
            "population": found.population or None,
            "age_group": found.group or None,
            "cohort": found.cohort or None,
            "users": found.sample_users,
            "expected": found.expected,
            "expected_low": found.expected_low,
            "expected_high": found.expected_high,
            "seen": found.seen,
            "z": found.z,
            "segment": found.segment or None,
            "segment_share": found.segment_share if found.segment else None,
        },
    }


def _headline(app: str, incident: Incident) -> str:
    found = incident.evidence
    who = f"{app}, {found.population}" if found.population else app
    over = "" if incident.is_open else " (over by now)"
    if incident.detector == PACE:
        whole = f" of {found.group} days" if found.group else ""
        return f"{who}: {found.drop:.0%} fewer returning users{whole} than usual {_when(found.rule)}{over}"
    if found.rule == "cusum":
        return f"{who}: D{incident.day} has been sliding down for days{over}"
    return f"{who}: D{incident.day} fell by {100 * found.drop:.1f} points{over}"


def _when(rule: str) -> str:
    return "so far today" if rule == "0" else f"in the last {rule} minutes"


def _details(incident: Incident) -> list[str]:
    found = incident.evidence
    if incident.detector == PACE:
        lines = [
            f"Seen {found.seen:,.0f}, expected {found.expected:,.0f} "
            f"({found.expected_low:,.0f} to {found.expected_high:,.0f}), z {found.z:.1f}."
        ]
    else:
        lines = [
            f"Cohort {found.cohort}, {found.sample_users:,} users: seen {found.seen:.1%}, expected {found.expected:.1%} "
            f"({found.expected_low:.1%} to {found.expected_high:.1%}), z {found.z:.1f}."
        ]
    if found.segment:
        lines.append(f"Most of it in {found.segment}: {found.segment_share:.0%} of the missing users.")
    return lines
