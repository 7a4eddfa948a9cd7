"""The role `api`: the numbers over HTTP."""

from consumers.api.main import run_api

__all__ = ["run_api"]
