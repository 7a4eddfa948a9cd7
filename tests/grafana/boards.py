"""The dashboards as they are committed, for tests: their panels, queries, and what names a query holds."""

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.grafana.programs import GRAFANA

FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
BOARDS: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text()) for file in FILES}
NAME = re.compile(r"\b(?:retention[_:][a-z0-9_:]+|ALERTS|up|process_[a-z_]+)\b")


@dataclass(frozen=True)
class Shown:
    """One query of one panel."""

    board: str
    panel: str
    expr: str
    legend: str

    def __str__(self) -> str:
        return f"{self.board}/{self.panel}: {self.expr}"


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def shown() -> list[Shown]:
    """Every query of every panel, and those of annotations."""
    found = []
    for uid, board in BOARDS.items():
        for panel in panels(board):
            found += [
                Shown(uid, panel["title"], target["expr"], target.get("legendFormat", ""))
                for target in panel["targets"]
            ]
        found += [
            Shown(uid, "annotations", mark["expr"], "")
            for mark in board.get("annotations", {}).get("list", [])
        ]
    return found


def metrics_of(expr: str) -> set[str]:
    """The metrics an expression reads, histograms by their family, without what stands in quotes."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAME.findall(bare)}
