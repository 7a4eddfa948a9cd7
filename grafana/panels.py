"""How does a panel of each kind look? Builders of Grafana's SDK with our defaults; a board says only what is its own.

A panel is made from its id (stable within its board: alerts link to it), title, description and queries. Sizes are in Grafana's
grid of 24 columns.
"""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import heatmap, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common, dashboard, units
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana import config
from grafana.queries import Query

SOURCE = common.DataSourceRef(type_val="prometheus", uid=config.DATASOURCE)
GREEN, YELLOW, RED = "green", "yellow", "red"
_REACH = {
    units.PercentUnit: (0.0, 0.1),
    units.Short: (0.0, 1.0),
    **dict.fromkeys((units.CountsPerSecond, units.RecordsPerSecond, units.RequestsPerSecond), (0.0, 1.0)),
}


def targets(queries: Sequence[Query], *, as_table: bool = False, as_heatmap: bool = False) -> list[Dataquery]:
    """The queries of one panel, named A, B, C in their order."""
    made = []
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        target = Dataquery().expr(query.expr).ref_id(letter).datasource(SOURCE)
        target = target.instant() if query.instant else target.range()
        if query.legend:
            target = target.legend_format(query.legend)
        if as_table:
            target = target.format(PromQueryFormat.TABLE)
        if as_heatmap:
            target = target.format(PromQueryFormat.HEATMAP)
        made.append(target)
    assert len(made) == len(queries)
    return made


def steps(*marks: tuple[float | None, str]) -> board.ThresholdsConfig:
    """Colours from a value on; the first value is None, which is minus infinity."""
    return (
        board.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=color) for value, color in marks])
    )


def framed(
    panel: Any, number: int, title: str, about: str, span: int, height: int, alerts: Sequence[str]
) -> Any:
    """What every panel has. A panel that an alert points to points back to the rule, where Grafana lists it."""
    panel = panel.id(number).title(title).description(about).datasource(SOURCE).span(span).height(height)
    links = [
        board.DashboardLink(f"Alert {name}")
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"/alerting/list?search=rule:{name}")
        for name in alerts
    ]
    return panel.links(links) if links else panel


def legend() -> common_builders.VizLegendOptions:
    """The names of the lines, below them."""
    return (
        common_builders.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
    )


def lines(
    number: int,
    title: str,
    about: str,
    queries: Sequence[Query],
    unit: str,
    *,
    span: int = 12,
    height: int = 8,
    step: str = config.BUSINESS_STEP,
    decimals: int | None = None,
    least: float | None = 0,
    most: float | None = None,
    reach: tuple[float, float] | None = None,
    stacked: bool = False,
    limit: float | None = None,
    below: bool = False,
    alerts: Sequence[str] = (),
) -> timeseries.Panel:
    """Lines over time; `limit` draws the threshold of the alert, red above it, or `below` it.

    The axis goes over `reach` even where no value does: by itself that of values which are all 0 would end at 100.
    """
    panel = framed(timeseries.Panel(), number, title, about, span, height, alerts)
    panel = panel.targets(targets(queries)).unit(unit).interval(step).line_width(2)
    panel = panel.legend(legend()).tooltip(
        common_builders.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )
    panel = panel if least is None else panel.min(least)
    panel = panel if most is None else panel.max(most)
    panel = panel if decimals is None else panel.decimals(decimals)
    if reach := reach or _REACH.get(unit):
        panel = panel.axis_soft_min(reach[0]).axis_soft_max(reach[1])
    if stacked:
        panel = panel.stacking(
            common_builders.StackingConfig().mode(common.StackingMode.NORMAL)
        ).fill_opacity(30)
    if limit is not None:
        marks = [(None, RED), (limit, "transparent")] if below else [(None, "transparent"), (limit, RED)]
        panel = panel.thresholds(steps(*marks)).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    return panel  # type: ignore[no-any-return]  # the builders return themselves


def band(panel: Any, low: str = "low", high: str = "high") -> Any:
    """Fills between the two series or fields of those names and takes them out of the legend."""
    edge = [
        dashboard.DynamicConfigValue(id_val="custom.lineWidth", value=0),
        dashboard.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": "blue"}),
        dashboard.DynamicConfigValue(
            id_val="custom.hideFrom", value={"legend": True, "tooltip": False, "viz": False}
        ),
    ]
    fill = [
        dashboard.DynamicConfigValue(id_val="custom.fillBelowTo", value=low),
        dashboard.DynamicConfigValue(id_val="custom.fillOpacity", value=15),
    ]
    return panel.override_by_name(high, edge + fill).override_by_name(low, edge)


def in_unit(panel: Any, name: str, unit: str) -> Any:
    """The line of that name has another unit than the rest, and an axis of its own."""
    values = {"unit": unit, "custom.axisSoftMax": _REACH[unit][1] if unit in _REACH else None}
    return panel.override_by_name(
        name,
        [dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in values.items() if value],
    )


def number(
    identity: int,
    title: str,
    about: str,
    queries: Sequence[Query],
    unit: str,
    *,
    span: int = 4,
    height: int = 5,
    decimals: int | None = None,
    thresholds: board.ThresholdsConfig | None = None,
    words: dict[str, tuple[str, str]] | None = None,
    alerts: Sequence[str] = (),
) -> stat.Panel:
    """The last value, large, with its course behind it; `words` shows (text, colour) in place of a value."""
    panel = framed(stat.Panel(), identity, title, about, span, height, alerts)
    panel = panel.targets(targets(queries)).unit(unit).graph_mode(common.BigValueGraphMode.AREA)
    panel = panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel if decimals is None else panel.decimals(decimals)
    panel = panel.thresholds(thresholds or steps((None, "blue")))
    return panel.mappings([_words(words)]) if words else panel  # type: ignore[no-any-return]  # as above


def _words(words: dict[str, tuple[str, str]]) -> dashboard.ValueMap:
    return dashboard.ValueMap(
        {
            value: dashboard.ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(words.items())
        }
    )


def states(
    number: int,
    title: str,
    about: str,
    queries: Sequence[Query],
    words: dict[str, tuple[str, str]],
    *,
    span: int = 24,
    height: int = 7,
    step: str = config.PIPELINE_STEP,
    alerts: Sequence[str] = (),
) -> statetimeline.Panel:
    """A bar per series, coloured by its state."""
    panel = framed(statetimeline.Panel(), number, title, about, span, height, alerts)
    return (  # type: ignore[no-any-return]  # as above
        panel.targets(targets(queries))
        .unit(units.NoUnit)
        .interval(step)
        .mappings([_words(words)])
        .color_scheme(board.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
        .show_value(common.VisibilityMode.NEVER)
        .no_value("nothing fires")
    )


def heat_map(
    number: int, title: str, about: str, query: Query, unit: str, *, span: int = 12, height: int = 8
) -> heatmap.Panel:
    """The buckets of a histogram over time."""
    panel = framed(heatmap.Panel(), number, title, about, span, height, ())
    return (  # type: ignore[no-any-return]  # as above
        panel.targets(targets([query], as_heatmap=True))
        .interval(config.PIPELINE_STEP)
        .calculate(False)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Blues")
            .scale(HeatmapColorScale.EXPONENTIAL)
            .steps(32)
        )
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .unit(units.Short)
    )
