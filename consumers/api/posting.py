"""What can be posted? The body of POST /api/v1/events, its answer and its errors, as schemas of OpenAPI.

Each event is judged for itself: one that is not as described here is rejected, and those beside it are not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from consumers.api.answers import COUNT, TEXT, Schema, many, record
from consumers.intake.endpoint import EVENTS_MAX, EXPLAIN
from stream.events.reasons import Reason
from stream.events.schema import EVENT_TOPICS, TOPICS

_EVENT: Schema = {
    "type": "object",
    "description": "An event with its type; docs/events.md has the fields of each. One that is not so is rejected by its index.",
    "properties": {
        "type": {"description": f"One of {', '.join(TOPICS[topic] for topic in EVENT_TOPICS)}."},
        "event_id": {"description": "Made once; whatever is sent again counts once. 1 to 128 characters."},
        "app_id": {"description": "May be left out where the write key names the app."},
        "user_id": {"description": "1 to 256 characters."},
        "timestamp": {"description": "When it happened: RFC 3339 with an offset, or epoch milliseconds."},
        "sent_at": {
            "description": "The clock of the device at the moment of sending; one that is wrong is corrected by it."
        },
    },
}
PARAMETERS: Sequence[dict[str, Any]] = (
    {
        "name": EXPLAIN,
        "in": "query",
        "required": False,
        "description": "With it each rejected event has a `detail` that says what is wrong.",
        "schema": TEXT,
    },
)
BODY: dict[str, Any] = {
    "required": True,
    "description": "One event, or an array of them; gzip is understood.",
    "content": {
        "application/json": {
            "schema": {"anyOf": [_EVENT, {"type": "array", "maxItems": EVENTS_MAX, "items": _EVENT}]},
            "example": [
                {
                    "type": "session",
                    "event_id": "9a41",
                    "app_id": "shop",
                    "user_id": "alice",
                    "timestamp": "2026-11-20T10:00:00Z",
                }
            ],
        }
    },
}
ACCEPTED = record(
    {
        "accepted": COUNT,
        "rejected": many(
            record({"index": COUNT, "reason": {"enum": [one.value for one in Reason]}}, detail=TEXT)
        ),
    }
)
ERRORS: Mapping[str, str] = {
    "400": "The body is neither an event nor an array of events, or no gzip.",
    "403": "A web page that is not let in.",
    "408": "The body took too long.",
    "413": "Too many events, or too many bytes.",
    "415": "An encoding other than gzip.",
    "429": "Too many events; Retry-After says when to send them again.",
}
