"""How is the interface described to programs? The OpenAPI document, for the paths that are served.

What is asked stands in parameters.py, what is answered in answers.py; the document is made of both when it is asked for,
so that it names the dimensions of this installation.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from consumers.api import answers, posting
from consumers.api.parameters import parameters

PATH = "/openapi.json"
JSON, PROBLEM, PLAIN = "application/json", "application/problem+json", "text/plain"


class Operation(NamedTuple):
    """What a path is for, and what it answers; by GET, unless said otherwise."""

    summary: str
    name: str
    schema: dict[str, Any]
    kind: str = JSON
    method: str = "get"
    status: str = "200"
    key: str | None = None  # which key has to be shown, where it is not that of its kind (read, metrics)
    asked: Sequence[dict[str, Any]] = ()  # beside what parameters.py has for the path
    body: dict[str, Any] | None = None
    errors: Mapping[str, str] = MappingProxyType({})  # by status, beside those that every path may have


OPERATIONS: dict[str, Operation] = {
    "/api/v1/retention": Operation("Who came back, by cohort and period.", "Retention", answers.RETENTION),
    "/api/v1/active": Operation("Actives and lifecycle, a row a period.", "Active", answers.ACTIVE),
    "/api/v1/crr": Operation("Customer retention rate and churn of a range.", "Crr", answers.CRR),
    "/api/v1/revenue": Operation("Revenue, payers and lifetime value.", "Revenue", answers.REVENUE),
    "/api/v1/compare": Operation("Whether variants differ in retention.", "Compare", answers.COMPARE),
    "/api/v1/feedback": Operation("NPS and CSAT.", "Feedback", answers.FEEDBACK),
    "/api/v1/apps": Operation("Which apps and dimensions there are.", "Apps", answers.APPS),
    "/api/v1/values": Operation("Which values a dimension has.", "Values", answers.VALUES),
    "/api/v1/status": Operation("Whether everything in Kafka is counted.", "Status", answers.STATUS),
    "/api/v1/events": Operation(
        "Take events of apps.",
        "Accepted",
        posting.ACCEPTED,
        method="post",
        status="202",
        key="write",
        asked=posting.PARAMETERS,
        body=posting.BODY,
        errors=posting.ERRORS,
    ),
    "/api/v1/users": Operation(
        "Order the erasure of a user.",
        "Receipt",
        answers.RECEIPT,
        method="delete",
        status="202",
        key="admin",
    ),
    "/healthz": Operation("Whether the process works.", "Healthy", answers.PROBE),
    "/readyz": Operation("Whether it can answer now.", "Ready", answers.PROBE),
    "/metrics": Operation("The numbers of this process for Prometheus.", "Metrics", answers.TEXT, PLAIN),
    PATH: Operation("This document.", "Description", {"type": "object"}),
}


def document(
    served: Iterable[str], *, dimensions: Sequence[str], version: str, keys: Collection[str] = ("admin",)
) -> dict[str, Any]:
    """The OpenAPI document of the paths that are served; a path that is not described is left out. `keys` are asked for."""
    described = [path for path in OPERATIONS if path in set(served)]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "retention",
            "version": version,
            "summary": "Retention, counted live.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {path: {OPERATIONS[path].method: _operation(path, dimensions, keys)} for path in described},
        "components": {
            "schemas": {
                **{OPERATIONS[path].name: OPERATIONS[path].schema for path in described},
                "Problem": answers.PROBLEM,
            },
            "securitySchemes": {kind: {"type": "http", "scheme": "bearer"} for kind in sorted(keys)},
        },
    }


def _operation(path: str, dimensions: Sequence[str], keys: Collection[str]) -> dict[str, Any]:
    operation = OPERATIONS[path]
    key = operation.key or ("read" if path.startswith("/api/v1/") else path.removeprefix("/"))
    asked = parameters(path, dimensions)
    errors = {"400": "A question that cannot be answered."} if asked else {}
    if key in keys:
        errors |= {
            "401": "No key, or another one; the detail says which.",
            "403": "A key that does not open this, or nobody may.",
        }
    errors |= operation.errors
    errors |= {"503": "Not now; Retry-After says when to ask again.", "default": "Any other error."}
    return {
        "operationId": operation.name.lower(),
        "summary": operation.summary,
        "parameters": [*asked, *operation.asked],
        **({"requestBody": operation.body} if operation.body else {}),
        **({"security": [{key: []}]} if key in keys else {}),
        "responses": {
            operation.status: _response("The answer.", operation.kind, operation.name),
            **{status: _response(says, PROBLEM, "Problem") for status, says in errors.items()},
        },
    }


def _response(says: str, kind: str, schema: str) -> dict[str, Any]:
    return {"description": says, "content": {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
