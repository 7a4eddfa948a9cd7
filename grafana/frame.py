"""What does every dashboard have around its panels? Address, range of time, variables, links to the others, alerts as marks."""

from collections.abc import Iterable
from typing import Any

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.models import dashboard

from grafana import config, queries
from grafana.panels import SOURCE
from grafana.queries import Query


def framed_board(
    uid: str,
    title: str,
    about: str,
    *,
    span: tuple[str, str] = config.BUSINESS_RANGE,
    refresh: str = config.BUSINESS_REFRESH,
    per_app: bool = True,
) -> board.Dashboard:
    """An empty dashboard; `per_app` gives it the choice of an app and marks that app's alerts."""
    made = (
        board.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([config.TAG])
        .time(*span)
        .refresh(refresh)
        .timezone("browser")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            board.DatasourceVariable("datasource")
            .label("Prometheus")
            .type("prometheus")
            .current(dashboard.VariableOption(text="Prometheus", value=config.DATASOURCE_UID))
        )
        .link(
            board.DashboardLink("Retention")
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags([config.TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(False)
        )
    )
    if per_app:
        made = made.with_variable(choice("app", "App", queries.APPS)).annotation(_alerts(queries.ALERT_MARKS))
    return made


def with_panels(made: board.Dashboard, panels: Iterable[Any]) -> board.Dashboard:
    """The dashboard with those panels, in their order, from left to right and from top to bottom."""
    for panel in panels:
        made = made.with_panel(panel)
    return made


def choice(name: str, label: str, query: Query, *, many: bool = False) -> board.QueryVariable:
    """A variable whose values are those of a label; `many` allows several, and all."""
    variable = (
        board.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query.expr, "refId": name})
        .definition(query.expr)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )
    return variable.multi(True).include_all(True).all_value(".*") if many else variable


def day_choice(query: Query, preferred: str = "07") -> board.QueryVariable:
    """Which day n a panel shows."""
    return choice("day", "Day", query).current(dashboard.VariableOption(text=preferred, value=preferred))


def _alerts(query: Query) -> board.AnnotationQuery:
    return (
        board.AnnotationQuery()
        .name("Alerts")
        .datasource(SOURCE)
        .enable(True)
        .icon_color("red")
        .expr(query.expr)
        .step("60s")
        .title_format("{{alertname}}")
        .text_format("day {{day}}")
    )
