"""What may the text of a setting look like? One function per kind of value; a ValueError says what is wrong with it."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from consumers.metrics import ROLES
from stream.events.schema import APP_ID
from stream.retention.days import zone
from stream.retention.dimensions import GROUPS
from stream.retention.scope import FAMILIES
from stream.store.address import CLUSTER_SCHEMES, cluster_url

MASK = "********"
SECRET_LENGTH_MIN = 4  # shorter ones are words that stand everywhere
DIMENSIONS_MAX = 32
REDIS_SCHEMES = ("redis://", "rediss://", "unix://", *(f"{scheme}://" for scheme in CLUSTER_SCHEMES))
_DATABASE = re.compile(r"(/\d*)?")
_DIMENSION_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]-]+|null")
_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{0,200}")
_EVENT_FIELDS = {
    *GROUPS,
    "event_id",
    "app_id",
    "user_id",
    "timestamp",
    "type",
    "kind",
    "score",
    "alias",
    "duration_seconds",
    "sent_at",
} | {*("amount", "currency", "product_id", "refund_of")}


def words(value: Any) -> list[str]:
    """The parts of a comma-separated text, or of a collection."""
    parts: Iterable[str] = value.split(",") if isinstance(value, str) else value or ()
    return [part.strip() for part in parts if part.strip()]


def servers(text: str) -> str:
    """`host:port,...`"""
    for server in words(text):
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"{server!r} is not host:port")
    return ",".join(words(text))


def redis_url(text: str) -> str:
    """A URL of the schemes that the store knows."""
    if text and not text.startswith(REDIS_SCHEMES):
        raise ValueError(
            "must begin with redis://, rediss:// or unix://, or with redis+cluster:// or rediss+cluster://"
        )
    if not _is_whole(text):
        raise ValueError(
            "cannot be taken apart: percent-encode / # ? @ : in user and password, or set RETENTION_REDIS_PASSWORD"
        )
    if text.split("://")[0] in CLUSTER_SCHEMES:
        cluster_url(text)
    elif text.startswith("redis") and not _DATABASE.fullmatch(urlsplit(text).path):
        raise ValueError(
            "has something else than the number of a database behind the host, which would be passed over"
        )
    return text


def _is_whole(url: str) -> bool:
    """Whether host and port stand where they should. A password with a slash in it would move them, and be shown as a path."""
    if url.startswith("unix://"):
        return True
    try:
        parts = urlsplit(url)
        ports = [urlsplit(f"//{host}").port for host in parts.netloc.rpartition("@")[2].split(",")]
    except ValueError:
        return False
    return bool(ports) and not parts.fragment and "@" not in parts.path + parts.query


def secret_parts(text: str) -> list[str]:
    """The parts of a secret that give it away: the password of a URL, each key of `app=key,...`, else the whole."""
    if "://" in text:
        password = urlsplit(text).netloc.rpartition("@")[0].partition(":")[2]
        return [part for part in {password, unquote(password)} if len(part) >= SECRET_LENGTH_MIN]
    parts = {text, *(part.partition("=")[2].strip() for part in re.split(r"[,\n]", text))}
    return [part for part in parts if len(part) >= SECRET_LENGTH_MIN]


def has_password(url: str) -> bool:
    """Whether a Redis URL holds a password."""
    return ":" in urlsplit(url).netloc.rpartition("@")[0] or "password=" in urlsplit(url).query


def readable_file(text: str) -> str:
    """The path of a file that can be read."""
    try:
        with open(text, "rb"):
            return text
    except OSError as error:
        raise ValueError(f"{error.strerror}; name a file that can be read") from None


def kafka_name(text: str) -> str:
    """What may be part of the name of a topic or a group."""
    if not _TOPIC_NAME.fullmatch(text):
        raise ValueError("may hold letters, digits, '.', '_' and '-' only (at most 200)")
    return text


def app_id(text: str) -> str:
    """An app id."""
    if not APP_ID.fullmatch(text):
        raise ValueError(f"{text!r} is no app id: use [a-z0-9][a-z0-9_-]*, at most 64 characters")
    return text


def zone_name(text: str) -> str:
    """A time zone of the pinned IANA list."""
    try:
        zone(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time zone of the IANA list") from None
    return text


def zone_names(value: Any) -> dict[str, str]:
    """`app=Zone,...`"""
    return {app_id(app): zone_name(name) for app, name in _pairs(value, "app=Zone").items()}


def dimensions(value: Any) -> tuple[str, ...]:
    """Names of dimensions, each once, none of them a field that events have anyway."""
    names = tuple(dict.fromkeys(words(value)))
    for name in names:
        if not _DIMENSION_NAME.fullmatch(name) or name in _EVENT_FIELDS:
            raise ValueError(
                f"{name!r} cannot be a dimension: use [a-z][a-z0-9_]* and no field that events have anyway"
            )
    if len(names) > DIMENSIONS_MAX:
        raise ValueError(f"{len(names)} dimensions are more than {DIMENSIONS_MAX}")
    return names


def families(value: Any) -> frozenset[str]:
    """Families of facts; `none` is none of them."""
    names = frozenset(words(value)) - {"none"}
    if wrong := sorted(names - {*FAMILIES}):
        raise ValueError(f"{wrong[0]!r} is none of {', '.join(FAMILIES)}, none")
    return names


def days(value: Any, most: int, below: int) -> tuple[int, ...]:
    """Numbers of days in order, each once: at most so many, and all below a number."""
    numbers = set()
    for part in words(value) if isinstance(value, str) else map(str, value):
        if not re.fullmatch(r"[0-9]{1,4}", part) or int(part) >= below:
            raise ValueError(f"{part!r} is no day below {below}")
        numbers.add(int(part))
    if not 1 <= len(numbers) <= most:
        raise ValueError(f"{len(numbers)} days; name 1 to {most}")
    return tuple(sorted(numbers))


def role_addresses(value: Any) -> dict[str, str]:
    """`role=host:port,...`"""
    given = _pairs(value, "role=host:port")
    for role in given:
        if role not in ROLES or role == "api":
            raise ValueError(f"{role!r} is none of {', '.join(one for one in ROLES if one != 'api')}")
    return {role: servers(address) for role, address in given.items()}


def origins(value: Any) -> tuple[str, ...]:
    """Origins of web pages as browsers say them, each once; `*` is every one."""
    found = tuple(dict.fromkeys(words(value)))
    for origin in found:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin: write https://shop.example, without a path, or *")
    return found


def moment(value: Any) -> Any:
    """A date (its first instant in UTC) or an RFC 3339 time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("is neither a date (2015-01-01) nor an RFC 3339 time") from None
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def text(value: Any) -> str:
    """A value as the text of its variable."""
    if isinstance(value, dict):
        return ",".join(f"{key}={value[key]}" for key in sorted(value))
    if value == frozenset():
        return "none"  # an empty variable would be an unset one, and mean the default
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def masked_url(text: str) -> str:
    """The URL without user and password: where Redis is helps whoever reads it, the password helps nobody."""
    parts = urlsplit(text)
    _, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=(f"{MASK}@" if at else "") + host, query=""))


def _pairs(value: Any, form: str) -> Mapping[str, str]:
    return dict(_pair(part, form) for part in words(value)) if isinstance(value, str) else value


def _pair(text: str, form: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not {form}")
    return left.strip(), right.strip()
