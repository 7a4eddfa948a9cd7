"""The triangle in a terminal, as CSV, Markdown and picture; and what is asked of the API for it."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from ssl import SSLError
from typing import Any
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console

from consumers.api.parameters import NAMES
from consumers.cli.asking import _silence, base_url, conditions
from consumers.cli.report import first_cohort
from consumers.cli.views import VIEWS, triangle
from consumers.setting_sources import UP_FILE
from consumers.settings import Settings
from stream.report.query import QueryError
from stream.report.questions import parse_compare
from tests.consumers.cli import Command, command
from tests.servers import HOST, Valkey


def cell(n: int, users: int, size: int, complete: bool = True) -> dict[str, Any]:
    rate = users / size if size else None
    return {"n": n, "users": users, "rate": rate, "low": rate, "high": rate, "complete": complete}


def answer(periods: int = 3, segments: tuple[str | None, ...] = (None,)) -> dict[str, Any]:
    """Cohorts of four days, of which the last began today; the third is empty."""
    sizes = {"2026-11-20": 1000, "2026-11-21": 10, "2026-11-22": 0, "2026-11-23": 7}
    rows, average = [], []
    for segment in segments:
        for at, (date, size) in enumerate(sizes.items()):
            cells = [
                cell(n, size if n == 0 else size // (n + 1), size, complete=at + n < 3)
                for n in range(min(periods, 3 - at) + 1)
            ]
            rows.append(
                {"cohort": date, "segment": segment, "size": size, "size_complete": at < 3, "cells": cells}
            )
        average.append(cell(1, 505, 1010) | {"size": 1010, "segment": segment})
    return {"app": "demo", "timezone": "UTC", "period": "day", "cohort": "install", "return": "session", "criterion": "on_or_after",
            "window": "calendar", "as_of": "2026-11-23T10:00:00Z", "rows": rows, "average": average,
            "known": True}  # fmt: skip


def shown(found: dict[str, Any], width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), highlight=False)
    console.print(triangle.rendered(found, {}, width))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_open_cells_are_marked_and_absent_ones_blank() -> None:
    lines = [line.rstrip() for line in shown(answer()).splitlines()]
    assert lines[0] == "demo: install cohorts, session on or after day n (UTC)"
    assert lines[1].split() == ["cohort", "users", "D0", "D1", "D2", "D3"]
    assert lines[2].split() == ["2026-11-20", "1,000", "100%", "50.0", "33.3", "25.0~"]
    assert lines[3].split() == ["2026-11-21", "10", "100%", "50.0", "30.0~"]
    assert lines[4].split() == ["2026-11-22", "0", "-", "-"]
    assert lines[5].split() == ["2026-11-23", "7~", "100%~"]
    assert lines[6].split() == ["average", "50.0"]
    assert lines[7] == "~ still open, blank not begun"


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal_and_no_row_breaks(width: int) -> None:
    found = answer()
    found["rows"][0]["cells"] = [cell(n, 1000 - n, 1000) for n in range(91)]
    lines = shown(found, width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("2026-") for line in lines) == 4


def test_a_narrow_terminal_keeps_the_most_telling_columns() -> None:
    assert triangle.columns_that_fit(list(range(31)), 300) == list(range(31))
    assert triangle.columns_that_fit(list(range(31)), 60) == [0, 1, 3, 7, 14, 30]
    assert triangle.columns_that_fit(list(range(6)), 44) == [0, 1, 2, 3]


def test_every_segment_has_its_own_table() -> None:
    text = shown(answer(segments=("VN", "US")))
    assert "demo, VN: install" in text
    assert "demo, US: install" in text


def test_no_cohorts_is_said() -> None:
    assert shown(answer() | {"rows": [], "average": []}) == "no cohorts in this range\n"


def test_the_csv_has_one_line_a_cell() -> None:
    lines = list(csv.DictReader(io.StringIO(triangle.as_csv(answer(segments=("a,b",)), {}))))
    assert len(lines) == 4 + 3 + 2 + 1
    assert lines[3] == {
        "app": "demo",
        "cohort": "2026-11-20",
        "segment": "a,b",
        "size": "1000",
        "n": "3",
        "users": "250",
        "rate": "0.25",
        "low": "0.25",
        "high": "0.25",
        "complete": "false",
    }
    assert lines[7]["rate"] == "", "no users, no rate"


def test_the_markdown_is_a_table() -> None:
    lines = triangle.as_markdown(answer(), {}).splitlines()
    assert lines[0] == "| cohort | users | D0 | D1 | D2 | D3 |"
    assert lines[2] == "| 2026-11-20 | 1000 | 100.0 % | 50.0 % | 33.3 % | 25.0 %~ |"
    assert lines[-1] == "| **average** |  |  | 50.0 % |  |  |"
    assert len({line.count("|") for line in lines}) == 1
    split = triangle.as_markdown(answer(segments=("a|b",)), {}).splitlines()
    assert "a\\|b" in split[2]


def test_values_of_conditions_are_encoded_inside() -> None:
    assert conditions(["country:VN", "source:a,b:c%"]) == "country:VN,source:a%2Cb%3Ac%25"


def test_the_api_is_that_of_the_running_up_else_that_of_the_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, http_host="0.0.0.0", http_port=9)
    assert base_url(settings) == "http://127.0.0.1:9"
    (tmp_path / UP_FILE).write_text(json.dumps({"http": "http://127.0.0.1:77/"}))
    assert base_url(settings) == "http://127.0.0.1:77"


class Api(BaseHTTPRequestHandler):
    """Answers like the API, or refuses; remembers what it was asked."""

    asked: list[str] = []
    refuse = ""
    found: dict[str, Any] = {}

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = {"title": "Bad Request", "detail": self.refuse} if self.refuse else self.found or answer()
        body = json.dumps(found).encode()
        self.send_response(400 if self.refuse else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[str]:
    Api.asked, Api.refuse, Api.found = [], "", {}
    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


@pytest.mark.parametrize("path", [f"/api/v1/{view}" for view in VIEWS])
def test_every_parameter_of_the_api_is_an_option(retention: Command, api: str, path: str) -> None:
    given = {name: "1" if name in ("periods", "limit", "day") else f"x-{name}" for name in NAMES[path]}
    options = [
        part
        for name, value in given.items()
        for part in (f"--{name.replace('_', '-')}", "source:a,b" if name == "where" else value)
    ]
    view = path.rsplit("/", 1)[1]
    assert retention("report", view, "--json", "--url", api, *options).code == 0
    url = urlsplit(Api.asked[0])
    assert url.path == path
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert asked == {name: "source:a%2Cb" if name == "where" else value for name, value in given.items()}


def test_the_triangle_is_the_view_where_none_is_named_and_reaches_back_far_enough(
    retention: Command, api: str
) -> None:
    retention("report", "--url", api, "--to", "2026-11-23")
    retention("report", "--url", api, "--to", "2026-11-23", "--period", "week")
    retention("report", "--url", api, "--to", "2026-11-23", "--brackets", "1-3")
    asked = [
        (urlsplit(path).path, {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()})
        for path in Api.asked
    ]
    assert {path for path, _ in asked} == {"/api/v1/retention"}
    assert [(one["from"], one.get("periods")) for _, one in asked] == [
        ("2026-10-19", "30"),
        ("2026-09-01", "8"),
        ("2026-10-19", None),
    ]


def test_it_reaches_back_from_today_in_the_zone_of_the_app(retention: Command, api: str) -> None:
    # Two zones whose dates differ at every moment.
    zones = {"TIMEZONES": "east=Pacific/Kiritimati,west=Pacific/Pago_Pago"}
    for app in ("west", "east"):
        retention("report", "--app", app, "--url", api, **zones)
    west, east = (parse_qs(urlsplit(path).query)["from"][0] for path in Api.asked)
    assert west < east


def test_what_a_view_does_not_know_is_said_of_the_option(retention: Command, api: str) -> None:
    Api.refuse = "there is no parameter 'as_of' here; the parameters are app, week_start"
    said = retention("report", "active", "--as-of", "2026-11-20", "--url", api)
    assert said.code == 2
    assert "Invalid value for --as-of: not for this view; it knows --app, --week-start" in said.err
    said = retention("report", "nothing", "--url", api)
    assert (said.code, "choose one of retention, active, crr" in said.err) == (2, True)


def test_each_form_is_what_it_says(retention: Command, api: str, tmp_path: Path) -> None:
    assert json.loads(retention("report", "--url", api, "--json").out) == answer()
    assert retention("report", "--url", api, "--csv").out == triangle.as_csv(answer(), {})
    assert retention("report", "--url", api, "--markdown").out == triangle.as_markdown(answer(), {})
    said = retention("report", "--url", api, "--svg", tmp_path / "t.svg")
    assert "install cohorts" in said.out
    picture = (tmp_path / "t.svg").read_text()
    assert picture.startswith("<svg")
    assert "2026-11-20" in picture
    assert "url(http" not in picture, "it fetches nothing"


def test_what_the_api_refuses_is_said_in_its_words(retention: Command, api: str) -> None:
    Api.refuse = "cohort: say install"
    said = retention("report", "--url", api)
    assert (said.code, said.err) == (
        2,
        "error: Invalid value for --cohort: say install; see retention report --help\n",
    )


def test_where_nobody_answers_every_way_to_an_api_is_said(retention: Command) -> None:
    said = retention("report", "--url", "http://127.0.0.1:1")
    assert said.code == 1
    for way in ("`retention up`", "`retention api`", "--url", "RETENTION_DATA_DIR to the --data-dir"):
        assert way in said.err


def test_a_comparison_of_nothing_names_the_options(retention: Command, api: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_compare({"app": "game"}, ("variant",))
    Api.refuse = refused.value.detail
    said = retention("report", "compare", "--url", api)
    assert said.code == 2
    assert (
        "Invalid value for --a, --b: name 2 to 20 values that differ, as in --a A --b B or --variants"
        in said.err
    )
    assert "&" not in said.err


def test_shades_can_be_read_and_few_colours_get_none() -> None:
    console = Console(width=100, file=io.StringIO(), color_system="standard", force_terminal=True)
    console.print(triangle.rendered(answer(), {}, 100, shades=False))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[4" not in text, "no background"
    assert "\x1b[1m" in text


def test_brackets_weeks_and_months_name_their_columns() -> None:
    found = answer() | {"period": "week", "average": []}
    for row in found["rows"]:
        row["cells"] = [
            cell(0, 7, 7) | {"label": "0"},
            cell(1, 3, 7) | {"label": "1-3"},
            cell(4, 1, 7) | {"label": "4-7"},
        ]
    assert shown(found).splitlines()[1].split() == ["cohort", "users", "W0", "W1-3", "W4-7"]
    assert "| W0 | W1-3 | W4-7 |" in triangle.as_markdown(found, {})
    assert next(csv.DictReader(io.StringIO(triangle.as_csv(found, {}))))["label"] == "0"


def test_money_has_a_table_a_currency_and_a_line_a_currency() -> None:
    found = answer() | {"return": "revenue"}
    for row in [*found["rows"], {"cells": found["average"]}]:
        for one in row["cells"]:
            one["revenue"] = {"USD": "12.34", "VND": "1250000"} if one["users"] else {}
    text = shown(found)
    assert "revenue in USD on or after day n" in text
    assert "revenue in VND" in text
    assert "12.34" in text
    assert "1.2M" in text
    lines = list(csv.DictReader(io.StringIO(triangle.as_csv(found, {}))))
    assert [(line["currency"], line["revenue"]) for line in lines[:2]] == [
        ("USD", "12.34"),
        ("VND", "1250000"),
    ]
    assert "cohort (VND)" in triangle.as_markdown(found, {})
    assert len({line.count("|") for line in triangle.as_markdown(found, {}).splitlines() if line}) == 1


@pytest.mark.parametrize("width", [60, 100, 200])
def test_columns_never_touch_however_wide_their_numbers(width: int) -> None:
    found = answer() | {"return": "revenue"}
    for row in [*found["rows"], {"cells": found["average"]}]:
        row |= {"size": 12_345_678, "size_complete": False}
        for one in row["cells"]:
            one |= {"revenue": {"VND": "-1234567890123456", "USD": "1.25"}, "complete": False}
    text = shown(found, width)
    assert max(map(len, text.splitlines())) <= width
    vnd = [line.split() for line in text.splitlines() if "G~" in line]
    assert len(vnd) == len(found["rows"]) + 1
    for words in vnd:
        assert set(words) <= {*(row["cohort"] for row in found["rows"]), "12,345,678~", "-1234567.9G~", "all"}
    rates = shown(found | {"return": "session"}, width)
    assert "2026-11-20 12,345,678~" in rates


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0"), ("4.99", "4.99"), ("999.99", "999.99"), ("1234.5", "1,234"), ("56789", "56.8k"), ("-25000", "-25.0k"),
     ("1234567", "1.2M"), ("9876543210", "9.9G")],
)  # fmt: skip
def test_large_amounts_are_shown_in_few_characters(amount: str, text: str) -> None:
    assert triangle.short(Decimal(amount)) == text


def test_by_default_d30_can_be_seen() -> None:
    assert first_cohort("2026-11-23") == "2026-10-19"
    assert first_cohort("2026-11-23", 1) == "2026-11-22"
    assert first_cohort("nonsense") is None


def test_what_is_not_the_api_is_told_from_nobody(retention: Command, valkey: Valkey) -> None:
    said = retention("report", "--url", f"http://{HOST}:{valkey.port}")
    assert "(what listens there does not speak HTTP); start" in said.err
    assert "TLS" in _silence(
        URLError(SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"))
    )
    with HTTPServer((HOST, 0), Page) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        said = retention("report", "--url", f"http://{HOST}:{server.server_port}")
        thread.join()
    assert said.err == (
        f"error: what answers at http://{HOST}:{server.server_port} is not the API: its answer is no JSON\n"
    )


class Page(BaseHTTPRequestHandler):
    """Something else that speaks HTTP."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
