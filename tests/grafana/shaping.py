"""What does Grafana make of a panel? Its own library (.ci/grafana names it) transforms, names, formats and colours answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import ROOT, missing

PROGRAM = Path(__file__).with_name("shape.cjs")
LIBRARY = ROOT / "build" / "grafana" / "node_modules"
Samples = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Cell:
    """One value of a field as it is shown; the colour is `#rrggbb`, or `#rrggbbaa` where one sees through it."""

    value: Any
    text: str
    color: str


@dataclass(frozen=True)
class Field:
    """A column of a table, or a line of a chart."""

    name: str
    type: str
    cells: Sequence[Cell]

    @property
    def values(self) -> list[Any]:
        return [cell.value for cell in self.cells]

    @property
    def texts(self) -> list[str]:
        return [cell.text for cell in self.cells]


def shaped(panels: Iterable[tuple[dict[str, Any], dict[str, Samples]]]) -> list[list[Field]]:
    """The fields of the first frame of each (panel, answers of its queries by refId); panels show no other frame."""
    node = shutil.which("node")
    if node is None or not LIBRARY.is_dir():
        missing("Node.js or Grafana's library is not there (make build/grafana/node_modules)")
    asked = json.dumps([{"panel": panel, "answers": answers} for panel, answers in panels])
    done = subprocess.run(
        [node, PROGRAM],
        input=asked,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"NODE_PATH": str(LIBRARY)},
    )
    assert done.returncode == 0, done.stderr
    return [
        [Field(one["name"], one["type"], [Cell(**cell) for cell in one["cells"]]) for one in frames[0]]
        for frames in json.loads(done.stdout)
    ]
