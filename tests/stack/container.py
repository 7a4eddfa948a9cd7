"""How does one container live? A process in namespaces of its own, started, asked about its health, and stopped as Docker would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import psutil

from consumers.local.supervisor import tied
from tests.stack.composed import Health, Mount, Service
from tests.stack.images import Image
from tests.stack.network import Network

_INSIDE = Path(__file__).with_name("inside.py")


class Container:
    """One running instance of a service.

    Args:
        service, image: what is started, and what stands for its image.
        folder: where its root, its log and its scratch files are.
        volumes: where named volumes are; they outlive the container.
    """

    def __init__(self, service: Service, image: Image, network: Network, folder: Path, volumes: Path) -> None:
        self.service, self.folder = service, folder
        self.log = folder / "log"
        self._network = network
        self._well, self._ask_at = False, 0.0
        self._user = [int(part) for part in (service.user or image.user).split(":")]
        self._environment = image.environment | service.environment
        spec = folder / "spec.json"
        spec.write_text(json.dumps(self._spec(image, volumes)))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tied(
                    [
                        *("/usr/bin/unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL"),
                        *(sys.executable, "-I", "-S", str(_INSIDE), str(spec)),
                    ]
                ),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                text=True,
            )
        self.address = network.join(self._process.pid, service.name)
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.close()

    @property
    def pid(self) -> int:
        """The first process inside, seen from outside; LookupError when there is none yet, or none any more."""
        try:
            return psutil.Process(self._process.pid).children()[0].pid
        except (psutil.Error, IndexError):
            raise LookupError(f"{self.service.name} does not run") from None

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def wait(self, timeout_seconds: float) -> int:
        """Until it has ended by itself; its code."""
        return self._process.wait(timeout_seconds)

    def run(
        self, *command: str, said: str = "", timeout_seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """As `docker compose exec`: another command in the container, under its user; `said` is its standard input."""
        user, group = self._user
        return subprocess.run(
            [
                *("/usr/bin/nsenter", "--target", str(self.pid), "--net", "--mount", "--pid", "--root"),
                *("--wd", f"--setuid={user}", f"--setgid={group}", "--", *command),
            ],
            input=said,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=timeout_seconds,
            check=False,
        )

    def healthy(self) -> bool:
        """Whether its own health check said so when it was last asked; it is asked again after its interval."""
        health = self.service.health
        if health is None or self.code is not None:
            return self.code is None
        if time.monotonic() >= self._ask_at:
            self._well = self._asked(health)
            self._ask_at = time.monotonic() + health.interval_seconds
        return self._well

    def _asked(self, health: Health) -> bool:
        try:
            return self.run(*health.test, timeout_seconds=health.timeout_seconds).returncode == 0
        except (subprocess.TimeoutExpired, LookupError):
            return False

    def resident_bytes(self) -> int:
        """What its processes hold in memory."""
        first = psutil.Process(self.pid)
        return sum(one.memory_info().rss for one in [first, *first.children(recursive=True)])

    def stop(self) -> int:
        """SIGTERM, then SIGKILL when the grace period is over; its code (-9 when it had to be killed)."""
        killed = False
        if self.code is None:
            os.kill(self.pid, signal.SIGTERM)
            try:
                self._process.wait(self.service.grace_seconds)
            except subprocess.TimeoutExpired:
                killed = True
        self.kill()
        return -9 if killed else int(self._process.returncode)

    def kill(self) -> None:
        """SIGKILL, as when the machine fails; harmless when it has ended."""
        with contextlib.suppress(LookupError, ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)  # and with the first process of a namespace all others of it
        self.let_go()
        self._network.forget(self.service.name, self.address)

    def let_go(self) -> None:
        """Ends what started the container, and leaves it to the container to notice."""
        self._process.kill()
        self._process.wait()

    def tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-3000:]

    def _spec(self, image: Image, volumes: Path) -> dict[str, object]:
        service = self.service
        mounts = [*image.mounts, *(self._placed(mount, image, volumes) for mount in service.mounts)]
        for name, text in self._files().items():
            (self.folder / name).write_text(text)
            mounts.append(Mount("bind", str(self.folder / name), f"/etc/{name}", True))
        return {
            "base": str(self.folder),
            "workdir": image.workdir,
            "user": self._user,
            "drop_all": service.raw.get("cap_drop") == ["ALL"],
            "command": [*(service.entrypoint or image.entrypoint), *(service.command or image.command)],
            "environment": self._environment,
            "mounts": [asdict(mount) for mount in mounts],
            "tmpfs": service.tmpfs,
            "read_only": service.read_only,
        }

    def _placed(self, mount: Mount, image: Image, volumes: Path) -> Mount:
        if mount.kind != "volume":
            return mount
        place = volumes / mount.source
        if not place.exists():
            place.mkdir(parents=True)
            if mount.target in image.owned:  # a new volume gets the owner of the image's folder
                os.chown(place, *self._user)
        return Mount("bind", str(place), mount.target, mount.read_only)

    def _files(self) -> dict[str, str]:
        return {
            "resolv.conf": f"nameserver {self._network.gateway}\n",
            "hosts": "127.0.0.1 localhost\n",
            "hostname": f"{self.service.name}\n",
        }
