"""Which field is at fault where a typed decode fails, and how is that said to whoever sent it? From the words of msgspec."""

import re

from stream.events.reasons import Reason
from stream.events.schema import Rejection

_MISSING = re.compile(r"Object missing required field `(\w+)`")
# The path stands at the end; before it may be what the field holds, which may look like anything.
_AT = re.compile(r"(.*) - at `\$\.(\w+)[^`]*`", re.DOTALL)
_NAMES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_TYPES = re.compile(r"`([a-z]+(?: \| [a-z]+)*)`")


def fault(text: str) -> Rejection:
    """The rejection that the text of a failed typed decode stands for.

    A value that is no object at all is `not_json`, a field that is not there or null `missing_field`.
    """
    if missing := _MISSING.fullmatch(text):
        return Rejection(Reason.MISSING_FIELD, f"{missing[1]} is missing", missing[1])
    found = _AT.fullmatch(text)
    if found is None:
        return Rejection(Reason.NOT_JSON, in_words(text))
    what, field = found.groups()
    if what.endswith("got `null`"):
        return Rejection(Reason.MISSING_FIELD, f"{field} is null", field)
    if field == "timestamp":
        detail = "timestamp is neither RFC 3339 with an offset nor epoch milliseconds"
        return Rejection(Reason.BAD_TIMESTAMP, detail, field)
    if field == "kind" and what.startswith("Invalid enum value"):
        return Rejection(Reason.BAD_FIELD, "kind is neither nps nor csat", field)
    return Rejection(Reason.BAD_FIELD, f"{field}: {in_words(what)}", field)


def unreadable(error: Exception) -> str:
    """Why something is no JSON at all, as the parser says it; how deep Python may go is nobody's business."""
    return "nested too deep" if isinstance(error, RecursionError) else str(error)[:200]


def in_words(text: str) -> str:
    """What a decoder expected or met, in the words of JSON instead of Python's."""

    def plain(types: re.Match[str]) -> str:
        return " or ".join(_NAMES.get(name, name) for name in types[1].split(" | "))

    return text[:1].lower() + _TYPES.sub(plain, text[1:])
