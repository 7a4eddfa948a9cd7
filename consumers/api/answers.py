"""What does each path answer? The members of the answers as schemas of OpenAPI: these, all of these, and no others."""

from typing import Any

from stream.store.protocol import TOTALS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
KNOWN: Schema = FLAG | {"description": "Whether anything has been counted of the app."}
DATE: Schema = {"type": "string", "format": "date"}
SHARE: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
PERCENT: Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 100}
NUMBER: Schema = {"type": ["number", "null"]}
SEGMENT: Schema = {"type": ["string", "null"]}
AMOUNT: Schema = {"type": "string", "pattern": "^-?[0-9]+([.][0-9]+)?$"}
MONEY: Schema = {
    "type": "object",
    "description": "Currency -> decimal text.",
    "additionalProperties": AMOUNT,
}


def record(members: dict[str, Schema], **optional: Schema) -> Schema:
    """An object that has all of these members, and perhaps the optional ones."""
    return {
        "type": "object",
        "properties": members | optional,
        "required": list(members),
        "additionalProperties": False,
    }


def of_app(members: dict[str, Schema], **optional: Schema) -> Schema:
    """The answer to a question about one app."""
    return record({**members, "known": KNOWN}, **optional)


def many(item: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": item}


def either(*schemas: Schema) -> Schema:
    """One of several forms."""
    return {"oneOf": list(schemas)}


RATE = {"rate": SHARE, "low": SHARE, "high": SHARE}
RETENTION = of_app(
    {
        **dict.fromkeys(("app", "timezone", "period", "cohort", "return", "criterion", "window"), TEXT),
        "as_of": {"type": "string", "format": "date-time"},
        "definition": TEXT,
        "rows": many(
            record(
                {
                    "cohort": TEXT,
                    "segment": SEGMENT,
                    "size": COUNT,
                    "size_complete": FLAG,
                    "cells": many(
                        record(
                            {"n": COUNT, "users": COUNT, **RATE, "complete": FLAG}, label=TEXT, revenue=MONEY
                        )
                    ),
                }
            )
        ),
        "average": many(
            record(
                {"n": COUNT, "users": COUNT, "size": COUNT, **RATE, "segment": SEGMENT},
                label=TEXT,
                revenue=MONEY,
            )
        ),
    },
    **dict.fromkeys(("week_start", "brackets", "preset"), TEXT),
)
ACTIVE = of_app(
    {
        "rows": many(
            record(
                {
                    "date": DATE,
                    **dict.fromkeys(("active", "dau", "wau", "mau"), COUNT),
                    "stickiness": SHARE,
                    **dict.fromkeys(("new", "returning", "resurrected"), COUNT),
                    "dormant": {"type": ["integer", "null"], "minimum": 0},
                    "churn": SHARE,
                    **dict.fromkeys(("installs", "reinstalls"), COUNT),
                    "complete": FLAG,
                }
            )
        )
    }
)
CRR = of_app(
    {
        **dict.fromkeys(("from", "to"), DATE),
        **dict.fromkeys(("cs", "ce", "cn", "new", "resurrected"), COUNT),
        **dict.fromkeys(("crr", "low", "high", "churn"), PERCENT),
        "complete": FLAG,
    }
)
_HABIT = {
    **dict.fromkeys(("buyers", "purchases"), COUNT),
    **dict.fromkeys(("repeat_rate", "low", "high"), SHARE),
    **dict.fromkeys(("frequency", "days_between"), NUMBER),
}
_PAID = record(
    {
        **dict.fromkeys(("n", "active", "payers", "purchases"), COUNT),
        **dict.fromkeys(("revenue", "arpu", "arppu", "ltv"), MONEY),
        **dict.fromkeys(("conversion", "low", "high"), SHARE),
        "complete": FLAG,
    }
)
_POOLED = record(
    {"n": COUNT, "size": COUNT, "ltv": MONEY, **dict.fromkeys(("conversion", "low", "high"), SHARE)}
)
_PROJECTION = record(
    {
        **dict.fromkeys(("currency", "method"), TEXT),
        **dict.fromkeys(("cells", "users"), COUNT),
        "points": many(record({"n": COUNT, **dict.fromkeys(("ltv", "low", "high"), AMOUNT)})),
    }
)
REVENUE = of_app(
    {
        **dict.fromkeys(("app", "timezone", "period", "cohort"), TEXT),
        "as_of": {"type": "string", "format": "date-time"},
        "rows": many(
            record({"cohort": DATE, "size": COUNT, "size_complete": FLAG, **_HABIT, "cells": many(_PAID)})
        ),
        "total": record({"revenue": MONEY, "active": COUNT, "arpu": MONEY, "arppu": MONEY, **_HABIT}),
        "average": many(_POOLED),
        "projection": either({"type": "null"}, many(_PROJECTION)),
    }
)
_SIDE = {"size": COUNT, "users": COUNT, **RATE}
_DIFFERENCE = dict.fromkeys(("difference", "low", "high", "z", "p"), NUMBER)
_WARNING = either({"type": "null"}, record({"kind": TEXT, "p": {"type": "number"}, "detail": TEXT}))
COMPARE = either(
    of_app({"a": record(_SIDE), "b": record(_SIDE), **_DIFFERENCE, "warning": _WARNING}),
    of_app(
        {
            "variants": many(record({"variant": TEXT, **_SIDE})),
            "pairs": many(record({"a": TEXT, "b": TEXT, **_DIFFERENCE, "p_raw": NUMBER})),
            "warning": _WARNING,
        }
    ),
)
_SCORES = {
    "nps": {"type": ["number", "null"], "minimum": -100, "maximum": 100},
    **dict.fromkeys(("promoters", "passives", "detractors"), COUNT),
    **dict.fromkeys(("csat", "csat_low", "csat_high"), SHARE),
    "answers": record({"nps": COUNT, "csat": COUNT}),
}
FEEDBACK = of_app(
    {
        **_SCORES,
        "rows": many(
            either(record({"date": DATE, **_SCORES, "complete": FLAG}), record({"cohort": DATE, **_SCORES}))
        ),
    }
)
APPS = record({"apps": many(record({"app": TEXT, "timezone": TEXT})), "dimensions": many(TEXT)})
VALUES = of_app(
    {"app": TEXT, "dimension": TEXT, "values": many(record({"value": TEXT, "users": COUNT})), "more": COUNT}
)
STATUS = record(
    {
        "caught_up": FLAG,
        "lag": COUNT,
        **dict.fromkeys(TOTALS, COUNT),
        "missing_topics": many(TEXT),
        "partitions": many(
            record({"topic": TEXT, **dict.fromkeys(("partition", "next", "end", "lag"), COUNT)})
        ),
    }
)
RECEIPT = record({"receipt": TEXT, "app": TEXT, "ids": COUNT, "erased_until": COUNT, "known": FLAG})
PROBE = record({"status": TEXT})
PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457; `detail` says what to change.",
    "properties": {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT},
    "required": ["type", "title", "status", "detail"],
}
