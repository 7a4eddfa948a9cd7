"""Does Python's collector leave answers alone?"""

from __future__ import annotations

import subprocess
import sys

import pytest

TOLD = 7  # the exit code of a role that has told the collector
ROLES = {"api": "consumers.api", "exporter": "consumers.exporter", "worker": "consumers.ingest.worker"}
LOOKS = """
import gc, sys
from consumers.garbage import OBJECTS, collect_seldom

looks = []
if sys.argv[1] == "seldom":
    collect_seldom()
gc.callbacks.append(lambda phase, about: looks.append(about["generation"]) if phase == "start" else None)
for _ in range(30):
    answer = [{"n": n} for n in range(10_000)]
    del answer
found = len(looks)
kept = [[] for _ in range(2 * OBJECTS)]
print(found, len(looks) > found, len(gc.get_objects()) < 2 * OBJECTS + 5_000)
"""


def looks(how: str) -> list[str]:
    return subprocess.check_output([sys.executable, "-c", LOOKS, how], text=True).split()


def test_answers_are_made_without_a_look_and_what_piles_up_is_looked_through() -> None:
    assert looks("seldom") == ["0", "True", "True"]


def test_as_python_comes_it_looks_at_everything_again_and_again() -> None:
    found, piled_up, only_new = looks("as it comes")
    assert int(found) > 100
    assert (piled_up, only_new) == ("True", "False")


@pytest.mark.parametrize("role", ROLES)
def test_roles_that_make_many_objects_at_once_collect_seldom(role: str) -> None:
    program = (
        f"import gc, sys; from {ROLES[role]} import run_{role}; from consumers.settings import Settings; "
        f"gc.freeze = lambda: sys.exit({TOLD}); run_{role}(Settings(redis_url='redis://127.0.0.1:1'))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=15).returncode == TOLD
