"""What becomes of one try to tell an incident."""

from __future__ import annotations

import pytest

from consumers.local.servers import HOST, free_port
from consumers.watch.message import message
from consumers.watch.webhook import Webhook, begin, end, is_due
from stream.churn.incidents import PACE, SETTLED, Evidence, Incident
from tests.consumers.watch.receiving import receiving

CELL = Evidence("z", "", "", "2026-01-01", 2_000, 0.3, 0.28, 0.32, 0.24, -4.0, 0.06, "platform:ios", 0.9)
WINDOW = Evidence("15", "country:VN", "1-6", "", 800, 1_000.0, 940.0, 1_060.0, 800.0, -6.2, 0.2)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        *((200, "told"), (204, "told"), (429, "waiting"), (503, "waiting")),
        *((400, "given_up"), (404, "given_up"), (302, "given_up"), (500, "unknown"), (0, "unknown")),
    ],
)
async def test_an_answer_says_whether_it_was_taken(code: int, said: str) -> None:
    async with receiving() as receiver:
        receiver.codes.append(code)
        assert await Webhook(receiver.url).send({"text": "x"}) == said
        assert len(receiver.came) == 1


async def test_a_receiver_that_is_not_there_has_surely_not_taken_it() -> None:
    assert await Webhook(f"http://{HOST}:{free_port(0)}/hook").send({"text": "x"}) == "waiting"


def test_a_try_is_marked_before_it_and_repeated_later_each_time_for_a_day() -> None:
    incident, now, waits = Incident(1, SETTLED, 1, 0, CELL), 0, []
    while incident.telling == "waiting":
        assert is_due(incident, now)
        begin(incident)
        assert (incident.telling, is_due(incident, now)) == ("sending", False)
        end(incident, "waiting", now)
        assert not is_due(incident, now)
        waits.append(incident.next_try_ms - now)
        now = incident.next_try_ms
    assert waits[:3] == [60_000, 120_000, 240_000]
    assert max(waits) == 3_600_000
    last_try = now - waits[-1]
    assert 86_400_000 < last_try <= 86_400_000 + 3_600_000
    assert incident.telling == "given_up"


def test_a_cell_is_told_with_its_evidence() -> None:
    told = message("shop", Incident(7, SETTLED, 1, 1_767_312_000_000, CELL))
    assert told["text"].splitlines() == [
        "shop: D1 fell by 6.0 points",
        "Cohort 2026-01-01, 2,000 users: seen 24.0%, expected 30.0% (28.0% to 32.0%), z -4.0.",
        "Most of it in platform:ios: 90% of the missing users.",
    ]
    assert told["incident"]["id"] == "shop-7"
    assert told["incident"]["opened"] == "2026-01-02T00:00:00Z"


def test_a_window_is_told_with_its_users() -> None:
    told = message("shop", Incident(7, PACE, None, 0, WINDOW, closed_ms=5))
    assert told["text"].splitlines() == [
        "shop, country:VN: 20% fewer returning users of 1-6 days than usual in the last 15 minutes (over by now)",
        "Seen 800, expected 1,000 (940 to 1,060), z -6.2.",
    ]
    assert told["incident"]["population"] == "country:VN"
    assert told["incident"]["segment"] is None
