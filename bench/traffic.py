"""Which backlog is counted? A month of a product as Kafka would hold it, in the order in which it arrived.

Users are Zipf-like: on how many days somebody comes falls with their rank as a power law, at most nearly every day; who comes
has three sessions a day on average. Each user installs once; 3 % of all events are purchases, 1 % garbage; one event in fifty
arrives hours late, the others within seconds. Events have UUIDs as ids and three dimensions.
"""

import time
from collections import Counter
from collections.abc import Iterator

import numpy as np

from consumers.kafka import Kafka, Sender
from consumers.settings import Settings
from stream.retention.days import DAY_MS

APP = "bench"
DAYS = 30
USERS_PER_EVENT = 0.08
SESSIONS_A_DAY = 3.0
PURCHASES, GARBAGE, LATE = 0.03, 0.01, 0.02
ZIPF_EXPONENT = 0.8
LOOKS = [
    f',"platform":"{platform}","country":"{country}","source":"{source}"}}'.encode()
    for platform in ("ios", "android", "web")
    for country in ("VN", "US", "IN", "BR", "DE", "JP", "FR", "GB")
    for source in ("organic", "search_ads", "social", "referral")
]
BAD = (
    b"not json at all",
    b'{"event_id":"g","app_id":"bench"}',
    b'{"event_id":"g","app_id":"NOT AN APP","user_id":"g","timestamp":1}',
)
TOPICS = ("installs", "sessions", "purchases")
Message = tuple[str, bytes, bytes]


def backlog(events: int, *, seed: int = 1, garbage: float = GARBAGE) -> Iterator[Message]:
    """About so many messages: topic without prefix, key, value."""
    dice = np.random.default_rng(seed)
    users = max(50, int(events * USERS_PER_EVENT))
    first = (int(time.time() * 1000) // DAY_MS - DAYS - 1) * DAY_MS
    who, when, kind = _rows(
        dice, users, events * (1 - USERS_PER_EVENT - PURCHASES - garbage), events * PURCHASES
    )
    arrived = when + dice.exponential(5_000, len(when))
    late = dice.random(len(when)) < LATE
    arrived[late] += dice.exponential(3 * 3_600_000, int(late.sum()))
    order = np.argsort(arrived, kind="stable")
    looks = dice.integers(0, len(LOOKS), users).tolist()
    bad = (dice.random(len(order)) < garbage).tolist()
    ids = dice.bytes(16 * len(order)).hex()
    rows = zip(
        who[order].tolist(),
        (when[order] + first).astype(np.int64).tolist(),
        kind[order].tolist(),
        strict=True,
    )
    for at, (user, ts_ms, what) in enumerate(rows):
        h = ids[32 * at : 32 * at + 32]
        own = (
            b"",
            b',"duration_seconds":%d' % (ts_ms % 1800),
            b',"amount":"4.99","currency":"USD","product_id":"gems_500"',
        )[what]
        event_id = f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}".encode()
        key = b"user-%08d" % user
        head = b'{"event_id":"%b","app_id":"bench","user_id":"%b","timestamp":%d%b' % (
            event_id,
            key,
            ts_ms,
            own,
        )
        yield TOPICS[what], key, head + LOOKS[looks[user]]
        if bad[at]:
            yield TOPICS[what], key, BAD[at % len(BAD)]


def _rows(
    dice: np.random.Generator, users: int, sessions: float, purchases: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who, when (ms since the first day) and what, unsorted."""
    installed = dice.integers(0, DAYS, users)
    chance = _chances(dice, users, sessions / SESSIONS_A_DAY / users / ((DAYS + 1) / 2))
    here = dice.random((users, DAYS)) < chance[:, None]
    here &= np.arange(DAYS)[None, :] >= installed[:, None]
    here[np.arange(users), installed] = True
    active, day = np.nonzero(here)
    often = 1 + dice.poisson(SESSIONS_A_DAY - 1, len(active))
    who, start = np.repeat(active, often), np.repeat(day, often) * float(DAY_MS)
    when = start + (dice.random(len(who)) + dice.random(len(who)) ** 0.6) / 2 * (DAY_MS - 120_000)
    first = np.full(users, np.inf)
    np.minimum.at(first, who, when)
    buys = dice.random(len(who)) < purchases / len(who)
    kinds = [np.zeros(users, np.int64), np.ones(len(who), np.int64), np.full(int(buys.sum()), 2)]
    return (
        np.concatenate([np.arange(users), who, who[buys]]),
        np.concatenate([first - 1_000, when, when[buys] + 45_000]),
        np.concatenate(kinds),
    )


def _chances(dice: np.random.Generator, users: int, mean: float) -> np.ndarray:
    """The chance of each user to come on a day: a power law of the rank, at most 0.95, with this mean."""
    law = np.arange(1, users + 1) ** -ZIPF_EXPONENT
    low, high = 0.0, float(users)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(0.95, middle * law).mean() < mean else (low, middle)
    return dice.permutation(np.minimum(0.95, high * law))


async def written(
    settings: Settings, messages: Iterator[Message]
) -> tuple[Counter[str], dict[tuple[str, int], int]]:
    """Writes messages to the topics of these settings. How many went to each topic, and where partitions end."""
    sent: Counter[str] = Counter()
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
        async with Sender(settings) as sender:
            for topic, key, value in messages:
                await sender.put(topic, key, value)
                sent[topic] += 1
            await sender.flush()
        ends = await kafka.end_offsets(TOPICS)
    if sum(ends.values()) != sum(sent.values()):
        raise RuntimeError(f"Kafka holds {sum(ends.values())} of {sum(sent.values())} messages")
    return sent, ends
