"""How does a row of somebody's file become a record that the workers can count?

Rows come from NDJSON or CSV, plain or gzip. A row that cannot become an event is a value with its line and its reason and is not
sent: whoever runs the import still has the file, and is told. The same decoder as in the workers decides.
"""

import csv
import gzip
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, BinaryIO, Literal, NamedTuple

from consumers.demo import Record
from stream.events.decode import Decoder
from stream.events.reasons import Reason
from stream.events.schema import EVENT_TOPICS, TOPICS, Event, Identity, Rejection
from stream.retention.days import zone

Format = Literal["csv", "ndjson"]

LINE_BYTES_MAX = 1024 * 1024
TYPES = ", ".join(TOPICS[topic] for topic in EVENT_TOPICS)
KINDS = {TOPICS[topic]: topic for topic in EVENT_TOPICS} | {topic: topic for topic in EVENT_TOPICS}
REQUIRED = ("user_id", "timestamp", "type", "app_id")
_TIMES = "2026-11-30 or 2026-11-30T10:00:00Z"
_VALUE_CHARACTERS_MAX = 60
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_COLUMNS_SHOWN, _NAME_SHOWN = 20, 40
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,2})?", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
# Fields that must be JSON numbers, however the file writes them: what such a text looks like, what it becomes, what it is called.
_NUMBERS: dict[str, tuple[re.Pattern[str], type, str]] = {
    "duration_seconds": (_NUMBER, float, "a number"),
    "score": (_INTEGER, int, "an integer"),
}


class Row(NamedTuple):
    """One row as the file has it: the number of its (first) line, and its columns; empty cells are left out."""

    line: int
    columns: dict[str, Any]


class BadRow(NamedTuple):
    """A row that was not sent, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Columns:
    """How columns become fields.

    fields     field -> column; a field without an entry is the column of its own name
    types      value of the type column -> kind of event; None: such rows are left out on purpose
    constants  field -> value, where a row has none
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str | None] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)

    def needed(self) -> list[str]:
        """The columns that a table must have: those spoken of, and the required fields that come from nowhere else."""
        unsaid = [name for name in REQUIRED if name not in self.fields and name not in self.constants]
        return [*self.fields.values(), *unsaid]


