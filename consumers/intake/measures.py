"""What does taking events in tell Prometheus? Requests and events, on children bound beforehand, every one at 0 from the start."""

from collections.abc import Iterable
from http import HTTPStatus

from consumers.metrics import collector
from consumers.telemetry import Telemetry
from stream.events.reasons import Reason

CODES = (202, 400, 401, 403, 408, 413, 415, 429, 500, 503)


class Measures:
    """The metrics of consumers/metrics/collector.py."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._accepted, self._rejected = (
            telemetry.child(collector.COLLECTOR_EVENTS, outcome) for outcome in collector.OUTCOMES
        )
        self._reasons = {
            reason: telemetry.child(collector.COLLECTOR_REJECTED, reason.value) for reason in Reason
        }
        self._requests = {code: telemetry.child(collector.COLLECTOR_REQUESTS, str(code)) for code in CODES}
        self._duration = telemetry.child(collector.COLLECTOR_REQUEST_DURATION)
        self.in_flight = telemetry.child(collector.COLLECTOR_IN_FLIGHT)

    def request(self, code: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.get(code, self._requests[HTTPStatus.INTERNAL_SERVER_ERROR]).inc()
        self._duration.observe(seconds)

    def events(self, accepted: int, rejected: Iterable[Reason]) -> None:
        """A request was answered 202, with so many accepted, and the reason of each that was not."""
        self._accepted.inc(accepted)
        for reason in rejected:
            self._rejected.inc()
            self._reasons[reason].inc()
