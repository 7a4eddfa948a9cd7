"""Why does a request with events get no 202? The status, one sentence for its sender, and when to come again."""

import math


class Refused(Exception):
    """A request is refused as a whole; nothing of it was accepted.

    status          of HTTP
    detail          what its sender can do about it
    retry_seconds   when it may come again; None where that would not help
    """

    def __init__(self, status: int, detail: str, *, retry_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.retry_seconds = None if retry_seconds is None else max(1, math.ceil(retry_seconds))
