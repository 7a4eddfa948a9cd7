"""What does `retention up` keep on disk, and who may use it?

lock             held while `up` runs; says which process holds it
user-id-secret   made once, readable by its owner only: the numbers belong to it
valkey/          the numbers
logs/            what the processes wrote in this run (*.log) and in the one before (*.log.1)
up.json          where this run listens and how it counts, for other commands; gone when it has stopped
"""

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import Any

from consumers.setting_sources import SECRET_FILE, UP_FILE


class InUse(OSError):
    """Another `retention up` has this data directory; the text is one line."""


class DataDir:
    """A data directory that belongs to this process until `close`. Made when it does not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._locked()
        self.logs = self._folder("logs")
        self.store = self._folder("valkey")
        self.forget()  # what a killed run has left

    def secret(self) -> str:
        """The key of user ids, made at the first call ever."""
        file = self.path / SECRET_FILE
        if not file.exists():
            write_atomically(file, secrets.token_hex(32) + "\n")
        return file.read_text().strip()

    def log(self, name: str) -> Path:
        """A fresh log file; that of the run before is kept beside it."""
        file = self.logs / f"{name}.log"
        if file.exists():
            file.replace(file.with_suffix(".log.1"))
        file.touch(mode=0o600)
        return file

    def announce(self, where: dict[str, str]) -> None:
        """Says to other commands where this run listens and how it counts."""
        write_json(self.path / UP_FILE, where)

    def forget(self) -> None:
        """Takes back what `announce` said."""
        (self.path / UP_FILE).unlink(missing_ok=True)

    def close(self) -> None:
        """Lets go of the directory."""
        self.forget()
        os.close(self._lock)

    def _folder(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _locked(self) -> int:
        file = self.path / "lock"
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(lock, 100).decode(errors="replace").strip()
            os.close(lock)
            raise InUse(
                f"{self.path} is in use by another `retention up` (process {holder or 'unknown'}); "
                "stop that one, or choose another directory with --data-dir"
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        return lock


def write_json(file: Path, value: dict[str, Any]) -> None:
    """Writes JSON so that a reader sees all of it or nothing."""
    write_atomically(file, json.dumps(value) + "\n")


def write_atomically(file: Path, text: str) -> None:
    """Writes a file, for its owner only, so that a reader, also one after a power cut, sees all of it or nothing."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
