"""What can be set about the churn watch: of whom and of which days does it test, and whom does it tell?

A part of the table of consumers/settings.py.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from consumers import setting_values as values
from consumers.setting_kinds import port, secret
from stream.report.parameters import Where, where_of

SEGMENTS_MAX, DAYS_MAX, DAY_MAX = 10, 8, 60


class WatchFields(BaseModel):
    """Segments, days and the webhook of `retention watch`."""

    watch_port: int = port(8084, "the churn watch's probes and metrics")
    watch_segments: tuple[str, ...] = Field(
        (),
        description=f"Segments that the churn watch tests beside the whole app, `dimension:value,...`, at most {SEGMENTS_MAX}; "
        "`,` `:` `%` inside a value as %2C %3A %25.",
        examples=["platform:ios,country:VN"],
    )
    watch_days: tuple[int, ...] = Field(
        (1, 7),
        description="The days n whose cells the churn watch tests when they settle, comma-separated. Each one more makes "
        "the others a little less sensitive.",
        examples=["1,7,30"],
    )
    watch_cohort: Literal["install", "first_seen"] = Field(
        "install",
        description="Cohorts that the churn watch tests; `first_seen` for apps that send no installs.",
        examples=["first_seen"],
    )
    watch_settle_hours: float = Field(
        6.0,
        ge=0,
        le=240,
        description="So long after its day is over a cell is tested: most late events have come by then.",
        examples=["6"],
    )
    webhook_url: SecretStr = secret(
        "Gets each churn incident once, as JSON that Slack and those who read its format understand.",
        "https://hooks.slack.com/services/...",
    )

    @field_validator("watch_segments", mode="before")
    @classmethod
    def _segments(cls, value: Any) -> Any:
        names = tuple(dict.fromkeys(values.words(value)))
        if len(names) > SEGMENTS_MAX:
            raise ValueError(f"{len(names)} segments are more than {SEGMENTS_MAX}")
        for name in names:
            where_of(name, None)
        return names

    @field_validator("watch_days", mode="before")
    @classmethod
    def _tested(cls, value: Any) -> Any:
        days = values.days(value, DAYS_MAX, DAY_MAX + 1)
        if 0 in days:
            raise ValueError("0 is the cohort itself: name days from 1 on")
        return days

    @field_validator("webhook_url")
    @classmethod
    def _web(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("must begin with https:// or http://")
        return url

    @property
    def watch_populations(self) -> dict[str, Where]:
        """The whole app under the empty name, and the segments, with the conditions of their users."""
        return {"": ()} | {name: where_of(name, None) for name in self.watch_segments}
