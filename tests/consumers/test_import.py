"""Rows of files become records: mapped, dated, named by a hash; or bad rows with line and reason."""

import contextlib
import gzip
import io
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.demo import Record
from consumers.importer import BadRow, Columns, Importer, Row, WrongColumns, guessed, opened, rows
from stream.events.decode import Decoder
from stream.retention.days import zone

NOW_MS = 1_795_000_000_000
ZONES = {"ny": "America/New_York", "hcm": "Asia/Ho_Chi_Minh"}
ROW = {"type": "session", "app_id": "a", "user_id": "u", "timestamp": "2026-11-01T00:00:00Z", "event_id": "e"}


def importer(columns: Columns | None = None) -> Importer:
    def name(app: str) -> str:
        return ZONES.get(app, "UTC")

    decoder = Decoder(zones=lambda app: zone(name(app)), secret=b"s" * 16, earliest_ms=0)
    return Importer(columns or Columns(), decoder=decoder, zone_name=name, now_ms=NOW_MS)


def one(row: dict[str, Any], columns: Columns | None = None) -> Record | BadRow | None:
    return importer(columns).record(Row(7, row))


def fields(row: dict[str, Any], columns: Columns | None = None) -> dict[str, Any]:
    record = one(row, columns)
    assert isinstance(record, Record), record
    return dict(json.loads(record.value))


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in ROW.items() if name not in names}


def test_a_whole_row_passes_as_it_is_and_is_keyed_by_its_user() -> None:
    record = one(ROW | {"platform": "ios", "level": "7"})
    assert isinstance(record, Record)
    assert (record.topic, record.key) == ("sessions", b"u")
    assert json.loads(record.value) == without("type") | {"platform": "ios", "level": "7"}


@pytest.mark.parametrize(
    ("said", "topic"), [("install", "installs"), ("sessions", "sessions"), ("purchase", "purchases")]
)
def test_the_type_decides_the_topic(said: str, topic: str) -> None:
    record = one(ROW | {"type": said, "amount": "1", "currency": "USD"})
    assert isinstance(record, Record)
    assert record.topic == topic


def test_columns_and_types_are_mapped() -> None:
    columns = Columns(
        fields={"user_id": "userid", "timestamp": "eventDate", "type": "eventName"},
        types={"newPlayer": "install", "tick": None},
        constants={"app_id": "game", "platform": "ios"},
    )
    row = {"userid": "x", "eventDate": "2016-05-24", "eventName": "newPlayer"}
    assert fields(row, columns) | {"event_id": "?"} == {
        "user_id": "x",
        "timestamp": 1_464_048_000_000,
        "app_id": "game",
        "platform": "ios",
        "event_id": "?",
    }
    assert one(row | {"eventName": "tick"}, columns) is None


def test_a_field_at_fault_is_named_by_the_column_that_it_comes_from() -> None:
    columns = Columns(fields={"amount": "price"})
    bad = one(without("amount") | {"type": "purchase", "price": "1.234", "currency": "USD"}, columns)
    assert isinstance(bad, BadRow)
    assert bad.reason == "bad_field: column price: amount has more digits than USD has (2)"


def test_a_mapped_field_never_falls_back_on_a_column_of_its_name() -> None:
    bad = one(ROW | {"login": ""}, Columns(fields={"user_id": "customer"}))
    assert isinstance(bad, BadRow)
    assert bad.reason.startswith("missing_field")


def test_a_constant_stands_in_where_the_row_has_nothing() -> None:
    columns = Columns(constants={"app_id": "other", "country": "VN"})
    assert fields(ROW, columns)["app_id"] == "a"
    assert fields(without("app_id"), columns)["app_id"] == "other"
    assert fields(ROW, columns)["country"] == "VN"


