"""How often does Python look for objects that hold only each other? Seldom: batches and answers are made without such cycles.

An answer or a batch makes thousands of objects, and Python looks through its young ones at every 700 more, and now and then through
all there are: most of them are code, which is there for good, and looking takes longer than an answer does.
"""

import gc

OBJECTS = 50_000  # more of them than before, and the young ones are looked through
_YOUNG_TIMES, _MIDDLE_TIMES = 20, 50


def collect_seldom() -> None:
    """What is there by now is never looked at again, and what comes seldom."""
    gc.freeze()
    gc.set_threshold(OBJECTS, _YOUNG_TIMES, _MIDDLE_TIMES)
