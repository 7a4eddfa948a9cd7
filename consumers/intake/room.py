"""How much may be under way at once? Bodies that are being read, and events that Kafka has not acknowledged yet."""


class Room:
    """So many events and bytes; what finds no place is refused at once instead of waiting in memory."""

    def __init__(self, events_max: int, size_bytes_max: int) -> None:
        self._events_max, self._size_bytes_max = events_max, size_bytes_max
        self.events = 0
        self.size_bytes = 0

    def take(self, *, events: int = 0, size_bytes: int = 0) -> bool:
        """Takes a place, which has to be given back; False when there is none."""
        if self.events + events > self._events_max or self.size_bytes + size_bytes > self._size_bytes_max:
            return False
        self.events += events
        self.size_bytes += size_bytes
        return True

    def give_back(self, *, events: int = 0, size_bytes: int = 0) -> None:
        """What was taken is free again."""
        self.events -= events
        self.size_bytes -= size_bytes
        assert self.events >= 0
        assert self.size_bytes >= 0
