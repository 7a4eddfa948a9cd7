"""Does memory stay with the process once it is told to?"""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from consumers.api.memory import keep_memory

def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        [np.full(1 << 22, 1, np.uint8) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "keep":
    assert keep_memory()
faults(3)
print(faults(20))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is of the C library of Linux")
def test_arrays_of_the_next_answer_need_no_new_pages() -> None:
    faults = {
        how: int(subprocess.check_output([sys.executable, "-c", FAULTS, how], text=True))
        for how in ("keep", "leave")
    }
    assert faults["keep"] * 10 < faults["leave"]
