"""Which users does a Valkey of a test have? Those of docs/redis-users.acl, word for word, with the passwords of the test."""

from __future__ import annotations

from pathlib import Path

from tests.servers import Valkey

FILE = Path(__file__).parents[3] / "docs" / "redis-users.acl"


def redis_users(valkey: Valkey, **passwords: str) -> None:
    """Gives the server the users of the file; nobody else gets in any more."""
    default, *users = FILE.read_text().splitlines()
    for line in users:
        words = line.split()[1:]
        assert words[0] in passwords, f"the test knows no user {words[0]}"
        said = [w.replace(f"PASSWORD-OF-{words[0].upper()}", passwords[words[0]]) for w in words]
        assert valkey.ask("ACL", "SETUSER", *said) == "+OK\r\n", line
    assert valkey.ask("ACL", "SETUSER", *default.split()[1:]) == "+OK\r\n"