class Importer:
    """Turns rows into records, and remembers how often each row without an event_id came before.

    That memory is about 100 bytes per different row without an event_id.
    """

    def __init__(self, columns: Columns, *, decoder: Decoder, zone_name: Any, now_ms: int) -> None:
        self._columns = columns
        self._decoder = decoder
        self._zone_name = zone_name
        self._now_ms = now_ms
        self._came: Counter[bytes] = Counter()
        self._dates: dict[tuple[str, str], int] = {}
        self._renamed = {column for name, column in columns.fields.items() if name != column}

    def record(self, row: Row) -> Record | BadRow | None:
        """The record of a row; None for a row that `--map-type X=` leaves out."""
        fields = self._fields(row.columns)
        said = fields.pop("type", None)
        if said is None:
            return BadRow(row.line, "has no type: give --type install, or --map type=COLUMN")
        kind = self._columns.types.get(str(said), str(said))
        if kind is None:
            return None
        topic = KINDS.get(kind)
        if topic is None:
            return BadRow(
                row.line,
                f"type {str(said)[:40]!r} is none of {TYPES}: give --map-type {str(said)[:40]}=session",
            )
        said_time = fields.get("timestamp")
        fields["timestamp"] = self._time(said_time, str(fields.get("app_id")))
        for name, (looks, becomes, _) in _NUMBERS.items():
            text = fields.get(name)
            if isinstance(text, str) and looks.fullmatch(text.strip()):
                fields[name] = becomes(text.strip())
        if fields.get("event_id") is None:
            fields["event_id"] = self._event_id(row.columns)
        return self._checked(row.line, topic, fields, said_time)

    def _fields(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: value for name, value in columns.items() if name not in self._renamed}
        for name, column in self._columns.fields.items():
            fields.pop(name, None)  # a mapped field never falls back on a column that merely has its name
            if column in columns:
                fields[name] = columns[column]
        for name, value in self._columns.constants.items():
            fields.setdefault(name, value)
        return fields

    def _time(self, value: Any, app: str) -> Any:
        """A date is its first instant, a time without offset is a local one, both in the app's zone; the rest stays as it is."""
        if not isinstance(value, str):
            return value
        known = self._dates.get((app, value))
        if known is not None:
            return known
        text = value.strip()
        name = self._zone_name(app)
        try:
            if text.lstrip("-").isdigit():
                return int(text)
            if _DATE.fullmatch(text):
                if len(self._dates) > 100_000:
                    self._dates.clear()
                self._dates[app, value] = found = zone(name).day_start_ms(
                    date.fromisoformat(text).toordinal()
                )
                return found
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            return value  # the decoder knows what else is a time
        if moment.tzinfo is None:
            return zone(name).moment(moment)
        return value

    def _event_id(self, columns: Mapping[str, Any]) -> str:
        row = json.dumps(columns, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
        digest = hashlib.blake2b(row, digest_size=16).digest()
        before = self._came[digest]
        self._came[digest] = before + 1
        return hashlib.blake2b(digest + before.to_bytes(8, "big"), digest_size=16).hexdigest()

    def _checked(self, line: int, topic: str, fields: dict[str, Any], said_time: Any) -> Record | BadRow:
        try:
            value = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        except (UnicodeEncodeError, ValueError, RecursionError) as error:
            return BadRow(line, f"not_json: {_no_json(error)}")
        decoded = self._decoder.decode(topic, value, self._now_ms)
        if isinstance(decoded, Event | Identity):
            return Record(topic, str(fields["user_id"]).encode(), value, decoded.ts_ms)
        assert isinstance(decoded, Rejection)
        said = fields | {"timestamp": said_time}
        return BadRow(line, f"{decoded.reason}: {self._detail(decoded, said.get(decoded.field))}")

    def _detail(self, rejection: Rejection, said: Any) -> str:
        """What is wrong, said of the column of the file and of the value that stands there."""
        column = self._columns.fields.get("timestamp", "timestamp")
        if rejection.reason == Reason.BAD_TIMESTAMP and "outside" not in rejection.detail:
            return f"column {column}: {_shown(said)} is no date or time; write {_TIMES}"
        if rejection.reason in (Reason.BAD_TIMESTAMP, Reason.FUTURE, Reason.TOO_OLD):
            return f"column {column}: {_shown(said)}: {rejection.detail}"
        named = self._columns.fields.get(rejection.field, rejection.field)
        if rejection.reason == Reason.MISSING_FIELD:
            return _absent(rejection.field, named)
        if rejection.field in _NUMBERS and isinstance(said, str):
            return f"column {named}: {_shown(said)} is not {_NUMBERS[rejection.field][2]}"
        return rejection.detail if named == rejection.field else f"column {named}: {rejection.detail}"


def _shown(value: Any) -> str:
    return repr(value)[:_VALUE_CHARACTERS_MAX]


def _absent(name: str, column: str) -> str:
    if name == "app_id":
        return f"column {column} is missing or empty; --app APP names the app of all rows"
    return f"column {column} is missing or empty; if another one holds it: --map {name}=COLUMN"


class WrongColumns(ValueError):
    """The columns of a CSV are not those that were spoken of; `option` is what should be said otherwise."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


def rows(
    file: BinaryIO, form: Format, *, delimiter: str = ",", needed: Iterable[str] = ()
) -> Iterator[Row | BadRow]:
    """The rows of a file, one after the other.

    ValueError for a file that has none to give, WrongColumns for a CSV without one of the `needed` columns.
    """
    return _csv(file, delimiter, needed) if form == "csv" else _ndjson(file)


def opened(file: io.BufferedReader) -> io.BufferedReader:
    """The file, decompressed where it is gzip."""
    if file.peek(2)[:2] != b"\x1f\x8b":
        return file
    return io.BufferedReader(gzip.GzipFile(fileobj=file))


def guessed(name: str, file: io.BufferedReader) -> Format:
    """The format by the file's name, else by its first character."""
    plain = name.removesuffix(".gz")
    if plain.endswith((".csv", ".tsv")):
        return "csv"
    if plain.endswith((".ndjson", ".jsonl", ".json")):
        return "ndjson"
    return "ndjson" if file.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else "csv"


def _ndjson(file: BinaryIO) -> Iterator[Row | BadRow]:
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            while line and not line.endswith(b"\n"):
                line = file.readline(LINE_BYTES_MAX)
            yield BadRow(number, "too_large: the line is over 1 MiB")
            continue
        text = line.strip().removeprefix(b"\xef\xbb\xbf")
        if not text:
            continue
        try:
            # Decimal numbers stay the text that they are: an amount must not pass through a float.
            found = json.loads(text, parse_float=str)
        except (ValueError, RecursionError) as error:
            yield BadRow(number, f"not_json: {_no_json(error)}")
            continue
        if isinstance(found, dict):
            yield Row(number, {name: value for name, value in found.items() if value is not None})
        else:
            yield BadRow(number, "not_json: not an object")


def _no_json(error: Exception) -> str:
    """What json says of a line, without its own count of lines."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]} at column {error.colno}"
    if isinstance(error, UnicodeError):
        return "no text in UTF-8"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def _csv(file: BinaryIO, delimiter: str, needed: Iterable[str]) -> Iterator[Row | BadRow]:
    csv.field_size_limit(LINE_BYTES_MAX)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _cells(csv.reader(text, delimiter=delimiter), needed)
    finally:
        text.detach()  # the file belongs to whoever opened it


def _check_columns(header: list[str], needed: Iterable[str]) -> None:
    missing = [name for name in needed if name not in header]
    if missing and not all(sign.isprintable() or sign == "\t" for name in header for sign in name):
        raise ValueError(
            "the file is no CSV: its first line, where the names of the columns stand, is no text in UTF-8"
        )
    if len(header) == 1 and (other := next((one for one in ";\t|," if one in header[0]), None)):
        shown = "\\t" if other == "\t" else other
        raise WrongColumns(
            "--delimiter", f"the file has one column, {header[0][:80]!r}: try --delimiter '{shown}'"
        )
    if missing:
        missing = [name for name in missing if name not in REQUIRED] or missing  # a wrong --map is said first
        raise WrongColumns(
            "--app" if missing == ["app_id"] else "--map",
            f"there is no column {', '.join(missing)}; the columns are {_named(header)}{_hints(missing)}",
        )


def _named(header: list[str]) -> str:
    shown = ", ".join(
        f"{name[:_NAME_SHOWN]}..." if len(name) > _NAME_SHOWN else name for name in header[:_COLUMNS_SHOWN]
    )
    rest = len(header) - _COLUMNS_SHOWN
    return shown + (f" and {rest:,} more" if rest > 0 else "")


def _hints(missing: list[str]) -> str:
    """How to say where the required fields are that have no column."""
    mapped = [f"{name}=COLUMN" for name in REQUIRED[:3] if name in missing]
    hints = [f"say where they are with --map {','.join(mapped)}"] if mapped else []
    hints += ["or the type of all rows with --type session"] if "type" in missing else []
    hints += ["name the app of all rows with --app APP"] if "app_id" in missing else []
    return "".join(f"; {hint}" for hint in hints)


def _cells(reader: Any, needed: Iterable[str]) -> Iterator[Row | BadRow]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise ValueError(f"the names of the columns cannot be read: {error}") from None
    if not any(header):
        raise ValueError("the file is empty: a CSV file begins with the names of its columns")
    _check_columns(header, needed)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield BadRow(line, f"not CSV: {error}")
            continue
        if cells is None:
            return
        if cells and len(cells) != len(header):
            yield BadRow(line, f"has {len(cells)} columns, the header has {len(header)}")
        elif cells:
            yield Row(
                line, {name: cell for name, cell in zip(header, cells, strict=True) if cell != "" and name}
            )
