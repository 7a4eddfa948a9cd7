"""How does a process become the first one of a container? A program: `python -I inside.py SPEC.json`, as root, in new namespaces.

The root of the container is this machine's, seen through an overlay: what is written goes elsewhere, what the image would bring and
what the service mounts is laid over it. Then everything is given up that the service gives up: user, capabilities, a writable root.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, CAPABILITIES = 1, 24, 38, 64


def main() -> None:
    """Builds the root, waits until the network is plugged in, and becomes the service."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    root = _root(spec)
    assert sys.stdin.readline() == "go\n", "whoever started this has ended"
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chroot(root)
    os.chdir(spec["workdir"])
    _give_up(*spec["user"], spec["drop_all"])
    os.execvpe(spec["command"][0], spec["command"], spec["environment"])


def _root(spec: dict) -> str:
    base = Path(spec["base"])
    root = base / "root"
    for folder in ("root", "upper", "work"):
        (base / folder).mkdir()
    _mount(
        "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={base}/upper,workdir={base}/work", str(root)
    )
    _mount("-t", "proc", "proc", f"{root}/proc")
    _mount("--rbind", "/dev", f"{root}/dev")
    _mount("-t", "tmpfs", "tmpfs", f"{root}/run")
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}/tmp")
    for entry in spec["tmpfs"]:
        target, _, options = entry.partition(":")
        Path(f"{root}{target}").mkdir(parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", options or "mode=1777", "tmpfs", f"{root}{target}")
    # After them: the tests themselves may stand below /tmp.
    for mount in spec["mounts"]:
        _bind(root, Path(mount["source"]), mount["target"], mount["read_only"])
    if spec["read_only"]:
        if not any(entry.partition(":")[0] == "/tmp" for entry in spec["tmpfs"]):
            _mount("-o", "remount,ro", f"{root}/tmp")
        _mount("-o", "remount,ro", f"{root}/run")
        _mount("-o", "remount,ro", str(root))
    return str(root)


def _bind(root: Path, source: Path, target: str, read_only: bool) -> None:
    place = Path(f"{root}{target}")
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    for folder in place.parents:
        if folder == root:
            break
        folder.chmod(
            folder.stat().st_mode | 0o111
        )  # in the overlay: what is mounted can be walked to, as in an image
    _mount("--bind", str(source), str(place))
    if read_only:
        _mount("-o", "remount,bind,ro", str(place))


def _give_up(user: int, group: int, drop_all: bool) -> None:
    libc = ctypes.CDLL(None)
    if drop_all:
        for capability in range(CAPABILITIES):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Who changes its user forgets that it was to die with its parent.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"mount {' '.join(words)}: {done.stderr}"


if __name__ == "__main__":
    main()
