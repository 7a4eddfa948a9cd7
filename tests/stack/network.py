"""How do containers find each other by name? One bridge in a network of its own, and a name server that knows who runs.

Everything hangs on one process that holds the network and dies with the tests, so nothing stays behind however they end.
"""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import threading
from pathlib import Path
from uuid import uuid4

from consumers.local.supervisor import tied
from tests.waiting import wait_until_now

_A, _IN, _NO_SUCH_NAME = 1, 1, 3


class Network:
    """A bridge at 10.x.y.0/24. This process stands at .1, where the name server answers too."""

    def __init__(self) -> None:
        dice = random.Random(uuid4().int)
        self._net = f"10.{dice.randrange(64, 255)}.{dice.randrange(1, 255)}"
        self._hosts = 1
        self._names: dict[str, list[str]] = {}
        self._door = f"rt{uuid4().hex[:8]}"
        self._holder = subprocess.Popen(
            tied(["/usr/bin/unshare", "--net", "/bin/sleep", "infinity"]), stdin=subprocess.DEVNULL
        )
        wait_until_now(lambda: self._elsewhere(self._holder.pid), 10, what="a network of our own")
        ip("link", "add", self._door, "type", "veth", "peer", "name", "door", "netns", str(self._holder.pid))
        self._inside("link", "add", "bridge", "type", "bridge", "forward_delay", "0")
        self._inside("link", "set", "dev", "door", "master", "bridge", "up")
        self._inside("link", "set", "dev", "bridge", "up")
        ip("address", "add", f"{self.gateway}/24", "dev", self._door)
        ip("link", "set", "dev", self._door, "up")
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.bind((self.gateway, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def gateway(self) -> str:
        """Our own address."""
        return f"{self._net}.1"

    def join(self, pid: int, name: str) -> str:
        """Plugs the network namespace of a process in, under this name; its address."""
        wait_until_now(lambda: self._elsewhere(pid), 10, what=f"the network namespace of {name}")
        self._hosts += 1
        address, plug = f"{self._net}.{self._hosts}", f"c{self._hosts}"
        self._inside("link", "add", plug, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        self._inside("link", "set", "dev", plug, "master", "bridge", "up")
        ip("address", "add", f"{address}/24", "dev", "eth0", pid=pid)
        for device in ("lo", "eth0"):
            ip("link", "set", "dev", device, "up", pid=pid)
        self.name(name, address)
        return address

    def name(self, name: str, address: str) -> None:
        """Gives the name one more address."""
        self._names.setdefault(name, []).append(address)

    def forget(self, name: str, address: str) -> None:
        """Takes the address from the name; harmless to repeat."""
        self._names[name] = [one for one in self._names[name] if one != address]

    def close(self) -> None:
        """Ends the network, and all that is left in it."""
        self._server.close()
        self._holder.kill()
        self._holder.wait()

    def _inside(self, *words: str) -> None:
        ip(*words, pid=self._holder.pid)

    @staticmethod
    def _elsewhere(pid: int) -> bool:
        return Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()

    def _serve(self) -> None:
        while True:
            try:
                question, sender = self._server.recvfrom(512)
                self._server.sendto(answer(question, self._names), sender)
            except OSError:
                return


def answer(question: bytes, names: dict[str, list[str]]) -> bytes:
    """What the name server says to a datagram: every address of the name, or that there is no such name."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    kind, _ = struct.unpack(">HH", question[at + 1 : at + 5])
    known = names.get(".".join(labels).lower(), [])
    found = known if kind == _A else []
    flags = 0x8580 | (0 if known else _NO_SUCH_NAME)  # an answer, with authority
    head = question[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", _A, _IN, 0, 4) + socket.inet_aton(address) for address in found
    )
    return head + question[12 : at + 5] + records


def ip(*words: str, pid: int | None = None) -> None:
    """The command `ip`, in the network of a process."""
    inside = ["nsenter", "--target", str(pid), "--net"] if pid is not None else []
    done = subprocess.run([*inside, "ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
