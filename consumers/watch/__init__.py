"""Do fewer users come back than usual? Tests settled cells once a day and the live pace every minute, and tells incidents once."""

from consumers.watch.main import run_watch

__all__ = ["run_watch"]
