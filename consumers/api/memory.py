"""What happens to memory that an answer has worked with? It stays with the process, ready for the next answer.

Answers over many users work with arrays of some megabytes each. The C library of Linux gives such memory back to the system at once
and fetches it again page by page, which takes longer than the work itself.
"""

import ctypes
import sys

KEEP_BYTES_MAX = 64 << 20
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt(3)
_ARENAS = 2
_MMAP_BYTES = 32 << 20  # the largest that the library takes


def keep_memory() -> bool:
    """Lets the process keep up to KEEP_BYTES_MAX of free memory in each of two arenas; False where that is not possible."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_ARENA_MAX, _ARENAS), (_MMAP_THRESHOLD, _MMAP_BYTES), (_TRIM_THRESHOLD, KEEP_BYTES_MAX))
    return all(mallopt(name, value) for name, value in wanted)
