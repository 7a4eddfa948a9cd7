"""What do the numbers say, over HTTP? The role `api`."""

from consumers.api.main import run_api

__all__ = ["run_api"]
