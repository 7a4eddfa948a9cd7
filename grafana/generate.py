"""What are the dashboards as JSON? The same text on every machine, so that a test can compare it with what is committed."""

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from grafana.boards import ALL


def generated() -> dict[str, str]:
    """File name, which is the uid, to JSON text."""
    files = {}
    for build in ALL:
        made = build().build()
        _show_links(made)
        files[f"{made.uid}.json"] = json.dumps(made, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
    return files


def _show_links(made: Dashboard) -> None:
    """The SDK hides links and annotations in a menu unless told; absent is in sight."""
    panels = [panel for panel in made.panels or [] if isinstance(panel, Panel)]
    for link in [*(made.links or []), *(link for panel in panels for link in panel.links or [])]:
        link.placement = None  # type: ignore[assignment]  # the SDK writes it only where it is there
    for mark in (made.annotations.list_val if made.annotations else None) or []:
        mark.placement = None  # type: ignore[assignment]  # the SDK writes it only where it is there
