"""Who vouches for the servers of a test, and how do servers that know no TLS get it? A CA, certificates, a TLS end before a port.

The Valkey of the tests is built without TLS, so a proxy of a few lines ends TLS before it, as stunnel does. Apache Kafka ends it
itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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

    def server_context(self) -> ssl.SSLContext:
        """What a server of ours shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.configure_cert(context)
        return context

    def server_pem(self) -> Path:
        """Key and certificates of the server as Kafka wants them: one file, the key as PKCS#8."""
        key = load_pem_private_key(self._server.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self._directory / "server.pem"
        file.write_bytes(pem + b"".join(one.bytes() for one in self._server.cert_chain_pems))
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


@contextmanager
def tls_end(port: int, certificates: Certificates) -> Iterator[int]:
    """A port that speaks TLS and hands what it hears to another port of this machine; from a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connections: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        task.add_done_callback(connections.discard)
        inner_reader, inner_writer = await asyncio.open_connection(HOST, port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    async def start() -> asyncio.Server:
        loop.set_exception_handler(lambda *_: None)  # a client that distrusts us is what some tests want
        return await asyncio.start_server(serve, HOST, 0, ssl=certificates.server_context())

    async def stop(server: asyncio.Server) -> None:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    yield int(server.sockets[0].getsockname()[1])
    asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
