"""What can be set about the numbers that the exporter tells to Prometheus, and how many series may there be?

A part of the table of consumers/settings.py. Every label that data could widen has a limit here.
"""

from typing import Any

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from consumers import setting_values as values
from consumers.setting_kinds import port
from stream.report.parameters import CELLS_MAX

DAYS_MAX, EXPORTED_DIMENSIONS_MAX = 20, 5


class ExporterFields(BaseModel):
    """Which series the exporter has, and how often they are refreshed."""

    exporter_port: int = port(8082, "the exporter's metrics and probes")
    exporter_refresh_seconds: float = Field(
        15.0,
        ge=0.1,
        le=3600,
        description="Time from one refresh of the exported numbers to the next, 5 in `retention up` unless set; "
        "never less than twice what a refresh takes.",
        examples=["15"],
    )
    exporter_apps: int = Field(
        20, ge=1, le=1000, description="At most so many apps are exported, by name.", examples=["20"]
    )
    exporter_cohorts: int = Field(
        60,
        ge=2,
        le=400,
        description="So many cohorts, those of the last complete days, are exported and pooled into averages.",
        examples=["60"],
    )
    exporter_days: tuple[int, ...] = Field(
        (1, 3, 7, 14, 30),
        description="The days n whose cells are exported, comma-separated, each below RETENTION_EXPORTER_COHORTS.",
        examples=["01,03,07,14,30"],
    )
    exporter_dimensions: frozenset[str] = Field(
        frozenset({"platform"}),
        description="Dimensions by whose values settled cells are exported; `none` is none.",
        examples=["platform,country"],
    )
    exporter_experiment: str = Field(
        "variant",
        description="The dimension whose values are exported as variants to compare; `none` is none.",
        examples=["variant"],
    )
    exporter_values: int = Field(
        10,
        ge=1,
        le=100,
        description="So many values of a dimension have series of their own, the rest is `other`.",
        examples=["10"],
    )
    exporter_currencies: int = Field(
        10,
        ge=1,
        le=200,
        description="So many currencies of an app are exported, by code.",
        examples=["10"],
    )

    metrics_from: dict[str, str] = Field(
        {},
        description="Roles whose metrics the API's /metrics joins with its own, `role=host:port,...`; "
        "`retention up` names all it runs.",
        examples=["worker=127.0.0.1:8083,exporter=127.0.0.1:8082"],
    )

    @field_validator("exporter_days", mode="before")
    @classmethod
    def _days(cls, value: Any, info: ValidationInfo) -> Any:
        return values.days(value, DAYS_MAX, info.data.get("exporter_cohorts", 2))

    @field_validator("exporter_values")
    @classmethod
    def _few_enough(cls, values: int, info: ValidationInfo) -> int:
        cohorts, days = info.data.get("exporter_cohorts", 0), len(info.data.get("exporter_days", ()))
        if cohorts * (days + 1) * (values + 1) > CELLS_MAX:
            raise ValueError(
                f"{values} values of {cohorts} cohorts on {days} days are more than {CELLS_MAX:,} cells, "
                "the most that one answer holds"
            )
        return values

    @field_validator("exporter_dimensions", mode="before")
    @classmethod
    def _exported(cls, value: Any) -> Any:
        names = frozenset(values.words(value)) - {"none"}
        if len(names) > EXPORTED_DIMENSIONS_MAX:
            raise ValueError(f"{len(names)} dimensions are more than {EXPORTED_DIMENSIONS_MAX}")
        return names

    @field_validator("metrics_from", mode="before")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        return values.role_addresses(value)
