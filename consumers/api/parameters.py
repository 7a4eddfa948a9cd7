"""What may be asked of each path, and how is it written? The parameters of the interface as schemas of OpenAPI.

The names and words of a parameter are those of the read model, which checks them; here stands what they look like.
"""

from collections.abc import Sequence
from typing import Any

from stream.events.schema import APP_ID
from stream.report.choices import VALUES_DEFAULT, VALUES_PARAMETERS
from stream.report.parameters import CELLS_MAX, LIMIT_DEFAULT, LIMIT_MAX
from stream.report.query import (
    ACTIVE_PARAMETERS,
    ACTIVE_PERIODS,
    RETENTION_PARAMETERS,
    WORDS,
)
from stream.report.questions import (
    BY,
    COMPARE_PARAMETERS,
    COMPARE_RETURNS,
    CRR_PARAMETERS,
    DAY_DEFAULT,
    DAY_MAX,
    FEEDBACK_COHORTS,
    FEEDBACK_PARAMETERS,
    POPULATIONS,
)
from stream.report.revenue_query import REVENUE_PARAMETERS, REVENUE_WORDS

Schema = dict[str, Any]

APP = f"^{APP_ID.pattern}$"
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
BRACKETS = "^[0-9]{1,6}(-[0-9]{1,6})?(,[0-9]{1,6}(-[0-9]{1,6})?)*$"
RATIO = "^[0-9]{1,6}([.][0-9]{1,6})?(:[0-9]{1,6}([.][0-9]{1,6})?)+$"

NAMES: dict[str, Sequence[str]] = {
    "/api/v1/users": ("app", "user_id"),
    "/api/v1/retention": RETENTION_PARAMETERS,
    "/api/v1/active": ACTIVE_PARAMETERS,
    "/api/v1/crr": CRR_PARAMETERS,
    "/api/v1/revenue": REVENUE_PARAMETERS,
    "/api/v1/compare": COMPARE_PARAMETERS,
    "/api/v1/feedback": FEEDBACK_PARAMETERS,
    "/api/v1/values": VALUES_PARAMETERS,
}
REQUIRED = ("app", "user_id")
REQUIRED_ALSO = {"/api/v1/values": ("dimension",)}  # where the others have a default


def _words(words: Sequence[str], default: str | None = None) -> Schema:
    return {"type": "string", "enum": list(words), "default": default or words[0]}


def _text(**more: Any) -> Schema:
    return {"type": "string", "minLength": 1, **more}


def _count(least: int, most: int, **more: Any) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, **more}


# Of each parameter its schema and what it means.
COMMON: dict[str, tuple[Schema, str]] = {
    "app": ({"type": "string", "pattern": APP}, "Which app."),
    "user_id": (_text(maxLength=256), "The user, by one of the ids that events name."),
    "from": (_text(format="date", pattern=DATE), "First date (or cohort), in the app's zone, inclusive."),
    "to": (_text(format="date", pattern=DATE), "Last date (or cohort), in the app's zone, inclusive."),
    "as_of": (
        {
            "type": "string",
            "anyOf": [{"format": "date-time"}, {"format": "date"}],
            "examples": ["2026-11-23T10:00:00Z"],
        },
        "The moment from which one looks: RFC 3339 with an offset, or a date (its first instant). Default: now.",
    ),
    "where": (
        _text(examples=["platform:ios,country:VN"]),
        "Only users of whom all conditions name:value hold; `,` `:` `%` inside a value are percent-encoded.",
    ),
    "period": (_words(WORDS["period"], "day"), "Length of a period."),
    "week_start": (_words(WORDS["week_start"]), "The day on which weeks begin."),
    "periods": (_count(0, CELLS_MAX - 1), "The largest n. Default: up to as_of, as far as the limit of cells goes."),
    "cohort": (_words(WORDS["cohort"]), "Who starts a row."),
    "return": (_words(WORDS["return"]), "What counts as coming back."),
    "criterion": (_words(WORDS["criterion"]), "Back on n, on n or later, or up to n."),
    "window": (_words(WORDS["window"]), "Local periods, or 24-hour windows from each user's start."),
    "brackets": (_text(pattern=BRACKETS, examples=["1-3,4-7"]), "Several periods as one cell."),
    "limit": (_count(1, LIMIT_MAX, default=LIMIT_DEFAULT), "How many values a breakdown shows; the rest is `other`."),
    "breakdown": ({"type": "string"}, "One triangle for each value of this dimension."),
    "preset": ({"type": "string", "enum": list(WORDS["preset"])}, "The parameters that give another product's number."),
    "population": (_words(POPULATIONS), "Users who were active, or customers who bought."),
    "dimension": ({"type": "string", "default": "variant"}, "The dimension whose values are compared."),
    "a": (_text(), "One value; the difference is b - a."),
    "b": (_text(), "The other value."),
    "variants": (_text(examples=["A,B,C"]), "2 to 20 values instead of a and b; `,` `%` inside are percent-encoded."),
    "day": (_count(0, DAY_MAX, default=DAY_DEFAULT), "The n of the cells that are compared."),
    "ratio": (_text(pattern=RATIO, examples=["50:50"]), "How users are split between the values. Default: equally."),
    "by": (_words(BY), "Rows by the date of the answer, or by the cohort of the user."),
}  # fmt: skip
# What a parameter looks like where one path differs.
ESPECIALLY: dict[str, dict[str, tuple[Schema, str]]] = {
    "/api/v1/revenue": {
        "period": (_words(REVENUE_WORDS["period"]), "Length of a period."),
        "cohort": (_words(REVENUE_WORDS["cohort"]), "Who starts a row."),
    },
    "/api/v1/active": {"period": (_words(ACTIVE_PERIODS), "Length of a period.")},
    "/api/v1/compare": {"return": (_words(COMPARE_RETURNS), "What counts as coming back.")},
    "/api/v1/values": {
        "dimension": ({"type": "string"}, "The dimension whose values are wanted."),
        "limit": (_count(1, LIMIT_MAX, default=VALUES_DEFAULT), "How many values, those of most users."),
    },
    "/api/v1/feedback": {"cohort": (_words(FEEDBACK_COHORTS), "Whose rows, with by=cohort.")},
}


def parameters(path: str, dimensions: Sequence[str]) -> list[dict[str, Any]]:
    """The parameters of a path, as OpenAPI has them; `dimensions` are those of this installation."""
    found = []
    for name in NAMES.get(path, ()):
        schema, meaning = ESPECIALLY.get(path, {}).get(name) or COMMON[name]
        if name in ("breakdown", "dimension"):
            schema = {**schema, "enum": list(dimensions)}
        if name == "where":
            one = f"({'|'.join(dimensions)}):[^,]+"
            schema = {**schema, "pattern": f"^{one}(,{one})*$"}
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in (*REQUIRED, *REQUIRED_ALSO.get(path, ())),
                "description": meaning,
                "schema": schema,
            }
        )
    return found
