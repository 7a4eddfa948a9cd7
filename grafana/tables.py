"""How do panels look whose axis is day n, or that are tables? Instant queries, put in shape by Grafana's transformations.

label day ──> column, sorted ──> matrix of row by day ──> D01, D03, ...       the triangle
          └─> number, sorted ──> x axis                                       a curve
"""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import table, trend
from grafana_foundation_sdk.models import common, dashboard, units

from grafana.panels import framed, legend, targets
from grafana.queries import Query

_COLUMN_PIXELS = 60  # by itself a column has 150, and half a screen would lose D30
RATE_SHADED_MAX = 0.5  # a cell of this rate or more has the darkest shade
DIFFERENCE_SHADED_MAX, Z_SHADED_MAX = 0.1, 4.0


def curve(
    number: int,
    title: str,
    about: str,
    queries: Sequence[Query],
    unit: str,
    *,
    span: int = 12,
    height: int = 9,
    decimals: int | None = None,
) -> trend.Panel:
    """A value by day n. The queries' label `day` becomes the axis; each query is one line under its legend."""
    panel = _axis(framed(trend.Panel(), number, title, about, span, height, ()), decimals)
    many = len(queries) > 1
    names = {
        (f"Value #{letter}" if many else "Value"): q.legend for letter, q in zip("ABC", queries, strict=False)
    }
    panel = panel.targets(targets(queries, as_table=True)).unit(unit)
    if many:
        panel = panel.with_transformation(_step("joinByField", byField="day", mode="outer"))
    panel = panel.with_transformation(
        _step("filterFieldsByName", include={"pattern": "^(day|Value.*)$"})
    ).with_transformation(_renamed(names))
    return panel.with_transformation(_day_as_number()).with_transformation(_sorted("day"))  # type: ignore[no-any-return]  # as above


def curves_by(
    number: int,
    title: str,
    about: str,
    query: Query,
    label: str,
    unit: str,
    *,
    span: int = 12,
    decimals: int | None = None,
) -> trend.Panel:
    """A value by day n, one line for each value of `label`."""
    panel = _axis(framed(trend.Panel(), number, title, about, span, 9, ()), decimals)
    panel = panel.targets(targets([query], as_table=True)).unit(unit)
    return (  # type: ignore[no-any-return]  # as above
        panel.with_transformation(_sorted(label))  # so that a line keeps its place, and with it its colour
        .with_transformation(_matrix("day", label))
        .with_transformation(_renamed({f"day\\{label}": "day"}))
        .with_transformation(_day_as_number())
        .with_transformation(_sorted("day"))
    )


def _axis(panel: Any, decimals: int | None) -> Any:
    panel = (
        panel.x_field("day").min(0).line_width(2).show_points(common.VisibilityMode.ALWAYS).legend(legend())
    )
    plain = {"unit": units.NoUnit, "decimals": 0}  # D7 is the seventh day, not 700 %
    panel = panel.override_by_name(
        "day", [dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in plain.items()]
    )
    return panel if decimals is None else panel.decimals(decimals)


def heat_table(
    number: int,
    title: str,
    about: str,
    query: Query,
    row: str,
    *,
    unit: str = units.PercentUnit,
    span: int = 24,
    height: int = 16,
    newest_first: bool = False,
    users_in_00: bool = False,
    signed: bool = False,
    decimals: int = 1,
) -> table.Panel:
    """A table of `row` by day n, its cells shaded by value; what is absent stays empty, as in the triangle of the live page.

    `users_in_00`: the column of day 00 holds counts of users. `signed`: below 0 is red, above it green.
    """
    corner = f"{row}\\day"
    shade = (
        dashboard.FieldColorModeId.CONTINUOUS_RD_YL_GR
        if signed
        else dashboard.FieldColorModeId.CONTINUOUS_BLUES
    )
    most = (
        (DIFFERENCE_SHADED_MAX if unit == units.PercentUnit else Z_SHADED_MAX) if signed else RATE_SHADED_MAX
    )
    panel = framed(table.Panel(), number, title, about, span, height, ())
    panel = panel.targets(targets([query], as_table=True)).unit(unit).decimals(decimals)
    panel = (
        panel.min(-most if signed else 0)
        .max(most)
        .color_scheme(board.FieldColor().mode(shade))
        .cell_options(_background())
        .min_width(_COLUMN_PIXELS)
        .mappings([_empty()])
        .with_transformation(_sorted("day"))
        .with_transformation(_matrix(row, "day"))
        .with_transformation(_sorted(corner, newest_first))
        .with_transformation(_step("renameByRegex", regex=r"^(\d+)$", renamePattern="D$1"))
    )
    plain = [dashboard.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "auto"})]
    panel = panel.override_by_name(
        corner, [*plain, dashboard.DynamicConfigValue(id_val="displayName", value=row)]
    )
    if users_in_00:
        count = {"unit": units.LocaleFormat, "decimals": 0, "displayName": "users", "mappings": []}
        panel = panel.override_by_name(
            "D00",
            plain + [dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in count.items()],
        )
    return panel  # type: ignore[no-any-return]  # as above


def plain_table(
    number: int, title: str, about: str, query: Query, *, span: int = 8, height: int = 8
) -> table.Panel:
    """The labels of an instant query as columns."""
    panel = framed(table.Panel(), number, title, about, span, height, ())
    return (  # type: ignore[no-any-return]  # as above
        panel.targets(targets([query], as_table=True))
        .unit(units.Short)
        .with_transformation(_renamed({"Value": "processes"}, without="Time"))
    )


def _step(name: str, **options: Any) -> dashboard.DataTransformerConfig:
    return dashboard.DataTransformerConfig(id_val=name, options=options)


def _sorted(field: str, descending: bool = False) -> dashboard.DataTransformerConfig:
    return _step("sortBy", fields={}, sort=[{"field": field, "desc": descending}])


def _matrix(row: str, column: str) -> dashboard.DataTransformerConfig:
    return _step("groupingToMatrix", rowField=row, columnField=column, valueField="Value", emptyValue="null")


def _renamed(names: dict[str, str], without: str = "") -> dashboard.DataTransformerConfig:
    hidden = {without: True} if without else {}
    return _step("organize", excludeByName=hidden, indexByName={}, renameByName=names)


def _day_as_number() -> dashboard.DataTransformerConfig:
    return _step(
        "convertFieldType", fields={}, conversions=[{"targetField": "day", "destinationType": "number"}]
    )


def _background() -> common.TableColoredBackgroundCellOptions:
    return common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)


def _empty() -> dashboard.SpecialValueMap:
    """A cell that has not begun is empty and colourless; without this Grafana paints it like a 0."""
    return dashboard.SpecialValueMap(
        dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch.NULL_AND_NAN,
            result=dashboard.ValueMappingResult(text="", color="transparent"),
        )
    )
