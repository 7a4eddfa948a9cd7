"""What should a value have been that is refused? The words of pydantic, which checks settings and options alike, for people."""

from collections.abc import Mapping
from typing import Any

_WANTED = {
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
}


def wanted(error: Mapping[str, Any]) -> str:
    """One line for one of a validation's `errors()`; our own sentence where one of our checks has refused the value."""
    known = _WANTED.get(error["type"])
    if known is not None:
        return known.format(
            **{name: str(limit).removesuffix(".0") for name, limit in error.get("ctx", {}).items()}
        )
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"
