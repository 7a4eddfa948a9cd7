"""The budget counts what is out and forgets what came back, whoever gives it back."""

import gc

from faust.types import TP

from consumers.ingest.slices import Budget, RecordSlice, shares

SESSIONS, INSTALLS = TP("sessions", 0), TP("installs", 0)


def piece(tp: TP = SESSIONS, size_bytes: int = 10) -> RecordSlice:
    return RecordSlice(tp, 0, 1, [], size_bytes, 0)


def test_there_is_room_until_the_bytes_are_out() -> None:
    budget = Budget(15, slices_max=9)
    kept = [piece(), piece()]
    budget.take(kept[0])
    assert budget.has_room("installs")
    budget.take(kept[1])  # the last one may go over
    assert not budget.has_room("installs")
    kept[0].release()
    assert budget.has_room("installs")


def test_a_topic_cannot_take_the_room_of_another() -> None:
    budget = Budget(1_000, slices_max=2)
    kept = [piece(), piece()]
    for one in kept:
        budget.take(one)
    assert not budget.has_room("sessions")
    assert budget.has_room("installs")


def test_giving_back_twice_counts_once_and_wakes_the_fetch() -> None:
    woken: list[int] = []
    budget = Budget(1_000, slices_max=2)
    budget.wake = lambda: woken.append(1)
    one = piece()
    budget.take(one)
    one.release()
    one.release()
    del one
    gc.collect()
    assert (budget.bytes_waiting, woken) == (0, [1])


def test_a_slice_that_was_thrown_away_is_given_back() -> None:
    budget = Budget(1_000)
    budget.take(piece())
    gc.collect()
    assert budget.bytes_waiting == 0


def test_slices_are_cut_in_proportion_to_what_is_left_of_each_topic() -> None:
    left = {"sessions": 1_000, "purchases": 40, "installs": 80, "feedback": 0}
    wanted = {"sessions": 1.0, "purchases": 0.04, "installs": 1.0, "feedback": 0.0}
    assert shares(left, "installs") == wanted
    assert shares({"purchases": 40}, "installs") == {"purchases": 1.0}
    assert shares({"purchases": 0}, "installs") == {"purchases": 1.0}
    assert shares({}, "installs") == {}
