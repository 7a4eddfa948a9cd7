"""The churn watch: tests settled cells once a day and the live pace every minute, keeps incidents, tells them once."""

from consumers.watch.main import run_watch

__all__ = ["run_watch"]
