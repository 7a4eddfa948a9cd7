"""Where is each thread of a worker, a few hundred times a second? A real worker with a thread that looks at the others' stacks.

Run by bench/profile.py; writes `{"samples": [[seconds, thread, [[file, function], ...innermost first]], ...]}` to BENCH_SAMPLES
when the worker ends. Looking costs the worker a few percent.
"""

import atexit
import json
import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from consumers.ingest.worker import run_worker
from consumers.settings import load

INTERVAL_SECONDS = 0.004
DEPTH_MAX = 40
Sample = tuple[float, str, list[tuple[str, str]]]


def _stack(frame: FrameType | None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while frame is not None and len(found) < DEPTH_MAX:
        found.append((frame.f_code.co_filename, frame.f_code.co_qualname))
        frame = frame.f_back
    return found


def _look(samples: list[Sample]) -> None:
    while True:
        time.sleep(INTERVAL_SECONDS)
        now = time.monotonic()
        names = {
            thread.ident: "main" if thread is threading.main_thread() else "fetching"
            for thread in threading.enumerate()
        }
        me = threading.get_ident()
        for ident, frame in sys._current_frames().items():
            if ident != me:
                samples.append((now, names.get(ident, "other"), _stack(frame)))


def main() -> None:
    """Works as `retention worker` does."""
    samples: list[Sample] = []
    path = Path(os.environ["BENCH_SAMPLES"])
    atexit.register(lambda: path.write_text(json.dumps({"samples": samples})))
    threading.Thread(target=_look, args=(samples,), daemon=True).start()
    sys.exit(run_worker(load(use_up=False)))


if __name__ == "__main__":
    main()
