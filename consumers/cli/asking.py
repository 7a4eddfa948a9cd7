"""How does a command ask the HTTP API? Where it is, the answer of a path, and what it refuses, said of the options at fault."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from ssl import SSLCertVerificationError, SSLError
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request

import typer

from consumers.access import key_for
from consumers.cli import patience
from consumers.reaching import reached_url
from consumers.setting_sources import running
from consumers.settings import Settings, load, variable

TIMEOUT_SECONDS = 60
_KEY_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def base_url(settings: Settings) -> str:
    """Where the API is: the running `retention up` of the data directory, else RETENTION_HTTP_HOST and _PORT."""
    said = running(settings.data_dir).get("http")
    return (said or reached_url(settings.http_host, settings.http_port)).rstrip("/")


def asked_of(
    url: str | None, path: str, parameters: Mapping[str, Any], *, app: str | None = None
) -> dict[str, Any]:
    """The answer of a path; parameters without a value are left out. BadParameter where the API refuses what was asked.

    `app` says whose key to show where that is no parameter.
    """
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    settings = load(agree=False)  # the API counts as it does, and may be another than that of `up`
    base = base_url(settings) if url is None else checked(url)
    return fetched(
        f"{base}{path}?{urlencode(given)}", tuple(parameters), api_key(settings, app or given.get("app"))
    )


def api_key(settings: Settings, app: str | None) -> str | None:
    """The key that is shown: the one of this terminal, else one of the API's own where its settings are here."""
    return settings.api_key.get_secret_value() or key_for(settings.read_keys.get_secret_value(), app)


def checked(url: str, option: str = "--url", example: str = "http://127.0.0.1:8080") -> str:
    """A base URL as it was given."""
    if not re.match(r"https?://[^/\s]+", url):
        raise typer.BadParameter(f"{url!r} is no URL: write it like {example}", param_hint=option)
    return url.rstrip("/")


def conditions(where: list[str]) -> str:
    """The `where` parameter: values percent-encoded inside, so that a comma or colon in one is part of it."""
    parts = []
    for one in where:
        name, colon, value = one.partition(":")
        if not colon or not name or not value:
            raise typer.BadParameter(f"{one!r} is not NAME:VALUE", param_hint="--where")
        parts.append(f"{name}:{quote(value, safe='')}")
    return ",".join(parts)


def fetched(url: str, options: tuple[str, ...], key: str | None = None) -> dict[str, Any]:
    """The JSON answer of a URL; ValueError with the API's own sentence when it refuses."""
    base = url.split("/api/")[0]
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 the scheme is ours or the user's own
    if key:
        request.add_unredirected_header("Authorization", f"Bearer {key}")  # nobody else gets to see it
    try:
        with patience.opener().open(request, timeout=TIMEOUT_SECONDS) as response:
            return dict(json.load(response))
    except HTTPError as error:
        if error.code == HTTPStatus.BAD_REQUEST:
            raise _usage(_detail(error), options) from None
        hint = f" ({variable('api_key')} holds it)" if error.code in _KEY_REFUSED else ""
        raise ValueError(_detail(error) + hint) from None
    except (URLError, HTTPException, OSError) as error:
        raise ValueError(
            f"no answer from {base} ({_silence(error)}); start `retention up` or `retention api`, give --url, "
            f"or set {variable('data_dir')} to the --data-dir of an `up` that runs"
        ) from None
    except ValueError:
        raise ValueError(f"what answers at {base} is not the API: its answer is no JSON") from None


def _silence(error: Exception) -> str:
    """Why there is no answer, without the numbers and names of errors."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, SSLCertVerificationError):
        return f"its certificate is not trusted: {reason.verify_message}"
    if isinstance(reason, SSLError):
        return "it does not speak TLS as we do; http:// is without"
    if isinstance(reason, TimeoutError):
        is_silent = isinstance(reason, patience.Silent)
        seconds = patience.SILENCE_SECONDS_MAX if is_silent else TIMEOUT_SECONDS
        return f"nothing came within {seconds:g} s"
    if isinstance(reason, HTTPException):
        return "what listens there does not speak HTTP"
    return (getattr(reason, "strerror", None) or str(reason)).lower()


def _usage(detail: str, options: tuple[str, ...]) -> typer.BadParameter:
    """What the API says of a parameter, said of the option that gave it."""
    foreign = re.match(r"there is no parameter '(\w+)' here; the parameters are (.*)", detail)
    if foreign is not None:
        others = ", ".join(_option(name) for name in foreign[2].split(", "))
        return typer.BadParameter(f"not for this view; it knows {others}", param_hint=_option(foreign[1]))
    if detail.startswith("a, b: "):
        # The API's example is a query string; here the same choice is made by options.
        return typer.BadParameter(
            f"{detail.removeprefix('a, b: ').split(', as in ')[0]}, as in --a A --b B or --variants A,B,C; "
            "`retention report --breakdown variant` shows which there are",
            param_hint="--a, --b",
        )
    named = re.match(rf"({'|'.join(options)})(=|: )", detail)
    if named is None:
        return typer.BadParameter(detail)
    return typer.BadParameter(detail[named.end() :], param_hint=_option(named[1]))


def _option(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")


def _detail(error: HTTPError) -> str:
    try:
        problem = json.loads(error.read())
        return str(problem.get("detail") or problem["title"])
    except (ValueError, KeyError, AttributeError):
        return f"the API answered {error.code} {error.reason}"
