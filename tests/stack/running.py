"""How is the whole file brought up without a container engine? In the order of its dependencies, each service once it may start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers import missing
from tests.stack.composed import Service
from tests.stack.container import Container
from tests.stack.images import NotHere, image
from tests.stack.network import Network
from tests.waiting import wait_until_now

_STARTED, _HEALTHY, _COMPLETED = "service_started", "service_healthy", "service_completed_successfully"


class Stack:
    """Services that run, by name. `with Stack(services, folder) as stack: stack.up()`."""

    def __init__(self, services: Mapping[str, Service], folder: Path) -> None:
        needs_namespaces()
        self.services, self.folder = services, folder
        self.network = Network()
        self.running: dict[str, list[Container]] = {}
        self.absent: list[str] = []  # services that no program of this machine can stand for
        self.started: dict[str, float] = {}  # seconds until a service was healthy
        self._began = time.monotonic()
        self._made = 0

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *error: object) -> None:
        for container in self._all():
            container.kill()
        self.network.close()

    def up(self, scale: Mapping[str, int] | None = None) -> None:
        """Starts what does not run yet, and returns when every service is healthy or has done its work."""
        waiting = [name for name in self.services if name not in self.running]
        deadline = time.monotonic() + 100
        while waiting:
            able = [name for name in waiting if self._may_start(self.services[name])]
            for name in able:
                self._start(name, (scale or {}).get(name, 1))
                waiting.remove(name)
            self._look()
            assert time.monotonic() < deadline, f"{waiting} wait for {self._unwell()}:\n{self.tails()}"
            time.sleep(0.05)
        wait_until_now(
            self._all_well, max(1.0, deadline - time.monotonic()), what=f"healthy, {self._unwell()}"
        )

    def one(self, name: str) -> Container:
        """The first container of a service."""
        return self.running[name][0]

    def url(self, name: str, port: int) -> str:
        """Where a port of a service is reached from here."""
        return f"http://{self.one(name).address}:{port}"

    def scale(self, name: str, copies: int) -> None:
        """Starts so many containers of a service that was halted; returns when they are healthy."""
        self.started.pop(name, None)
        self._start(name, copies)
        wait_until_now(lambda: self._well(name), 60, what=f"{name} healthy")

    def again(self, name: str) -> None:
        """Stops every container of a service and starts new ones on its volumes; returns when they are healthy."""
        copies = len(self.running[name])
        self.halt(name)
        self.scale(name, copies)

    def halt(self, name: str) -> None:
        """Stops every container of a service."""
        for container in self.running[name]:
            container.stop()
        self.running[name] = []

    def down(self) -> dict[str, int]:
        """Ends everything in an order in which nobody misses anybody; the codes."""
        codes: dict[str, int] = {}
        for name in reversed(list(self.running)):
            for container in self.running[name]:
                if container.code is None:
                    codes[name] = container.stop()
        return codes

    def _start(self, name: str, copies: int) -> None:
        self.running[name] = []
        try:
            for _ in range(copies):
                self.beside(self.services[name])
        except NotHere:
            self.absent.append(name)

    def beside(self, service: Service) -> Container:
        """One more container of a service, as it is given."""
        self._made += 1
        folder = self.folder / f"{self._made:02d}-{service.name}"
        (folder / "scratch").mkdir(parents=True)
        stand_in = image(service.repository, folder / "scratch")
        container = Container(service, stand_in, self.network, folder, self.folder / "volumes")
        self.running.setdefault(service.name, []).append(container)
        return container

    def _may_start(self, service: Service) -> bool:
        return all(
            other not in self.services or (other in self.running and self._is(other, condition))
            for other, condition in service.after.items()
        )

    def _is(self, name: str, condition: str) -> bool:
        containers = self.running[name]
        if condition == _COMPLETED:
            return all(one.code == 0 for one in containers)
        return condition == _STARTED or self._well(name)

    def _well(self, name: str) -> bool:
        if self.services[name].once:
            return all(one.code in (None, 0) for one in self.running[name])
        if name not in self.started and all(one.healthy() for one in self.running[name]):
            self.started[name] = time.monotonic() - self._began
        return name in self.started

    def _look(self) -> None:
        for name, containers in self.running.items():
            for one in containers:
                done = one.code is None or (one.code == 0 and self.services[name].once)
                assert done, f"{name} ended with {one.code}:\n{one.tail()}"

    def _all_well(self) -> bool:
        self._look()
        return not self._unwell()

    def _unwell(self) -> list[str]:
        return [
            name
            for name in self.running
            if name not in self.absent
            and not self._is(name, _COMPLETED if self.services[name].once else _HEALTHY)
        ]

    def tails(self) -> str:
        """The end of what everybody wrote."""
        return "\n".join(f"--- {one.service.name}\n{one.tail()}" for one in self._all())

    def _all(self) -> Sequence[Container]:
        return [one for containers in self.running.values() for one in containers]


def needs_namespaces() -> None:
    """Ends the test on machines that cannot stand in for a container engine."""
    if sys.platform != "linux" or os.geteuid() != 0:
        missing("the stack needs namespaces: Linux and root")
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "ip", "link"], capture_output=True, check=False
    )
    if tried.returncode != 0:
        missing(f"the stack needs namespaces and iproute2: {tried.stderr.decode().strip()}")
