"""Which ports does a run of `retention up` use, when others may start at the same moment?

Its processes listen only some seconds after their ports were chosen, so a port that is free may be promised already. A promise is a
locked file in the machine's folder for temporary files; it ends with the process that made it, however that ends.
"""

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path

from consumers.local.servers import HOST, free_port, is_free

_TRIES_MAX = 100
_promised: dict[int, int] = {}  # port -> the open file that holds its lock, for as long as this process lives


def claimed_port(preferred: int = 0, host: str = HOST) -> int:
    """The preferred port when it is free and promised to nobody, else any such one; promised to this process from now on."""
    if preferred and claim(preferred, host):
        return preferred
    for _ in range(_TRIES_MAX):
        port = free_port(0, host)
        if claim(port, host):
            return port
    raise OSError(f"no free port on {host} in {_TRIES_MAX} tries")


def claim(port: int, host: str = HOST) -> bool:
    """Whether the port is free and was promised to nobody; then it is promised to this process. OSError as is_free()."""
    if port in _promised or not is_free(port, host):
        return False
    folder = Path(tempfile.gettempdir()) / f"retention-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _promised[port] = lock
        return True
    os.close(lock)
    return False
