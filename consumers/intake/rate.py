"""How many events a second may one key send? A bucket that fills at the rate and is emptied by what was sent.

Whether a request may come is known before its body is read, and how many events it holds only after. So a request is let in while
anything is in the bucket, and may take more than that: the next one then waits until the debt is paid.
"""


class Bucket:
    """At most `rate` events a second for long, and a second's worth at once; 0 is no limit. `now` is any clock of seconds."""

    def __init__(self, rate: int, now: float) -> None:
        self._rate, self._level, self._at = rate, float(rate), now

    def wait_seconds(self, now: float) -> float:
        """How long until a request may come; 0.0 when it may come now."""
        if not self._rate:
            return 0.0
        self._level = min(float(self._rate), self._level + (now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._level > 0 else (1 - self._level) / self._rate

    def take(self, events: int) -> None:
        """Counts what was let in."""
        self._level -= events
