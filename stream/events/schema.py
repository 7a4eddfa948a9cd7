"""What is an event? The decoded, checked form of one Kafka record, and the rejection that stands in its place."""

import re

from msgspec import Struct

from stream.events.reasons import Reason

# Topic (without prefix) -> the kind of event it carries.
TOPICS: dict[str, str] = {
    "installs": "install",
    "sessions": "session",
    "purchases": "purchase",
    "feedback": "feedback",
    "identities": "identity",
    "erasures": "erasure",
}
# What users of the product send; erasures are written by the product itself.
EVENT_TOPICS = tuple(topic for topic in TOPICS if topic != "erasures")

APP_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
DEFAULT_DIMENSIONS = ("platform", "country", "source", "campaign", "app_version", "variant")

# One dimension that an event says: (name, value).
Dims = tuple[tuple[str, str], ...]

# A record with this header changes complete cells without a revision: it is history, not news.
NO_REVISIONS = ("revisions", b"no")
VALUE_BYTES_MAX = 64 * 1024
FUTURE_MS = 24 * 3600 * 1000


class Event(Struct, gc=False):
    """One accepted event.

    kind          install, session, purchase or feedback
    user          16 bytes, keyed hash of the user id
    ts_ms         event time, UTC epoch milliseconds; slot is the same moment as (local date, hour)
    came_ms       when Kafka got it, where that is before its own time: the clock of the device is ahead
    dims          (name, value) pairs sorted by name
    amount_minor  purchase: whole minor units of the currency; a refund has the id of what it gives back in refund_of
    survey        feedback: nps or csat, and its score
    is_history    changes complete cells without a revision
    """

    kind: str
    app: str
    user: bytes
    event_id: str
    ts_ms: int
    slot: int
    dims: Dims = ()
    amount_minor: int = 0
    currency: str = ""
    product_id: str = ""
    refund_of: str = ""
    survey: str = ""
    score: int = 0
    is_history: bool = False
    came_ms: int | None = None

    @property
    def done_ms(self) -> int:
        """When it was done by the clock that erasures go by: what Kafka had by then was done by then."""
        return self.ts_ms if self.came_ms is None else self.came_ms


class Identity(Struct, gc=False):
    """From now on two ids are one user, their past included; `user` and `alias` are keyed hashes, the times as those of events."""

    app: str
    user: bytes
    alias: bytes
    ts_ms: int
    is_history: bool = False
    came_ms: int | None = None

    @property
    def done_ms(self) -> int:
        """As that of an event."""
        return self.ts_ms if self.came_ms is None else self.came_ms


class Erasure(Struct, gc=False):
    """What some ids did until then (UTC epoch milliseconds) is to be as if it had never been.

    is_late   Kafka got it after that moment, so what is counted already may be later than what it erases
    """

    app: str
    users: tuple[bytes, ...]
    erased_until: int
    is_late: bool = False
    is_history: bool = False


class Rejection(Struct, gc=False):
    """A record that cannot be counted: why, a sentence for whoever sent it, the field at fault ("" where it is not one)."""

    reason: Reason
    detail: str = ""
    field: str = ""
