"""Who hears of it when a complete number changes? Topic `revisions`: late events, joined ids and erasures move cells of the past.

What changed stands in an outbox that is written together with the number. One of the workers tells it, every few seconds, so that
many changes of a cell are one revision; it is let go when Kafka has acknowledged it. After a crash the same revisions come again,
under the same numbers.
"""

import asyncio
import json
import logging

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from consumers.kafka import REVISIONS
from consumers.settings import Settings
from stream.store.protocol import Revision, Store, StoreUnavailable

log = logging.getLogger(__name__)

TELL_SECONDS = 5.0
LEAD_SECONDS = 30.0
ROLE = "revisions"


async def tell_revisions(settings: Settings, store: Store, kafka: AIOKafkaProducer) -> None:
    """Tells revisions until cancelled; an outage of either side is waited out."""
    while True:
        await asyncio.sleep(TELL_SECONDS)
        try:
            if await store.lead(ROLE, LEAD_SECONDS):
                await tell_waiting(settings, store, kafka)
        except (StoreUnavailable, KafkaError) as error:
            log.warning("revisions wait: %s", error)


async def tell_waiting(settings: Settings, store: Store, kafka: AIOKafkaProducer) -> None:
    """Tells what waits now. Raises StoreUnavailable, KafkaError."""
    for app in await store.zones():
        taken = await store.take_revisions(app)
        if not taken:
            continue
        topic = settings.topic(REVISIONS)
        changed = [one for one in taken if one.old != one.new]
        sent = [await kafka.send(topic, _value(app, one), key=_key(app, one)) for one in changed]
        await asyncio.gather(*sent)
        await store.let_go_revisions(app, len(taken))
        log.info("%d revisions of %s told", len(changed), app)


def _value(app: str, one: Revision) -> bytes:
    _, cohort, day = one.counter.split(":")
    about = {
        "number": one.number,
        "app": app,
        "cohort": cohort,
        "date": day,
        "n": int(one.field),
        "old": one.old,
        "new": one.new,
        "reason": ",".join(one.reasons),
    }
    return json.dumps(about).encode()


def _key(app: str, one: Revision) -> bytes:
    return f"{app}:{one.counter}:{one.field}".encode()
