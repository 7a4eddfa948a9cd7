"""How do events come in over HTTP? `POST /api/v1/events`: served by the collector, and in `retention up` by the API too.

    who is this (cors.py, access.py) -> how much (rate.py, room.py) -> read (body.py) -> decide (stream/events/posted.py)
        -> Kafka (delivery.py) -> 202

Every step can refuse; what has passed all of them was acknowledged by Kafka.
"""

from consumers.intake.endpoint import PATH, Intake

__all__ = ["PATH", "Intake"]
