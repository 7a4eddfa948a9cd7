"""Which events are kept whole, and which of two under one id is it? Installs, purchases and answers to surveys, by event id."""

import json
from typing import Any

from msgspec import Struct

from stream.retention.money import decimal_text

INSTALL = "install"
PURCHASE = "purchase"
FEEDBACK = "feedback"
# A session is not kept: it is a slot.
SESSION = "session"

# Kind and event id.
Key = tuple[str, str]


class Kept(Struct, frozen=True, gc=False):
    """An event that is kept by its id. Its slot is where the app's zone puts its time."""

    ts_ms: int
    slot: int
    dims: tuple[tuple[str, str], ...] = ()
    amount_minor: int = 0
    currency: str = ""
    product_id: str = ""
    refund_of: str = ""
    survey: str = ""
    score: int = 0


def content_order(kept: Kept) -> tuple[int, bytes]:
    """By this order the smaller of two contents under one event id wins: time, then canonical JSON.

    Canonical: the fields that differ can only be these, in normal form, keys sorted, no spaces, UTF-8.
    """
    content: dict[str, Any] = dict(kept.dims)
    if kept.currency:
        content |= {"amount": decimal_text(kept.amount_minor, kept.currency), "currency": kept.currency}
    if kept.survey:
        content |= {"kind": kept.survey, "score": kept.score}
    content |= {name: text for name in ("product_id", "refund_of") if (text := getattr(kept, name))}
    content["timestamp"] = kept.ts_ms
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return kept.ts_ms, text.encode()
