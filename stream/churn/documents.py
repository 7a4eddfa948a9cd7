"""What does the churn watch remember of an app? Its state, and the minutes of each day, as bytes in the store and back.

churn              what was tested, the cells as they stood when they settled, incidents; read by the exporter too
churn:2026-11-25   returning users so far at every minute of one local day; kept for 12 weeks
"""

import zlib
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from stream.churn.incidents import Incident
from stream.churn.live import SERIES
from stream.churn.pace import DAYS, MINUTES, WEEKDAYS, WEEKS
from stream.churn.settled import COHORTS
from stream.retention.days import iso

Floats = npt.NDArray[np.float64]

STATE = "churn"
HISTORY_DAYS = DAYS + WEEKS * WEEKDAYS
VERSION = 1
_UNKNOWN = -1
WHOLE = ""  # the population that is the whole app


class Reading(Struct, frozen=True):
    """The newest test of a detector and day n (None: the pace) for the whole app, as it is shown."""

    detector: str
    day: int | None
    sample_users: int
    z: float | None = None
    dispersion: float | None = None
    expected: float | None = None
    expected_low: float | None = None
    expected_high: float | None = None
    drop: float | None = None
    cusum: float | None = None


class Cell(Struct, frozen=True, array_like=True):
    """A cell as it stood when it settled, by the day that settled it."""

    settled: int
    users: int
    size: int


class State(Struct):
    """What is remembered of one app.

    run_ms    when it was last looked at, 0 never
    waiting   why there was no verdict then: learning, lag and the like; empty where there was one
    settled   the last day whose cells were tested, 0 none; cells: population -> n -> cells in order
    cusum     n -> sum, drops and days of its run
    """

    version: int = VERSION
    run_ms: int = 0
    waiting: str = ""
    settled: int = 0
    cells: dict[str, dict[int, list[Cell]]] = field(default_factory=dict)
    cusum: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    def read(self, reading: Reading) -> None:
        """Takes the place of the reading before it."""
        key = reading.detector, reading.day
        self.readings = [one for one in self.readings if (one.detector, one.day) != key] + [reading]

    def begin(self, populations: Sequence[str], days: Sequence[int], now_ms: int) -> None:
        """Holds no cells but for these, from now on; incidents of days that are tested no more are over."""
        self.cells = {name: {n: [] for n in days} for name in populations}
        self.cusum = {n: sums for n, sums in self.cusum.items() if n in days}
        self.readings = [one for one in self.readings if one.day is None or one.day in days]
        for incident in self.incidents:
            if incident.is_open and incident.day is not None and incident.day not in days:
                incident.closed_ms = now_ms

    def note(self, population: str, n: int, cell: Cell) -> None:
        """One more cell; the oldest ones that no test looks at go."""
        cells = self.cells.setdefault(population, {}).setdefault(n, [])
        cells.append(cell)
        del cells[:-COHORTS]

    def history(self, populations: Sequence[str], days: Sequence[int]) -> tuple[Floats, Floats]:
        """Users and sizes by population, n and settled day, the last one being `settled`; 0 where there is no cell."""
        users, sizes = (np.zeros((len(populations), len(days), COHORTS)) for _ in range(2))
        first = self.settled - COHORTS + 1
        for row, population in enumerate(populations):
            for column, n in enumerate(days):
                for cell in self.cells.get(population, {}).get(n, ()):
                    if first <= cell.settled <= self.settled:
                        users[row, column, cell.settled - first] = cell.users
                        sizes[row, column, cell.settled - first] = cell.size
        return users, sizes


def state_of(document: bytes) -> State:
    """The state; a new one where there is none, or where it was written by another layout."""
    if not document:
        return State()
    try:
        found = msgspec.json.decode(document, type=State)
    except msgspec.MsgspecError:
        return State()
    return found if found.version == VERSION else State()


def state_bytes(state: State) -> bytes:
    """The state as it is stored."""
    return msgspec.json.encode(state)


def day_name(day: int) -> str:
    """The name of the document of one local day."""
    return f"{STATE}:{iso(day)}"


class _Day(Struct, array_like=True):
    populations: list[str]
    minutes: int
    packed: bytes


class Minutes:
    """The minutes of one day: of each population its series so far, NaN where not seen."""

    def __init__(self, seen: dict[str, Floats] | None = None) -> None:
        self.seen = seen or {}

    def note(self, minute: int, counts: dict[str, Sequence[int]]) -> None:
        """What stands there at the end of a minute (0..1440): of each population its users by age group."""
        for population, groups in counts.items():
            if population not in self.seen:
                self.seen[population] = nothing_seen()
            self.seen[population][:, minute] = [sum(groups), *groups]

    def of(self, population: str) -> Floats:
        """The series of a population."""
        return self.seen.get(population, nothing_seen())


def nothing_seen() -> Floats:
    """Series by minute of a day of which nothing is known but that it begins with nobody."""
    seen = np.full((len(SERIES), MINUTES + 1), np.nan)
    seen[:, 0] = 0
    return seen


def minutes_of(document: bytes) -> Minutes:
    """The minutes of a day; none where nothing, or nothing that can be read, is stored."""
    if not document:
        return Minutes()
    try:
        day = msgspec.msgpack.decode(zlib.decompress(document), type=_Day)
        shape = (len(day.populations), len(SERIES), MINUTES + 1)
        steps = np.frombuffer(day.packed, "<i4").reshape(shape)
    except (zlib.error, msgspec.MsgspecError, ValueError):
        return Minutes()
    seen = steps.cumsum(-1).astype(float)
    seen[seen == _UNKNOWN] = np.nan
    return Minutes(dict(zip(day.populations, seen, strict=True)))


def minutes_bytes(minutes: Minutes) -> bytes:
    """The minutes of a day as they are stored: steps from minute to minute, compressed."""
    names = sorted(minutes.seen)
    seen = np.array([minutes.seen[name] for name in names]).reshape(len(names), len(SERIES), MINUTES + 1)
    stored = np.where(np.isnan(seen), _UNKNOWN, seen).astype(np.int32)
    steps = np.diff(stored, axis=-1, prepend=0).astype("<i4")
    return zlib.compress(msgspec.msgpack.encode(_Day(names, MINUTES, steps.tobytes())), 1)
