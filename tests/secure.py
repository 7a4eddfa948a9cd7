"""Who vouches for the servers of a test and for who comes to them, and which users does Kafka know? A CA, certificates, rights."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterable
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

HOST = "127.0.0.1"
USER, PASSWORD = "retention", "a-password-of-kafka"
# Users who may only what docs/security.md says of their roles, once `allow` was called for the topics of a test.
USERS = {USER: PASSWORD} | {
    user: f"a-password-of-kafka-{user}" for user in ("worker", "collector", "api", "operator")
}


class Certificates:
    """A CA of this directory alone, and what it vouches for."""

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA()
        self._server = self._ca.issue_cert(HOST)  # not localhost, so that a test can ask for another name
        self.ca = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca))
        self.stranger = directory / "stranger.pem"  # a CA that vouches for nobody here
        trustme.CA().cert_pem.write_to_path(str(self.stranger))
        self._directory = directory

    def trusting(self) -> ssl.SSLContext:
        """The context of who trusts this CA."""
        return ssl.create_default_context(cafile=self.ca)

    def server_pem(self) -> Path:
        """Key and certificates of the server as Kafka wants them: one file, the key as PKCS#8. Redis takes them as well."""
        return self._written("server.pem", self._server)

    def client_pem(self) -> Path:
        """The same for who comes to a server that wants to know."""
        return self._written("client.pem", self._ca.issue_cert("client@retention.example"))

    def _written(self, name: str, cert: trustme.LeafCert) -> Path:
        key = load_pem_private_key(cert.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self._directory / name
        file.write_bytes(pem + b"".join(one.bytes() for one in cert.cert_chain_pems))
        return file


def kafka_listener(certificates: Certificates) -> str:
    """The lines of a broker's configuration for a listener SECURE: TLS, and users known by SCRAM."""
    name = "listener.name.secure"
    return f"""
{name}.ssl.keystore.type=PEM
{name}.ssl.keystore.location={certificates.server_pem()}
{name}.sasl.enabled.mechanisms=SCRAM-SHA-512
{name}.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
"""


def scram_users() -> list[str]:
    """The words with which `kafka-storage format` makes the users."""
    return [
        word
        for user, password in USERS.items()
        for word in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
    ]


def allow(port: int, rights: Iterable[tuple[str, str, str, str]]) -> None:
    """Gives rights: (user, operation, kind of resource, name). What has rights at all is then closed to all others."""
    kinds, operations = {"topic": 2, "group": 3}, {"read": 3, "write": 4, "describe": 8}

    def text(said: str) -> bytes:
        return struct.pack(f">h{len(said)}s", len(said), said.encode())

    made = [
        struct.pack(">b", kinds[kind]) + text(name) + struct.pack(">b", 3)  # the name as it is, no prefix
        + text(f"User:{user}") + text("*") + struct.pack(">bb", operations[operation], 3)  # from anywhere: allowed
        for user, operation, kind, name in rights
    ]  # fmt: skip
    body = struct.pack(">hhi", 30, 1, 1) + text("test") + struct.pack(">i", len(made)) + b"".join(made)
    with socket.create_connection((HOST, port), 20) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        answer = connection.makefile("rb")
        _correlation, _throttle, count = struct.unpack(">iii", answer.read(16)[4:])
        for _ in range(count):
            code, length = struct.unpack(">hh", answer.read(4))
            assert code == 0, answer.read(max(0, length))
