"""The same trouble is not written a thousand times, and nothing that matters is left out."""

import logging

from consumers.ingest.logs import FoldRepeats


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