@pytest.mark.parametrize(
    ("app", "said", "ms"),
    [
        ("a", "2026-11-01", 1_793_491_200_000),
        ("hcm", "2026-11-01", 1_793_466_000_000),
        (
            "ny",
            "2026-11-01",
            1_793_505_600_000,
        ),  # the day of the change back to winter time begins in summer time
        ("ny", "2026-03-08", 1_772_946_000_000),
        ("a", "1793491200000", 1_793_491_200_000),
        ("a", 1_793_491_200_000, 1_793_491_200_000),
    ],
)
def test_a_date_is_its_first_instant_in_the_apps_zone(app: str, said: Any, ms: int) -> None:
    assert fields(ROW | {"app_id": app, "timestamp": said})["timestamp"] == ms


@pytest.mark.parametrize("said", ["2026-11-01 12:30:00", "2026-11-01T12:30:00"])
def test_a_time_without_offset_is_local(said: str) -> None:
    assert fields(ROW | {"app_id": "hcm", "timestamp": said})["timestamp"] == 1_793_511_000_000
    assert fields(ROW | {"app_id": "ny", "timestamp": said})["timestamp"] == 1_793_554_200_000


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (without("type"), "has no type"),
        (ROW | {"type": "jump"}, "'jump' is none of install, session, purchase"),
        (without("user_id"), "missing_field"),
        (without("app_id"), "missing_field"),
        (without("timestamp"), "missing_field"),
        (ROW | {"timestamp": "01/11/2026"}, "bad_timestamp"),
        (ROW | {"timestamp": "2026-02-30"}, "bad_timestamp"),
        (ROW | {"timestamp": "2099-01-01"}, "future"),
        (ROW | {"app_id": "No App"}, "bad_field"),
        (ROW | {"type": "purchase", "amount": "1.234", "currency": "USD"}, "bad_field"),
        (ROW | {"user_id": "u" * 300}, "bad_field"),
        (ROW | {"note": "x" * 70_000}, "too_large"),
        (ROW | {"note": "\ud800"}, "not_json"),
    ],
)
def test_a_row_that_cannot_become_an_event_says_its_line_and_its_reason(
    row: dict[str, Any], reason: str
) -> None:
    bad = one(row)
    assert isinstance(bad, BadRow)
    assert bad.line == 7
    assert reason in bad.reason


def test_numbers_of_a_csv_become_numbers_and_amounts_stay_text() -> None:
    assert fields(ROW | {"duration_seconds": "84.5"})["duration_seconds"] == 84.5
    assert fields(ROW | {"type": "purchase", "amount": "0.10", "currency": "USD"})["amount"] == "0.10"


FEEDBACK = ROW | {"type": "feedback", "kind": "nps"}


@pytest.mark.parametrize(("said", "score"), [("9", 9), (" 10 ", 10), ("0", 0), (7, 7)])
def test_a_score_is_an_integer_though_a_csv_writes_it_as_text(said: Any, score: int) -> None:
    assert fields(FEEDBACK | {"score": said})["score"] == score


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (FEEDBACK | {"score": "nine"}, "bad_field: column score: 'nine' is not an integer"),
        (FEEDBACK | {"score": "9.0"}, "bad_field: column score: '9.0' is not an integer"),
        (FEEDBACK | {"score": "9" * 5_000}, f"bad_field: column score: '{'9' * 59} is not an integer"),
        (FEEDBACK | {"score": "11"}, "bad_field: score of nps is outside 0..10"),
        (FEEDBACK | {"score": "-1"}, "bad_field: score of nps is outside 0..10"),
        (FEEDBACK, "missing_field: column score is missing or empty"),
        (ROW | {"duration_seconds": "1:30"}, "bad_field: column duration_seconds: '1:30' is not a number"),
    ],
)
def test_what_should_be_a_number_and_is_none_is_said_with_its_column(
    row: dict[str, Any], reason: str
) -> None:
    bad = one(row)
    assert isinstance(bad, BadRow)
    assert bad.reason.startswith(reason)


def test_a_number_that_the_kind_of_event_does_not_have_may_be_anything() -> None:
    assert fields(ROW | {"score": "high"})["score"] == "high"


