"""How is it usually done? A Faust agent as its documentation shows it: one event at a time, one pipeline of two commands an event.

Run by bench/throughput.py with `faust -A bench.usual_agent worker`. Faust's defaults, apart from what is needed to run here:
where the broker is, a short session time-out (the embedded broker holds a join for half of it; only the start is shorter), a data
directory that goes away, no web server (its port may be taken).
"""

import os
from datetime import UTC, datetime

import faust
import redis.asyncio as redis

app = faust.App(
    os.environ["USUAL_GROUP"],
    broker=f"kafka://{os.environ['USUAL_KAFKA']}",
    broker_session_timeout=4,
    broker_heartbeat_interval=1,
    datadir=os.environ["USUAL_DIRECTORY"],
    web_enabled=False,
    topic_partitions=4,
)
client = redis.Redis.from_url(os.environ["USUAL_REDIS"])


class Session(faust.Record, serializer="json"):
    """A session event."""

    event_id: str
    app_id: str
    user_id: str
    timestamp: int
    duration_seconds: float | None = None
    platform: str | None = None
    country: str | None = None
    source: str | None = None


@app.agent(app.topic(os.environ["USUAL_TOPIC"], value_type=Session))
async def count(sessions):  # type: ignore[no-untyped-def]
    """Counts the users and the sessions of a day."""
    async for session in sessions:
        day = datetime.fromtimestamp(session.timestamp / 1000, UTC).date().isoformat()
        async with client.pipeline(transaction=False) as commands:
            commands.sadd(f"active:{day}", session.user_id)
            commands.hincrby("sessions", day, 1)
            await commands.execute()
