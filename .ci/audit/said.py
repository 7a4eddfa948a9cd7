"""What did pip-audit find? `said.py LOCK ANSWER ERRORS`: one line a hole, exit code 1 where there is one, else 0.

A package that the service does not know is not a package without holes, and no answer is not a good one: both are said.
"""

import json
import sys
from pathlib import Path
from typing import Any


def told(lock: str, answer: dict[str, Any] | None, errors: str) -> tuple[list[str], bool]:
    """The lines to print, and whether there are known holes."""
    if answer is None:
        last = ([line for line in errors.splitlines() if line.strip()] or ["nothing was said"])[-1]
        return [f"{lock}: NOT AUDITED, the service gave no answer: {last[:200]}"], False
    packages = answer["dependencies"]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    lines = [
        f"{lock}: {one['name']} {one['version']} has {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in packages
        for hole in one.get("vulns", ())
    ]
    holes = bool(lines)
    audited = len(packages) - len(skipped)
    if skipped:
        lines.append(
            f"{lock}: NOT AUDITED, the service knows nothing of {len(skipped)} of {len(packages)} packages ({skipped[0]}, ...)"
        )
    if audited and not holes:
        lines.append(f"{lock}: no known holes in {audited} packages")
    return lines, holes


if __name__ == "__main__":
    lock, answer, errors = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    try:
        found = json.loads(answer.read_text())
    except (OSError, ValueError):
        found = None
    lines, holes = told(lock, found, errors.read_text())
    print("\n".join(lines))
    sys.exit(holes)