def ids(columns: Iterable[dict[str, Any]]) -> list[str]:
    target = importer()
    found = []
    for number, row in enumerate(columns):
        record = target.record(Row(number, row))
        assert isinstance(record, Record)
        found.append(json.loads(record.value)["event_id"])
    return found


PLAIN = st.fixed_dictionaries(
    {"user_id": st.sampled_from("uvw"), "timestamp": st.sampled_from(["2026-11-01", "2026-11-02"])}
)


@given(st.lists(PLAIN, max_size=20), st.randoms())
def test_a_shuffled_import_gives_the_same_ids_and_equal_rows_get_different_ones(
    plain: list[dict[str, str]], dice: Any
) -> None:
    whole = [without("event_id") | row for row in plain]
    shuffled = dice.sample(whole, len(whole))
    first = ids(whole)
    assert sorted(first) == sorted(ids(shuffled))
    assert len(set(first)) == len(first)


def test_a_row_keeps_its_id_when_only_the_mapping_changes() -> None:
    row = without("event_id")
    assert fields(row)["event_id"] == fields(row, Columns(constants={"country": "VN"}))["event_id"]


def read(data: bytes, form: Any = "csv", **options: Any) -> list[Row | BadRow]:
    return list(rows(io.BytesIO(data), form, **options))


def test_csv_rows_have_their_line_and_lose_empty_cells() -> None:
    data = b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\n\r\n,2\r\n'
    assert read(data) == [Row(2, {"a": "1", "b": "x\r\ny"}), Row(5, {"b": "2"})]


def test_a_csv_row_of_another_width_is_a_bad_row() -> None:
    assert read(b"a,b\n1\n1,2,3\n1,2\n") == [
        BadRow(2, "has 1 columns, the header has 2"),
        BadRow(3, "has 3 columns, the header has 2"),
        Row(4, {"a": "1", "b": "2"}),
    ]


def test_a_csv_may_have_another_delimiter() -> None:
    assert read(b"a;b\n1;2\n", delimiter=";") == [Row(2, {"a": "1", "b": "2"})]


def test_an_empty_csv_says_so() -> None:
    with pytest.raises(ValueError, match="is empty"):
        read(b"")


def test_ndjson_rows_have_their_line_and_amounts_pass_no_float() -> None:
    data = b'{"a": 1.10, "n": null}\n\n[1]\n{"a"\n{"a": 10}\r\n' + b"[" * 100_000 + b"\n"
    first, second, third, fourth, fifth = read(data, "ndjson")
    assert first == Row(1, {"a": "1.10"})
    assert second == BadRow(3, "not_json: not an object")
    assert third == BadRow(4, "not_json: expecting ':' delimiter at column 5")
    assert fourth == Row(5, {"a": 10})
    assert fifth == BadRow(6, "not_json: nested too deep")


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_row_that_is_no_text_says_so(form: Any) -> None:
    (row,) = read(b"user_id\n\xff\n" if form == "csv" else b'{"user_id": "\xff"}\n', form)
    bad = row if isinstance(row, BadRow) else importer().record(Row(7, without("user_id") | row.columns))
    assert isinstance(bad, BadRow)
    assert bad.reason == "not_json: no text in UTF-8"


def test_a_line_without_end_is_no_reason_to_hold_it_in_memory() -> None:
    found = read(b'{"a":"' + b"x" * 3_000_000 + b'"}\n{"a":1}\n', "ndjson")
    assert found == [BadRow(1, "too_large: the line is over 1 MiB"), Row(2, {"a": 1})]


@given(st.binary(max_size=200), st.sampled_from(["csv", "ndjson"]))
def test_no_bytes_stop_an_import(data: bytes, form: Any) -> None:
    target, found = importer(), list[Row | BadRow]()
    with contextlib.suppress(ValueError):  # a CSV file without names of columns
        found = read(data, form)
    assert all(isinstance(row, BadRow) or isinstance(target.record(row), BadRow) for row in found)


def buffered(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]


