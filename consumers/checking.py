"""Is this an event that the workers will count? Asked by those who write to Kafka, of the very decoder that the workers have."""

from consumers.settings import Settings
from stream.events.decode import Decoder
from stream.retention.days import zone


def checking_decoder(settings: Settings) -> Decoder:
    """A decoder that only says whether a record is an event: whose hash it would carry does not matter, so it needs no secret."""
    return Decoder(
        zones=lambda app: zone(settings.zone_name(app)),
        secret=b"only-checking",
        apps=settings.apps,
        dimensions=settings.dimensions,
        earliest_ms=settings.earliest_ms,
    )
