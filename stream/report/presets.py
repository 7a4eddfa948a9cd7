"""How do other products count retention when nobody changes their settings? Their defaults in our words.

So that a number here can be laid beside theirs. A preset only fills in what a question does not say itself. Days begin in the
app's zone everywhere; where a vendor counts in UTC, the app has to be set to UTC for equal numbers.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Preset(NamedTuple):
    """The parameters that a preset sets, and one sentence on what the vendor does."""

    parameters: Mapping[str, str]
    means: str


def _words(cohort: str, returns: str, criterion: str, window: str, **more: str) -> Mapping[str, str]:
    return {"cohort": cohort, "return": returns, "criterion": criterion, "window": window, **more}


# Windows and cohorts are those that the vendors document. Whether a new chart of Amplitude or Mixpanel opens with "on" or with
# "on or after" has changed with their versions; say `criterion` to be sure.
PRESETS: dict[str, Preset] = {
    "amplitude": Preset(
        _words("first_seen", "any", "on", "elapsed"),
        "N-day retention of new users by any active event, in 24-hour windows from the hour of each user's first event.",
    ),
    "mixpanel": Preset(
        _words("first_seen", "any", "on_or_after", "elapsed"),
        "Users who came back on day n or after, in 24-hour windows from each user's first event.",
    ),
    "posthog": Preset(
        _words("session", "session", "on", "calendar", week_start="sunday"),
        "Recurring retention: everybody active in a calendar period of the project's zone starts in it; weeks begin on Sunday.",
    ),
    "appsflyer": Preset(
        _words("install", "session", "on", "calendar"),
        "Users who installed and opened the app on the nth calendar day after (days in UTC).",
    ),
    "adjust": Preset(
        _words("install", "session", "on", "elapsed"),
        "Users with a session in the nth 24 hours after the install.",
    ),
}
