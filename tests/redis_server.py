"""Which Redis do tests run against? Debian's redis-server: older than any Valkey, and built with TLS, unlike Valkey's wheel.

secure_redis    one of this test's own that speaks TLS alone and has the users of docs/redis-users.acl, read from an aclfile
make_redis      more of them, with certificates and passwords of the test
"""

import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from consumers.local.servers import HOST, Missing
from tests.secure import Certificates
from tests.servers import Valkey, as_command, empty_stores
from tests.stream.store.acl import acl_lines

PASSWORDS = {user: f"password-of-{user}" for user in ("worker", "reader", "admin", "operator")}
# Who may everything; the tests alone have such a user.
OWNER = "owner"
_PASSWORD = "password-of-owner"


class SecureRedis(Valkey):
    """A Redis behind closed doors: `url_of` a user, with `trust` as more options of the store. `ask` asks as OWNER.

    Certificates of clients are not asked for, unless CONFIG SET tls-auth-clients says so.
    """

    name = "Redis"

    def __init__(
        self,
        directory: Path,
        certificates: Certificates,
        *options: str,
        passwords: Mapping[str, str] = PASSWORDS,
        more_users: Sequence[str] = (),
    ) -> None:
        self.certificates, self._passwords, self._more_users = certificates, passwords, more_users
        super().__init__(directory, *options)
        self.trust = {"ssl_ca_certs": str(certificates.ca)}

    def _binary(self) -> Path:
        binary = shutil.which("redis-server")
        if binary is None:
            raise Missing("redis-server is not installed (apt-get install redis-server)")
        return Path(binary)

    def url_of(self, user: str) -> str:
        """Where and as whom."""
        return f"rediss://{self.login(user)}@{HOST}:{self.port}/0"

    def login(self, user: str) -> str:
        """A user and the password, as a URL has them."""
        return f"{user}:{_PASSWORD if user == OWNER else self._passwords[user]}"

    def _options(self, directory: Path, port: int) -> Sequence[str]:
        users = directory / "users.acl"
        owner = f"user {OWNER} on >{_PASSWORD} ~* &* +@all"
        users.write_text("\n".join((*acl_lines(self._passwords), *self._more_users, owner)) + "\n")
        pem = self.certificates.server_pem()
        said = {
            "dir": directory,
            "port": 0,
            "tls-port": port,
            "tls-auth-clients": "no",
            "tls-ca-cert-file": self.certificates.ca,
            "tls-cert-file": pem,
            "tls-key-file": pem,
            "aclfile": users,
        }
        return [word for name, value in said.items() for word in (f"--{name}", str(value))]

    def _connected(self) -> socket.socket:
        plain = super()._connected()
        try:
            connection = self.certificates.trusting().wrap_socket(plain, server_hostname=HOST)
        except OSError:
            plain.close()
            raise
        connection.sendall(as_command("AUTH", OWNER, _PASSWORD))
        assert connection.recv(5) == b"+OK\r\n"
        return connection


@pytest.fixture
def make_redis(tmp_path: Path) -> Iterator[Callable[..., SecureRedis]]:
    """Starts an empty one: `make_redis(certificates, passwords={...})`."""
    with empty_stores(tmp_path, "redis") as start:
        yield lambda certificates, passwords=PASSWORDS: start(
            lambda directory: SecureRedis(directory, certificates, passwords=passwords)
        )


@pytest.fixture
def secure_redis(make_redis: Callable[..., SecureRedis], tmp_path: Path) -> SecureRedis:
    """One for this test alone, with a CA of its own."""
    return make_redis(Certificates(tmp_path))
