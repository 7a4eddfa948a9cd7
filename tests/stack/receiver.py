"""Who gets the alerts? A real HTTP server in the network of the stack, as the gateway of a team would be."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

NAME, PORT = "receiver", 8000
URL = f"http://{NAME}:{PORT}/alerts"


class Told(NamedTuple):
    """One alert of one message, and when it came (monotonic seconds)."""

    at: float
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Receiver:
    """Takes what Alertmanager posts."""

    def __init__(self, address: str) -> None:
        self.told: list[Told] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                now = time.monotonic()
                told.extend(
                    Told(now, one["status"], one["labels"], one["annotations"]) for one in body["alerts"]
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, PORT), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def firing(self, alert: str) -> Told | None:
        """The first message that this alert fires."""
        found = [one for one in self.told if one.labels["alertname"] == alert and one.status == "firing"]
        return found[0] if found else None

    def close(self) -> None:
        """No more."""
        self._server.shutdown()
        self._server.server_close()
