"""Small histories, and what they must come to: worked out by hand from the definitions, with no program.

Events: `KIND USER TIME WHAT...`, `#ID` for an id that matters. Tables: cohort, segment, size and `:`, then a cell each; `~`: open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Questions = Mapping[str, Any]
ZONES = "ny=America/New_York,kolkata=Asia/Kolkata"
JUNE = "from=2026-06-01 to=2026-06-01"


class Chapter(NamedTuple):
    """Events, and questions that are asked when they are counted: path and parameters -> table, members, or members of rows."""

    events: str
    questions: Questions


FIRST: dict[str, Chapter] = {
    # 29 December 2024 is a Sunday: the last day of a week from Monday, the first of one from Sunday.
    "year_end": Chapter(
        """
        install a 2024-12-29T12:00:00Z
        session a 2024-12-30T00:00:00Z
        session a 2025-01-05T00:00:00Z
        session a 2025-01-06T00:00:00Z
        install b 2024-12-30T00:00:00Z
        session b 2025-01-13T01:00:00Z
        install c 2025-01-05T23:59:59Z
        session c 2025-01-06T00:00:00Z
        """,
        {
            "retention from=2024-12-29 to=2025-01-05 period=week periods=2": "2024-12-23 1: 1 1 1\n2024-12-30 2: 2 1 1",
            "retention from=2024-12-30 to=2025-01-05 period=week week_start=sunday periods=2": (
                "2024-12-29 2: 2 1 1\n2025-01-05 1: 1 0 0"
            ),
            "retention from=2024-12-31 to=2025-01-01 period=month periods=1": (
                "2024-12-01 2: 2 2\n2025-01-01 1: 1 0"
            ),
            "retention from=2024-12-30 to=2024-12-30 period=week as_of=2025-01-05T23:59:59Z": "2024-12-30 2~: 2~",
        },
    ),
    # 3 November 2024 has 25 hours: +24 h is 11:00 of the next day there, and 01:30 stands twice.
    "ny": Chapter(
        """
        install a 2024-11-02T16:00:00Z
        session a 2024-11-03T15:59:59Z
        session a 2024-11-04T16:00:00Z
        install b 2024-11-03T05:30:00Z
        session b 2024-11-03T06:30:00Z
        session b 2024-11-04T04:59:59Z
        purchase b 2024-11-04T04:30:00Z 7 USD
        """,
        {
            "retention from=2024-11-02 to=2024-11-03 periods=2": "2024-11-02 1: 1 1 1\n2024-11-03 1: 1 0 0",
            "retention from=2024-11-02 to=2024-11-02 periods=2 window=elapsed": "2024-11-02 1: 1 0 1",
            "retention from=2024-11-02 to=2024-11-02 as_of=2024-11-05T03:59:59Z window=elapsed": (
                "2024-11-02 1: 1 0~ 1~"
            ),
            "retention from=2024-11-03 to=2024-11-03 as_of=2024-11-04T04:59:59Z": "2024-11-03 1~: 1~",
            # The 25th hour of that day is still the first 24 after 01:30.
            "retention from=2024-11-03 to=2024-11-03 return=revenue periods=1 window=elapsed": "2024-11-03 1: 1(7.00USD) 0",
        },
    ),
    # Hours begin at the half hour of UTC: 15:59 there is the hour from 09:30 UTC on.
    "kolkata": Chapter(
        """
        install a 2024-06-01T10:29:59Z
        session a 2024-06-02T09:29:59Z
        install b 2024-06-01T10:29:59Z
        session b 2024-06-02T09:30:00Z
        """,
        {"retention from=2024-06-01 to=2024-06-01 periods=1 window=elapsed": "2024-06-01 2: 2 1"},
    ),
    # Bought in the hour of the install, in the hour before, the day before, two days after; and only before.
    "bought_early": Chapter(
        """
        install a 2026-06-03T10:50:00Z
        purchase a 2026-06-03T10:05:00Z 1.00 USD
        purchase a 2026-06-03T09:59:59Z 2.00 USD
        purchase a 2026-06-02T12:00:00Z 4.00 USD
        purchase a 2026-06-05T00:00:00Z 8.50 USD
        install b 2026-06-03T23:00:00Z
        purchase b 2026-06-03T22:00:00Z 16 USD
        session b 2026-06-03T22:30:00Z
        """,
        {
            "retention from=2026-06-03 to=2026-06-03 periods=2 return=revenue": (
                "2026-06-03 2: 1(1.00USD) 0 1(8.50USD)"
            ),
            "retention from=2026-06-03 to=2026-06-03 periods=1 return=revenue window=elapsed": (
                "2026-06-03 2: 1(1.00USD) 1(8.50USD)"
            ),
            "retention from=2026-06-03 to=2026-06-03 period=week periods=0 return=revenue": (
                "2026-06-01 2: 1(9.50USD)"
            ),
            "retention from=2026-06-03 to=2026-06-03 periods=0 return=revenue cohort=session": (
                "2026-06-03 1: 1(16.00USD)"
            ),
            "retention from=2026-06-03 to=2026-06-03 periods=3 return=purchase criterion=on_or_after": (
                "2026-06-03 2: 1 1 1 0"
            ),
        },
    ),
    "brackets": Chapter(
        """
        install a 2026-06-01T10:00:00Z
        session a 2026-06-02T12:00:00Z
        install b 2026-06-01T10:00:00Z
        session b 2026-06-06T12:00:00Z
        install c 2026-06-01T10:00:00Z
        session c 2026-06-10T12:00:00Z
        install d 2026-06-01T10:00:00Z
        """,
        {
            f"retention {JUNE} brackets=1-3,4-7": "2026-06-01 4: 4 1 1",
            f"retention {JUNE} brackets=1-3,4-7 criterion=on_or_after": "2026-06-01 4: 4 3 2",
            f"retention {JUNE} brackets=1-3,4-7,8-9 as_of=2026-06-05T00:00:00Z": "2026-06-01 4: 4 1 0~",
        },
    ),
    "windows": Chapter(
        """
        install a 2026-06-01T22:30:00Z VN
        session a 2026-06-02T21:59:00Z
        session a 2026-06-03T22:00:00Z
        install b 2026-06-01T01:00:00Z US
        session b 2026-06-02T01:00:00Z
        install c 2026-06-01T05:00:00Z
        """,
        {
            f"retention {JUNE} periods=2 window=elapsed breakdown=country": (
                "2026-06-01 (not set) 1: 1 0 0\n2026-06-01 US 1: 1 1 0\n2026-06-01 VN 1: 1 0 1"
            ),
            f"retention {JUNE} periods=2 window=elapsed breakdown=country limit=1": (
                "2026-06-01 (not set) 1: 1 0 0\n2026-06-01 other 2: 2 1 1"
            ),
            f"retention {JUNE} window=elapsed where=country:VN as_of=2026-06-03T21:59:59Z": "2026-06-01 1: 1 0~ 0~",
        },
    ),
    # Money has the digits of its currency; a refund counts on its own date and takes no payer away.
    "money": Chapter(
        """
        install a 2026-06-01T00:00:00Z
        purchase a 2026-06-01T10:00:00Z 10.00 USD #p
        purchase a 2026-06-03T10:00:00Z 4.00 USD p
        install b 2026-06-01T00:00:00Z
        purchase b 2026-06-02T10:00:00Z 100000 VND
        purchase b 2026-06-02T11:00:00Z 1.234 KWD
        purchase b 2026-06-02T11:00:00Z 0.0001 CLF
        """,
        {
            f"retention {JUNE} periods=2 return=revenue": (
                "2026-06-01 2: 1(10.00USD) 1(0.0001CLF,1.234KWD,100000VND) 0(-4.00USD)"
            ),
            f"revenue {JUNE} periods=2": [{"size": 2, "buyers": 2, "purchases": 4, "repeat_rate": 0.0}],
        },
    ),
    # One id, several contents: the earliest counts, of equal times the smaller text ("10.00" before "9.00").
    "repeats": Chapter(
        """
        purchase a 2026-06-02T10:00:00Z 5 USD #x
        purchase a 2026-06-01T10:00:00Z 9 USD #x
        purchase b 2026-06-01T10:00:00Z 10.00 EUR #x
        purchase b 2026-06-01T10:00:00Z 9.00 EUR #x
        feedback b 2026-06-02T10:00:00Z nps 9 #x
        feedback b 2026-06-02T10:00:00Z nps 10 #x
        """,
        {
            f"retention {JUNE} cohort=first_purchase return=revenue periods=1": (
                "2026-06-01 2: 2(10.00EUR,9.00USD) 0"
            ),
            "feedback from=2026-06-01 to=2026-06-02": {"nps": 100.0, "answers": {"nps": 1, "csat": 0}},
        },
    ),
    "recurring": Chapter(
        """
        session a 2026-01-31T10:00:00Z
        session a 2026-02-01T10:00:00Z
        session a 2026-03-15T10:00:00Z
        session b 2026-02-28T10:00:00Z
        purchase b 2026-02-02T10:00:00Z 1 USD
        purchase b 2026-02-20T10:00:00Z 2 USD
        purchase b 2026-03-31T23:59:59Z 4 USD
        """,
        {
            "retention from=2026-01-01 to=2026-03-31 cohort=session period=month periods=2": (
                "2026-01-01 1: 1 1 1\n2026-02-01 2: 2 1 0\n2026-03-01 1: 1 0 0"
            ),
            "retention from=2026-02-01 to=2026-02-28 cohort=purchase return=revenue period=month periods=1": (
                "2026-02-01 1: 1(3.00USD) 1(4.00USD)"
            ),
            # b's purchases of February are all before the first session in it.
            "retention from=2026-02-01 to=2026-02-28 cohort=session return=revenue period=month periods=1": (
                "2026-02-01 2: 0 1(4.00USD)"
            ),
        },
    ),
    "life": Chapter(
        """
        session a 2026-06-01T10:00:00Z
        session a 2026-06-03T10:00:00Z
        feedback b 2026-05-20T10:00:00Z nps 9
        purchase b 2026-06-03T10:00:00Z 1 USD
        """,
        {
            "active from=2026-06-01 to=2026-06-03 as_of=2026-06-03T12:00:00Z": [
                {"active": 1, "mau": 2, "new": 1, "returning": 0, "resurrected": 0, "dormant": 0},
                {"active": 0, "mau": 2, "new": 0, "returning": 0, "resurrected": 0, "dormant": 1},
                {"active": 2, "mau": 2, "new": 0, "returning": 0, "resurrected": 2, "dormant": None},
            ],
            "crr from=2026-06-03 to=2026-06-03 as_of=2026-06-03T23:59:59Z": {
                "cs": 0,
                "ce": 2,
                "crr": None,
            },
            "crr from=2026-06-03 to=2026-06-03 population=customers": {"cs": 0, "new": 1, "crr": None},
        },
    ),
    # Two people turn out to be one: her install is the earlier one, what he did counts from there, the latest answer is hers.
    "merged": Chapter(
        """
        install phone 2026-06-10T10:00:00Z US
        session phone 2026-06-11T09:30:00Z
        purchase phone 2026-06-12T12:00:00Z 5.00 USD
        feedback phone 2026-06-12T12:00:00Z nps 10
        install anna 2026-06-08T09:15:00Z VN
        session anna 2026-06-09T09:00:00Z
        purchase anna 2026-06-09T10:00:00Z 1.00 USD
        feedback anna 2026-06-13T12:00:00Z nps 2
        session tablet 2026-06-07T12:00:00Z
        """,
        {
            "retention from=2026-06-08 to=2026-06-10 periods=3": (
                "2026-06-08 1: 1 1 0 0\n2026-06-09 0: 0 0 0 0\n2026-06-10 1: 1 1 0 0"
            )
        },
    ),
}
# What is told when the first chapter has been counted.
LATER: dict[str, Chapter] = {
    "merged": Chapter(
        """
        identity anna 2026-06-30T00:00:00Z phone
        identity phone 2020-01-01T00:00:00Z tablet
        identity tablet 2026-06-30T00:00:00Z anna
        """,
        {
            "retention from=2026-06-08 to=2026-06-10 periods=3": (
                "2026-06-08 1: 1 1 0 1\n2026-06-09 0: 0 0 0 0\n2026-06-10 0: 0 0 0 0"
            ),
            "retention from=2026-06-08 to=2026-06-08 periods=3 window=elapsed breakdown=country": (
                "2026-06-08 VN 1: 1 1 0 1"
            ),
            "retention from=2026-06-07 to=2026-06-07 cohort=first_seen breakdown=nps periods=2": (
                "2026-06-07 detractor 1: 1 0 1"
            ),
            "retention from=2026-06-09 to=2026-06-09 cohort=first_purchase return=revenue periods=3": (
                "2026-06-09 1: 1(1.00USD) 0 0 1(5.00USD)"
            ),
            "active from=2026-06-10 to=2026-06-10": [
                {"installs": 0, "reinstalls": 1, "returning": 1, "new": 0}
            ],
        },
    ),
}