def test_gzip_is_known_by_its_first_bytes() -> None:
    assert opened(buffered(gzip.compress(b"x,y\n"))).read() == b"x,y\n"
    assert opened(buffered(b"x,y\n")).read() == b"x,y\n"


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("a.csv.gz", b"{", "csv"),
        ("a.jsonl", b"a,b", "ndjson"),
        ("-", b' \n{"a":1}', "ndjson"),
        ("-", b"a,b\n", "csv"),
        ("events.log", b"\xef\xbb\xbf{}", "ndjson"),
    ],
)
def test_the_format_follows_from_the_name_else_from_the_content(name: str, data: bytes, form: str) -> None:
    assert guessed(name, buffered(data)) == form


def test_a_column_that_is_not_there_and_another_delimiter_are_said() -> None:
    with pytest.raises(WrongColumns, match="there is no column c, d; the columns are a, b"):
        read(b"a,b\n1,2\n", needed=["a", "c", "d"])
    with pytest.raises(WrongColumns, match="try --delimiter ';'"):
        read(b"a;b\n1;2\n")
    with pytest.raises(WrongColumns, match=r"the columns are x{40}\.\.\., a, .* and 81 more$"):
        read(b"x" * 200_000 + b",a" * 100 + b"\n", needed=["c"])


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0", b"PK\x03\x04;\0\n", "größe,b\n1,2\n".encode("latin-1")]
)
def test_a_file_that_is_no_text_is_said_to_be_no_csv(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the file is no CSV: its first line.*is no text in UTF-8$"):
        read(data, needed=["user_id"])


def test_a_column_that_nobody_asks_for_may_have_any_name() -> None:
    assert read("größe,user_id\n1,2\n".encode("latin-1"), needed=["user_id"]) == [
        Row(2, {"gr\udcf6\udcdfe": "1", "user_id": "2"})
    ]


@pytest.mark.parametrize("said", ["31.11.2026", "10/05/2016", "2026-02-30", "9" * 5_000])
def test_a_time_that_is_none_is_said_with_its_column_and_how_to_write_it(said: str) -> None:
    row = without("timestamp") | {"Day": said}
    bad = one(row, Columns(fields={"timestamp": "Day"}))
    assert isinstance(bad, BadRow)
    assert bad.reason.startswith(f"bad_timestamp: column Day: {said!r}"[:80])
    assert bad.reason.endswith(" is no date or time; write 2026-11-30 or 2026-11-30T10:00:00Z")
    assert len(bad.reason) < 200


def test_a_time_that_is_out_of_range_is_said_with_its_column() -> None:
    bad = one(ROW | {"timestamp": "2099-01-01"})
    assert isinstance(bad, BadRow)
    assert bad.reason.startswith("future: column timestamp: '2099-01-01': ")


def test_a_field_without_a_value_is_said_with_its_column_and_the_option_that_names_it() -> None:
    bad = one(without("user_id"), Columns(fields={"user_id": "who"}))
    assert isinstance(bad, BadRow)
    assert "column who is missing or empty" in bad.reason
    assert "--map user_id=COLUMN" in bad.reason
    bad = one(without("app_id"))
    assert isinstance(bad, BadRow)
    assert "--app APP" in bad.reason


def test_a_table_without_the_required_columns_is_told_which_ones_it_has_and_how_to_map_them() -> None:
    with pytest.raises(WrongColumns) as error:
        read(b"who,Day\nu,2026-11-01\n", needed=Columns().needed())
    assert error.value.option == "--map"
    said = str(error.value)
    assert "there is no column user_id, timestamp, type, app_id; the columns are who, Day;" in said
    assert "--map user_id=COLUMN,timestamp=COLUMN,type=COLUMN" in said
    assert "--type session" in said
    assert "--app APP" in said
    given = Columns(fields={"user_id": "who", "timestamp": "Day"}, constants={"type": "session"})
    with pytest.raises(WrongColumns) as error:
        read(b"who,Day\nu,2026-11-01\n", needed=given.needed())
    assert error.value.option == "--app"
