"""How does a child process end when its parent is killed, whatever kills it?

Run as `python -I -S tied.py PARENT_PID PROGRAM ARGUMENTS...`: asks Linux to send SIGKILL when the parent dies and becomes the
program. It is a program of its own since code between fork and exec (`preexec_fn`) may deadlock in a process with threads. Where
the request does not exist (macOS) a parent that is killed leaves its children; one that is told to stop never does.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ties this process to its parent and turns into the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the request was made
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 no shell is wanted


if __name__ == "__main__":
    main()
