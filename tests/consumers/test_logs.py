"""The same trouble is not written a thousand times, and nothing that matters is left out."""

import json
import logging
from collections.abc import Iterator

import pytest

from consumers.logs import FoldRepeats, about, set_up
from consumers.settings import Settings


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(
    message: str, *args: object, name: str = "aiokafka", level: int = logging.WARNING
) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, message, args, None)


def test_lines_that_differ_in_numbers_only_are_of_one_kind() -> None:
    fold = FoldRepeats(repeats_max=3, window_seconds=30, clock=Clock())
    assert sum(fold.filter(line(f"node {n} at port {n} does not answer")) for n in range(1_500)) == 3


def test_the_next_window_says_how_many_were_left_out() -> None:
    clock = Clock()
    fold = FoldRepeats(repeats_max=3, window_seconds=30, clock=clock)
    for _ in range(10):
        fold.filter(line("away: %s", "reason"))
    clock.now = 30
    late = line("away: %s", "reason")
    assert fold.filter(late)
    assert late.getMessage() == "away: reason (and 7 more like this)"


def test_other_lines_pass() -> None:
    fold = FoldRepeats(repeats_max=1, window_seconds=30, clock=Clock())
    assert fold.filter(line("one"))
    assert fold.filter(line("two"))
    assert fold.filter(line("one", name="consumers"))
    assert not fold.filter(line("one"))


def test_what_mode_says_of_its_services_is_left_out_unless_it_warns() -> None:
    fold = FoldRepeats(clock=Clock())
    assert not fold.filter(
        line("[^-SliceConsumer]: Stopping...", name="consumers.ingest.transport", level=logging.INFO)
    )
    assert not fold.filter(
        line("[^-App]: Crashed reason=%r", ValueError(), name="faust.app", level=logging.ERROR)
    )
    assert fold.filter(line("[^-SliceConsumer]: wait_empty: Waiting", name="consumers.ingest.transport"))


def test_the_memory_of_kinds_is_bounded() -> None:
    fold = FoldRepeats(clock=Clock())
    for n in range(5_000):
        fold.filter(line("".join(chr(97 + int(d)) for d in str(n))))
    assert len(fold._seen) <= 1_000


def test_trouble_that_a_client_mends_itself_is_a_warning() -> None:
    fold = FoldRepeats(clock=Clock())
    lost = line("Unable to connect", name="aiokafka.client", level=logging.ERROR)
    assert fold.filter(lost)
    assert lost.levelname == "WARNING"
    ours = line("ending", name="consumers.ingest.worker", level=logging.ERROR)
    assert fold.filter(ours)
    assert ours.levelname == "ERROR"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    filters = {one: list(one.filters) for one in before}
    yield
    root.handlers, root.level = before, level
    for one, its in filters.items():
        one.filters = its


def written(settings: Settings, capsys: pytest.CaptureFixture[str]) -> str:
    """What stands on standard error when a batch and a library have something to say."""
    set_up(settings)
    with about(topic="sessions", partition=3, first=10, next=20, events=9):
        logging.getLogger("stream.engine").warning(
            "the store is away: %s", "redis://me:hunter22@there refused"
        )
    logging.getLogger("aiokafka.client").error("Unable connect to node 1")
    try:
        raise ValueError("hunter22 and abcdef0123456789")
    except ValueError:
        logging.getLogger("consumers.web").exception("failed")
    return capsys.readouterr().err


def test_every_line_is_an_object_with_what_is_known_of_the_batch(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(
        log_format="json", redis_url="redis://me:hunter22@there", user_id_secret="abcdef0123456789"
    )
    first, library, failed = map(json.loads, written(settings, capsys).splitlines())
    assert first["event"] == "the store is away: redis://me:********@there refused"
    assert {name: first[name] for name in ("topic", "partition", "first", "next", "events")} == {
        "topic": "sessions",
        "partition": 3,
        "first": 10,
        "next": 20,
        "events": 9,
    }
    assert (library["logger"], library["level"]) == ("aiokafka.client", "warning")
    assert "topic" not in library
    assert "ValueError: ******** and ********" in failed["exception"]


def test_for_people_a_line_has_time_level_logger_and_what_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings(redis_url="redis://me:hunter22@there", write_keys="shop=abcdef0123456789")
    said = written(settings, capsys)
    line = said.splitlines()[0]
    assert " WARNING stream.engine: the store is away" in line
    assert line.endswith("events=9 first=10 next=20 partition=3 topic=sessions")
    assert " ERROR consumers.web: failed" in said
    assert "Traceback" in said
    assert "hunter22" not in said
    assert "abcdef0123456789" not in said


def test_a_second_set_up_writes_no_line_twice(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(Settings())
    assert written(Settings(), capsys).count("the store is away") == 1
