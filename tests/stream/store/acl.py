"""Which users does a server of a test have? Those that the pages give, word for word, with the passwords of the test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.servers import Valkey

DOCS = Path(__file__).parents[3] / "docs"
FILE = DOCS / "redis-users.acl"


def acl_lines(passwords: Mapping[str, str]) -> list[str]:
    """The file; first the line that lets nobody in without a user."""
    lines = FILE.read_text().splitlines()
    users = [line.split()[1] for line in lines[1:]]
    assert passwords.keys() == set(users), f"the users are {users}"
    for user in users:
        lines = [line.replace(f"PASSWORD-OF-{user.upper()}", passwords[user]) for line in lines]
    return lines


def replica_line(password: str) -> str:
    """The user as whom a replica comes to its master: it stands in docs/security.md, and has no place in the file of the roles."""
    found = re.search(r"^    (user replica .*)$", (DOCS / "security.md").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].replace("PASSWORD-OF-REPLICA", password)


def redis_users(valkey: Valkey, **passwords: str) -> None:
    """Gives the server the users of the file; nobody else gets in any more."""
    default, *users = acl_lines(passwords)
    for line in (*users, default):
        assert valkey.ask("ACL", "SETUSER", *line.split()[1:]) == "+OK\r\n", line
