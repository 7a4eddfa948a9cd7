"""Why can a record not be counted? The closed list of reasons; decoder, metrics, dead letters and docs all use it."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a record went to the dead letters. The value is the header `reason` and the metric label."""

    NOT_JSON = "not_json"
    MISSING_FIELD = "missing_field"
    BAD_FIELD = "bad_field"
    BAD_TIMESTAMP = "bad_timestamp"
    FUTURE = "future"
    TOO_OLD = "too_old"
    UNKNOWN_APP = "unknown_app"
    TOO_LARGE = "too_large"


MEANINGS: dict[Reason, str] = {
    Reason.NOT_JSON: "The value is not one JSON object in UTF-8: empty, cut, not an object, nested too deep, a lone surrogate.",
    Reason.MISSING_FIELD: "A field that the event needs is not there or null.",
    Reason.BAD_FIELD: "A field is of the wrong type, too long, too short or outside what it may be; an unknown currency.",
    Reason.BAD_TIMESTAMP: "`timestamp` (over HTTP also `sent_at`) is neither RFC 3339 with an offset nor integer epoch "
    "milliseconds of the years 1 to 9999.",
    Reason.FUTURE: "The event says a time more than 24 hours after the Kafka record's own timestamp.",
    Reason.TOO_OLD: "The event says a time before `RETENTION_EARLIEST`.",
    Reason.UNKNOWN_APP: "`RETENTION_APPS` is set and does not name this app; over HTTP also an app that is not the one "
    "of the write key.",
    Reason.TOO_LARGE: "The value is over 64 KiB.",
}
