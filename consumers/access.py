"""Who shows a key, and which apps does it open? Keys of apps as the settings name them, and bearer tokens of requests.

`shop=KEY,game=KEY,*=KEY`, parted by commas or new lines. An app may have several keys, so that a new one can be handed out before
the old one goes. Kept are keyed digests only, under a key that this process drew: looking one up takes the same time whatever was
shown, and nothing that prints a `Keys` prints a key.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Self

from stream.events.schema import APP_ID

EVERY_APP = "*"
KEYS_MAX = 10_000
KEY_CHARACTERS_MAX = 256
# A shorter one can be guessed; it is taken, and `retention config` and `retention doctor` say so.
KEY_CHARACTERS_MIN = 16
_KEY = re.compile(rf"[!-+\--~]{{1,{KEY_CHARACTERS_MAX}}}")  # printable ASCII, no space, no comma

Grant = frozenset[str]  # of app ids, or of EVERY_APP


class Keys:
    """The keys of one kind. False where there are none: then nobody is asked for one."""

    def __init__(self, grants: Mapping[str, Grant]) -> None:
        self._drawn = secrets.token_bytes(32)
        self._grants = {self._digest(key): grant for key, grant in grants.items()}

    @classmethod
    def parse(cls, text: str, *, one_app: bool = False) -> Self:
        """The keys that a setting names. With `one_app` a key names exactly one app, so neither `*` nor a key of two.

        Raises ValueError, which says which entry is wrong and never what stands in it.
        """
        grants: dict[str, Grant] = {}
        entries = _entries(text)
        if len(entries) > KEYS_MAX:
            raise ValueError(f"{len(entries)} keys are more than {KEYS_MAX}")
        for number, (app, key) in enumerate(entries, 1):
            every = app == EVERY_APP and not one_app
            if not (every or APP_ID.fullmatch(app)) or not _KEY.fullmatch(key):
                kinds = "app=key" if one_app else "app=key or *=key"
                raise ValueError(f"entry {number} is not {kinds} (letters, digits and signs, no space)")
            grants[key] = grants.get(key, frozenset()) | {app}
            if one_app and len(grants[key]) > 1:
                raise ValueError(f"entry {number} gives the key of another app: a key names one app")
        return cls(grants)

    def grant(self, shown: str | None) -> Grant | None:
        """The apps that the key opens (see `opens`); None for a key that is none of ours, and for no key."""
        return None if shown is None else self._grants.get(self._digest(shown))

    def app(self, shown: str | None) -> str | None:
        """The app that a key of `one_app` names; None for a key that is none of ours, and for no key."""
        grant = self.grant(shown)
        return None if grant is None else next(iter(grant))

    def __bool__(self) -> bool:
        return bool(self._grants)

    def _digest(self, key: str) -> bytes:
        return hmac.digest(self._drawn, key.encode("utf-8", "surrogateescape"), hashlib.sha256)


def _entries(text: str) -> list[tuple[str, str]]:
    parts = [entry.partition("=") for entry in re.split(r"[,\n]", text) if entry.strip()]
    return [(app.strip(), key.strip()) for app, _, key in parts]


def key_for(text: str, app: str | None) -> str | None:
    """A key of the setting that opens the app (any app, for None); None where there is none."""
    return next((key for name, key in _entries(text) if app is None or name in (app, EVERY_APP)), None)


def short(text: str) -> list[str]:
    """The apps of a setting that have a key which can be guessed."""
    return sorted({app for app, key in _entries(text) if len(key) < KEY_CHARACTERS_MIN})


def opens(grant: Grant, app: str) -> bool:
    """Whether a grant lets its owner at the app."""
    return app in grant or EVERY_APP in grant


def bearer(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer TOKEN` header; None for anything else."""
    scheme, _, token = (header or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def unopened(shown: str | None, kind: str) -> str:
    """Why a door stays shut: no key was shown, or one that is none of a kind, as "the admin key"; never which."""
    return (
        f"show {kind}: Authorization: Bearer KEY"
        if shown is None
        else f"the key that was shown is not {kind}"
    )


def same(shown: str | None, key: str) -> bool:
    """Whether the key was shown, compared in constant time; never where there is no key."""
    given = (shown or "").encode("utf-8", "surrogateescape")
    return bool(key) and hmac.compare_digest(given, key.encode())
