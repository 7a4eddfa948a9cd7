"""What must not be counted, and why? Raw records that are broken in one way each, and the good ones that they are made of."""

from __future__ import annotations

import json
from typing import Any

from tests.oracle_events import KINDS

APP = "game"
TOPICS = tuple(KINDS)
# What most stories are made of; people with several ids and what they answer have laws of their own.
USUAL = ("installs", "sessions", "purchases")

GOOD: dict[str, Any] = {"event_id": "g", "app_id": APP, "user_id": "anna", "timestamp": 1_700_000_000_000}
PAID = GOOD | {"amount": "1.00", "currency": "USD"}
ANSWERED = GOOD | {"kind": "nps", "score": 9}
JOINED = GOOD | {"alias": "anna@phone"}


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def _without(fields: dict[str, Any], name: str) -> bytes:
    return _json({key: value for key, value in fields.items() if key != name})


# Every way in which an id can say that nobody is meant.
NOBODY = (
    *("null", "undefined", "none", "0", "anonymous", "guest", "unknown", "nan", "[object Object]"),
    *("NULL", "Guest", " anonymous ", "\tnaN\n", "[object object]", "  "),
)

# topic, value, reason: at least one of every reason, each broken in one way only.
GARBAGE: tuple[tuple[str, bytes | None, str], ...] = (
    ("installs", None, "not_json"),
    ("installs", b"", "not_json"),
    ("installs", b"{", "not_json"),
    ("installs", b"\xff\xfe", "not_json"),
    ("installs", b"\xef\xbb\xbf" + _json(GOOD), "not_json"),
    ("sessions", b"[1]", "not_json"),
    ("sessions", b"null", "not_json"),
    ("sessions", b"[" * 30_000, "not_json"),
    ("sessions", b'{"x":' * 5_000, "not_json"),
    ("sessions", _json(GOOD)[:-1] + b',"duration_seconds":NaN}', "not_json"),
    ("sessions", _json(GOOD) + b"x", "not_json"),
    ("sessions", _json(GOOD).replace(b"anna", b"\\ud800"), "not_json"),
    ("sessions", _json(GOOD).replace(b"anna", b"\xed\xa0\x80"), "not_json"),
    *(("installs", _without(GOOD, name), "missing_field") for name in GOOD),
    *(("purchases", _without(PAID, name), "missing_field") for name in ("amount", "currency")),
    *(("sessions", _json(GOOD | {"event_id": value}), "bad_field") for value in ("", "x" * 129, 7, True)),
    *(("sessions", _json(GOOD | {"user_id": value}), "bad_field") for value in ("", "x" * 257, 7, ["a"])),
    *(
        ("sessions", _json(GOOD | {"app_id": value}), "bad_field")
        for value in ("", "Game", "game\n", "x" * 65, 7)
    ),
    *(("installs", _json(GOOD | {"country": value}), "bad_field") for value in ("", "x" * 129, 7, {})),
    *(("sessions", _json(GOOD | {"duration_seconds": value}), "bad_field") for value in (-1, "1", True)),
    *(
        ("purchases", _json(PAID | {"amount": value}), "bad_field")
        for value in ("-1", "1.001", "x", "", True, [])
    ),
    *(("purchases", _json(PAID | {"amount": value}), "bad_field") for value in (10**10 + 1, "1e400", "NaN")),
    *(("purchases", _json(PAID | {"currency": value}), "bad_field") for value in ("usd", "ABC", "", 840)),
    *(
        ("purchases", _json(PAID | {"currency": "JPY", "amount": value}), "bad_field")
        for value in ("0.5", 1.5)
    ),
    *(("purchases", _json(PAID | {"refund_of": value}), "bad_field") for value in ("", 7, "x" * 129)),
    *(
        ("installs", _json(GOOD | {"timestamp": value}), "bad_timestamp")
        for value in (
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-02-29T00:00:00Z",
            "yesterday",
            True,
            [],
            "",
            1.5,
        )
    ),
    *(("installs", _json(GOOD | {"timestamp": value}), "bad_timestamp") for value in (10**30, -(10**30))),
    ("sessions", _json(GOOD | {"timestamp": "9999-12-31T23:59:59Z"}), "future"),
    ("sessions", _json(GOOD | {"timestamp": "1999-12-31T23:59:59.999Z"}), "too_old"),
    ("sessions", _json(GOOD | {"timestamp": 0}), "too_old"),
    *(("feedback", _without(ANSWERED, name), "missing_field") for name in ("kind", "score")),
    *(
        ("feedback", _json(ANSWERED | {"kind": value}), "bad_field")
        for value in ("", "NPS", "ces", 7, ["nps"])
    ),
    *(
        ("feedback", _json(ANSWERED | {"score": value}), "bad_field")
        for value in (-1, 11, "9", 9.0, 7.5, True, [], 10**30)
    ),
    *(("feedback", _json(ANSWERED | {"kind": "csat", "score": value}), "bad_field") for value in (0, 6, 10)),
    ("feedback", _json(ANSWERED | {"country": ""}), "bad_field"),
    ("feedback", _json(ANSWERED | {"timestamp": "9999-12-31T23:59:59Z"}), "future"),
    ("identities", _without(JOINED, "alias"), "missing_field"),
    *(("identities", _json(JOINED | {"alias": value}), "bad_field") for value in ("", "x" * 257, 7, ["a"])),
    *(
        ("identities", _json(JOINED | {name: value}), "bad_field")
        for name in ("user_id", "alias")
        for value in NOBODY
    ),
    ("identities", _json(JOINED | {"timestamp": 0}), "too_old"),
    ("sessions", _json(GOOD | {"x": "y" * 65_536}), "too_large"),
    ("installs", b" " * 10_000_000, "too_large"),
)

assert {topic for topic, _, _ in GARBAGE} == set(TOPICS)
